"""Does every start of OPT stay finite? Millions of them on channels that no scenario would draw.

    python -m benchmarks.fuzz [--starts N] [--seed S]

Sizes × kinds of channels × link SNR from −40 to 100 dB; of four starts of a channel one is
closed-form and one grown, and the others are random. Of each start it is asserted that the beams
and all of `GpipInfo` are finite, that its rate is not below where it began, and that the rate is
what float64 makes of the beams, up to 60 dB. Exit code 1 if one fails.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from benchmarks.report import Claim, Report, table
from jaxsec.channels import Channels
from jaxsec.precoding import gpip
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.precoding.gpip.iterate import solve_chunk
from jaxsec.precoding.gpip.solve import single_kernels_for
from jaxsec.precoding.gpip.starts import several_starts
from jaxsec.report import judge
from jaxsec.secrecy import normalise_power
from jaxsec.strategy import Strategy

SIZES = (
    (1, 1, 0, 2), (1, 1, 1, 1), (1, 2, 3, 1), (2, 2, 2, 2), (2, 5, 6, 1), (3, 1, 2, 0),
    (4, 4, 6, 2), (5, 3, 0, 0), (8, 1, 1, 2), (8, 2, 4, 2), (8, 4, 4, 2), (8, 8, 4, 2),
    (16, 5, 1, 4), (32, 2, 2, 1), (12, 6, 6, 2), (16, 16, 4, 2),
)  # fmt: skip
"""(M, K, L, J)."""
ROWS = 128
"""Starts of a call: one program for each size."""
NUM_STARTS = 4
"""Of a channel."""
SNR_DB = (-40.0, 100.0)
HONEST_DB = 60.0
"""Link SNR to which the solver's rate is compared with float64."""
TOLERANCE = 0.02
"""By how much they may differ, bit/s/Hz a user."""

Draw = Callable[[np.random.Generator, int, int, int, int], np.ndarray]
"""Channels [n, R, M] of entries of about one, users first, from (generator, n, M, K, L)."""


class Count(NamedTuple):
    """What became of some starts."""

    starts: int
    not_finite: int
    below_start: int
    dishonest: int
    worst: float
    """Largest difference of the solver's rate from float64's, bit/s/Hz a user."""

    def plus(self, other: "Count") -> "Count":
        return Count(
            self.starts + other.starts,
            self.not_finite + other.not_finite,
            self.below_start + other.below_start,
            self.dishonest + other.dishonest,
            max(self.worst, other.worst),
        )

    @property
    def failures(self) -> int:
        return self.not_finite + self.below_start + self.dishonest


@dataclasses.dataclass(frozen=True)
class Command:
    """Run OPT from many starts on hard channels; assert that all of them end well."""

    starts: int = 1_000_000
    """Starts in all, rounded up to whole calls."""
    seed: int = 0
    """Seed of channels and starts."""


def rayleigh(generator, n, m, k, l) -> np.ndarray:
    parts = generator.standard_normal((2, n, k + l, m))
    return (parts[0] + 1j * parts[1]) / np.sqrt(2)


def rician(generator, n, m, k, l) -> np.ndarray:
    """Line of sight of 0 to 40 dB over the scattered part."""
    factor = 10 ** generator.uniform(0, 4, (n, 1, 1))
    sine = generator.uniform(-1, 1, (n, k + l, 1))
    sight = np.exp(1j * np.pi * sine * np.arange(m))
    return (np.sqrt(factor) * sight + rayleigh(generator, n, m, k, l)) / np.sqrt(1 + factor)


def correlated(generator, n, m, k, l) -> np.ndarray:
    """Antennas of correlation 0.9 to 0.9999 to their neighbours."""
    rho = 1 - 10 ** generator.uniform(-4, -1, n)
    lag = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    factor = np.linalg.cholesky(rho[:, None, None] ** lag + 1e-12 * np.eye(m))
    return rayleigh(generator, n, m, k, l) @ np.swapaxes(factor, 1, 2)


def collinear(generator, n, m, k, l) -> np.ndarray:
    """All receivers near one direction: correlation 0.99 to 1 − 1e-7."""
    rho = 1 - 10 ** generator.uniform(-7, -2, (n, k + l, 1))
    common = rayleigh(generator, n, m, 1, 0)
    return rho * common + np.sqrt(1 - rho**2) * rayleigh(generator, n, m, k, l)


def collinear_pairs(generator, n, m, k, l) -> np.ndarray:
    """Each eavesdropper near a user, and the last user near the first."""
    h = rayleigh(generator, n, m, k, l)
    near = np.concatenate([np.arange(k - 1), [0], generator.integers(k, size=l)])
    rho = 1 - 10 ** generator.uniform(-7, -2, (n, k + l, 1))
    rho[:, : k - 1] = 1.0 if k > 1 else rho[:, : k - 1]
    moved = rho * h[:, near] + np.sqrt(1 - rho**2) * rayleigh(generator, n, m, k, l)
    return moved if k > 1 or l else h


def duplicates(generator, n, m, k, l) -> np.ndarray:
    """Every receiver's channel is one of two, but for its phase."""
    h = rayleigh(generator, n, m, 2, 0)
    which = generator.integers(2, size=(n, k + l, 1))
    phase = np.exp(2j * np.pi * generator.integers(4, size=(n, k + l, 1)) / 4)
    return np.take_along_axis(h, np.broadcast_to(which, (n, k + l, m)), axis=1) * phase


def zeros(generator, n, m, k, l) -> np.ndarray:
    """Half of the receivers, and a quarter of all entries, hear nothing."""
    h = rayleigh(generator, n, m, k, l) * (generator.uniform(size=(n, k + l, 1)) < 0.5)
    return h * (generator.uniform(size=h.shape) < 0.75)


def unequal(generator, n, m, k, l) -> np.ndarray:
    """Receivers up to 120 dB apart."""
    gain = 10 ** generator.uniform(-6, 0, (n, k + l, 1))
    return gain * rayleigh(generator, n, m, k, l)


KINDS: dict[str, Draw] = {
    draw.__name__: draw
    for draw in (
        rayleigh, rician, correlated, collinear, collinear_pairs, duplicates, zeros, unequal
    )
}  # fmt: skip


def fuzz(size: tuple[int, int, int, int], kind: str, calls: int, seed: int) -> Count:
    """Runs `calls` times `ROWS` starts of one size on channels of one kind."""
    m, k, l, j = size
    generator = np.random.default_rng([seed, *size, list(KINDS).index(kind)])
    total = Count(0, 0, 0, 0, 0.0)
    kernels = single_kernels_for(ROWS, k, l, m, j)
    num_channels = ROWS // NUM_STARTS
    for call in range(calls):
        snr_db = generator.uniform(*SNR_DB, num_channels)
        h = KINDS[kind](generator, num_channels, m, k, l) * 10 ** (snr_db / 20)[:, None, None]
        h = h.astype(np.complex64)
        args = (h, np.ones((num_channels, k), np.float32), jax.random.key(call))
        program = PROGRAMS.get(_solve, args, num_beams=k + j, kernels=kernels)
        u, info = program(*args)
        h, snr_db = np.tile(h, (NUM_STARTS, 1, 1)), np.tile(snr_db, NUM_STARTS)
        total = total.plus(_judge(h, snr_db, np.asarray(u), jax.tree.map(np.asarray, info), k))
    return total


def _solve(h, weights, key, *, num_beams: int, kernels: bool):
    options = {"num_starts": NUM_STARTS, "num_beams": num_beams, "chunk": ROWS}
    initial = several_starts(h, weights, key, jnp.arange(h.shape[0]), **options)
    h, weights = jnp.tile(h, (NUM_STARTS, 1, 1)), jnp.tile(weights, (NUM_STARTS, 1))
    u, info = solve_chunk(
        h,
        weights,
        initial,
        smoothing=jnp.asarray(gpip.annealing(), jnp.float32),
        num_beams=num_beams,
        plain=False,
        kernels=kernels,
    )
    num_users = weights.shape[1]
    beams = normalise_power(u[..., :num_users], u[..., num_users:])
    return jnp.concatenate(beams, axis=-1), info


def _judge(h: Any, snr_db: np.ndarray, u: Any, info: Any, k: int) -> Count:
    finite = np.isfinite(u).all(axis=(1, 2))
    for x in info:
        finite &= np.isfinite(x).reshape(len(u), -1).all(axis=1)
    channels = Channels(h[:, :k], h[:, k:], np.ones(()))
    wide = judge.secrecy_rates(Strategy(u[..., :k], u[..., k:]), channels)
    difference = np.abs(wide.sum(axis=1) - info.rate) / k
    difference = np.where(finite & (snr_db <= HONEST_DB), difference, 0.0)
    return Count(
        len(u),
        int((~finite).sum()),
        int((info.rate < info.start_rate).sum()),
        int((difference > TOLERANCE).sum()),
        float(difference.max()),
    )


def run(command: Command) -> dict[tuple[str, tuple[int, int, int, int]], Count]:
    """Counts of every kind and size."""
    calls = -(-command.starts // (ROWS * len(SIZES) * len(KINDS)))
    return {(kind, size): fuzz(size, kind, calls, command.seed) for size in SIZES for kind in KINDS}


def lines(counts: dict[tuple[str, tuple[int, int, int, int]], Count]) -> dict[str, Count]:
    """Sums for each kind of channels, for each size, and of all."""

    def total(chosen: list[Count]) -> Count:
        return functools.reduce(Count.plus, chosen)

    kinds = {
        kind: total([count for (name, _), count in counts.items() if name == kind])
        for kind in KINDS
    }
    sizes = {
        f"M,K,L,J = {size}": total([count for (_, of), count in counts.items() if of == size])
        for size in SIZES
    }
    return {**kinds, **sizes, "all": total(list(counts.values()))}


def main(command: Command, argv: list[str]) -> int:
    """Counts, prints the table; 1 if a start failed."""
    report = Report("fuzz", argv, seed=command.seed, num_samples=command.starts)
    summed = lines(run(command))
    heads = ("starts", "not finite", "below start", "dishonest", "worst, bit/s/Hz")
    cells = [
        (name, *(f"{number:,}" for number in count[:4]), f"{count.worst:.4f}")
        for name, count in summed.items()
    ]
    failures = summed["all"].failures
    claim = Claim(
        "every start ends well", f"{failures} of {summed['all'].starts:,} do not", not failures
    )
    rows = [{"of": name, **count._asdict()} for name, count in summed.items()]
    return report.finish(
        rows, table("Starts of OPT on hard channels", ("of",), heads, cells), [claim]
    )


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command, description=Command.__doc__), sys.argv[1:]))

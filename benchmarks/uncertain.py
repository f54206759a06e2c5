"""Designs for channels that are not known exactly, on a grid of errors, judged on fresh draws.

    python -m benchmarks.uncertain [--users 2] [--eavesdroppers 4] [--ascent] [--model FILE]

Estimates are Rayleigh channels of P1's scenario. A row is an objective, the mean of the sum secrecy
rate over the channels that an estimate leaves possible or the rate that is kept in 95% of them; a
cell is a design's value over that of the reference, the long run of the power iteration on draws
from the same start, and not a proof of anything. With `--ascent` also what 700 steps of stochastic
gradient ascent on the mean (`precoding.robust_reference`) make of `opt-robust`'s designs. The last
column is the share of channels on which RZF-NS, `cdm-f`'s other candidate, is worth more than its
sample by the draws that choose; of the rate kept, `cdm-f` takes it where it is hardly less, too.
"""

import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

import jaxsec
from benchmarks.report import Report, table
from jaxsec import Scenario, keys, methods
from jaxsec.channels import knowledge, sample_channels
from jaxsec.channels.knowledge import Posterior
from jaxsec.precoding import robust_reference
from jaxsec.report import statistics
from jaxsec.secrecy import MEAN, Outage, OverDraws, outage_secrecy_rate, sum_secrecy_rate
from jaxsec.strategy import Strategy

ERRORS_USER = (0.0, 0.01, 0.1)
ERRORS_EVE = (0.1, 0.5, 1.0)
OBJECTIVES: dict[str, OverDraws] = {"mean": MEAN, "kept in 95%": Outage(0.05)}
REFERENCE = methods.StochasticGpip(num_steps=200, num_draws=512)
DRAWS_A_CALL = 32
SLICE = 64
"""Channels ascended at a time."""
ASCENT = "opt-robust, ascended"
SAMPLED, CHOSEN = "cdm-f", "RZF-NS ahead"
LEARNED = "setnet-robust"
ONE_PASS, ALONE = f"{LEARNED}, one pass", f"{LEARNED}, one pass alone"

Designer = Callable[[Any, Posterior, OverDraws], Strategy]


@dataclasses.dataclass(frozen=True)
class Arguments:
    users: int = 2
    """K."""
    eavesdroppers: int = 4
    """L."""
    num_channels: int = 256
    """Estimates a point."""
    num_draws: int = 1024
    """Draws of each estimate's channels, by which designs are judged."""
    seed: int = 60260
    ascent: bool = False
    """Ascend the mean from what `opt-robust` has found; 0.1 s a channel."""
    model: Path | None = None
    """One more column: other weights that are told errors, by one sample."""
    json: Path | None = None


def by(method: str | methods.Method, *, mean_only: bool = False, **options: Any) -> Designer:
    """A designer that is told what is known."""

    def design(key: Any, known: Posterior, objective: OverDraws) -> Strategy:
        over = MEAN if mean_only else objective
        return jaxsec.design(
            known, noise_power=1.0, method=method, objective=over, key=key, **options
        )

    return design


def trusting(method: str) -> Designer:
    """A designer that takes the means for the channels."""

    def design(key: Any, known: Posterior, objective: OverDraws) -> Strategy:
        del objective
        return jaxsec.design(known.h_user, known.h_eve, 1.0, method=method, key=key)

    return design


DESIGNS: dict[str, Designer] = {
    "opt": trusting("opt"),
    "opt-loaded": by("opt-loaded", mean_only=True),
    "rzf-ns-robust": by("rzf-ns-robust"),
    SAMPLED: by(SAMPLED),
    f"{SAMPLED}, 8": by(SAMPLED, num_samples=8),
    ALONE: by(LEARNED, refine=0, fallback=False),
    ONE_PASS: by(LEARNED, refine=0),
    LEARNED: by(LEARNED),
    "opt-robust": by("opt-robust"),
}


def ascended(key: Any, known: Posterior, objective: OverDraws) -> Strategy:
    """Stochastic gradient ascent on the mean, from `opt-robust`."""
    start = by("opt-robust")(key, known, objective)
    pieces = [
        robust_reference.ascend(
            keys.step(keys.stream(key, "ascent"), first),
            Strategy(start.w[first : first + SLICE], start.v[first : first + SLICE]),
            jax.tree.map(lambda x, first=first: x[first : first + SLICE], known),
            1.0,
        )
        for first in range(0, start.w.shape[0], SLICE)
    ]
    return jax.tree.map(lambda *x: jnp.concatenate(x), *pieces)


def judged(key: Any, strategy: Strategy, known: Posterior, num_draws: int) -> dict[str, np.ndarray]:
    """Every objective of every channel [n], on draws that no design has seen."""
    found = rates(key, strategy, known, num_draws)
    kept = outage_secrecy_rate(found, 0.05)
    return {"mean": np.asarray(found.mean(axis=0)), "kept in 95%": np.asarray(kept)}


def rates(key: Any, strategy: Strategy, known: Posterior, num_draws: int) -> Any:
    """[draws, n] sum secrecy rates on draws of what the channels may be."""
    calls = -(-num_draws // DRAWS_A_CALL)
    found = _rates(jax.random.split(key, calls), strategy, known)
    return found.reshape(calls * DRAWS_A_CALL, -1)


@jax.jit
def _rates(all_keys: Any, strategy: Strategy, known: Posterior) -> Any:
    def some(key):
        h_user, h_eve = knowledge.sample(key, known, DRAWS_A_CALL)
        return sum_secrecy_rate(strategy.w[None], strategy.v[None], h_user, h_eve, 1.0)

    return jax.lax.map(some, all_keys)


class Case(NamedTuple):
    """Estimates and what is asked of designs for them."""

    source: Any
    known: Posterior
    name: str
    objective: OverDraws
    num_draws: int


def worth(design: Designer, case: Case) -> tuple[np.ndarray, float]:
    """What a design is worth on every channel [n], and its time in µs a channel."""
    key = keys.stream(case.source, "designs")
    jax.block_until_ready(design(key, case.known, case.objective))  # compiles
    began = time.perf_counter()
    strategy = jax.block_until_ready(design(key, case.known, case.objective))
    seconds = time.perf_counter() - began
    fresh = keys.stream(case.source, "judging")
    found = judged(fresh, strategy, case.known, case.num_draws)[case.name]
    return found, 1e6 * seconds / found.size


def measure(arguments: Arguments, error_user: float, error_eve: float) -> list[dict[str, Any]]:
    """A row for each objective at one pair of errors."""
    source, known = estimates(arguments, error_user, error_eve)
    rows = []
    for name, objective in OBJECTIVES.items():
        case = Case(source, known, name, objective, arguments.num_draws)
        reference, reference_us = worth(by(REFERENCE), case)
        row: dict[str, Any] = {"error_user": error_user, "error_eve": error_eve, "objective": name}
        row |= {"reference": float(reference.mean()), "reference us": reference_us}
        designs = dict(DESIGNS)
        if arguments.model is not None:
            designs[str(arguments.model)] = by(methods.RobustDiffusion(str(arguments.model)))
        if arguments.ascent and objective == MEAN:
            designs[ASCENT] = ascended
        for title, design in designs.items():
            value, us = worth(design, case)
            ratio = statistics.ratio_of_means(value, reference)
            row |= {title: ratio.value, f"{title} ci95": ratio.ci95, f"{title} us": us}
        if SAMPLED in designs:
            row[CHOSEN] = closed_form_share(case)
        rows.append(row)
        print(f"{error_user}, {error_eve}, {name}: {row['opt-robust']:.2%}", file=sys.stderr)
    return rows


def closed_form_share(case: Case) -> float:
    """Share of channels on which RZF-NS is the best candidate beside a sample."""
    key = keys.stream(case.source, "designs")
    _, found = jaxsec.design(
        case.known,
        noise_power=1.0,
        method=SAMPLED,
        objective=case.objective,
        key=key,
        diagnostics=True,
    )
    assert found.candidate_rates is not None
    return float(np.mean(np.argmax(found.candidate_rates, axis=-1) == 1))


def estimates(arguments: Arguments, error_user: float, error_eve: float) -> tuple[Any, Posterior]:
    """The key of all that is drawn at one pair of errors, and what is known of the channels."""
    source = keys.stream(arguments.seed, f"{error_user} {error_eve}")
    scenario = Scenario(num_users=arguments.users, num_eavesdroppers=arguments.eavesdroppers)
    known = drawn(source, scenario, arguments.num_channels, error_user, error_eve)
    return source, known


def drawn(source: Any, scenario: Scenario, n: int, error_user: float, error_eve: float):
    """What is known of n channels over the noise, of their estimates and errors."""
    channels = sample_channels(keys.stream(source, "estimates"), scenario, n)
    scale = 1.0 / np.sqrt(scenario.noise_power)
    h_user, h_eve = (jnp.asarray(h) * scale for h in (channels.h_user, channels.h_eve))
    return knowledge.estimated(h_user, h_eve, error_user, error_eve)


def distance(row: dict[str, Any], name: str) -> str:
    """Of a design to the reference, with its interval; nothing where it was not asked."""
    return f"{row[name] - 1:+.2%} ± {row[f'{name} ci95']:.2%}" if name in row else ""


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures, prints, writes."""
    report = Report("uncertain", argv, arguments.seed, arguments.num_channels)
    rows = [
        row for user in ERRORS_USER for eve in ERRORS_EVE for row in measure(arguments, user, eve)
    ]
    titles = [*DESIGNS, *([ASCENT] if arguments.ascent else [])]
    titles += [] if arguments.model is None else [str(arguments.model)]
    cells = [
        [
            f"{row['error_user']:g}, {row['error_eve']:g}",
            row["objective"],
            f"{row['reference']:.2f}",
            *(distance(row, name) for name in titles),
            f"{row[CHOSEN]:.0%}" if CHOSEN in row else "",
        ]
        for row in rows
    ]
    times = [
        f"{np.median([row[f'{name} us'] for row in rows if name in row]):,.0f}" for name in titles
    ]
    longest = f"{np.median([row['reference us'] for row in rows]):,.0f}"
    cells.append(["µs a channel, median", "", longest, *times, ""])
    title = f"K = {arguments.users}, L = {arguments.eavesdroppers}: distance to the reference"
    heads = ("errors: users, eavesdroppers", "objective")
    return report.finish(
        rows, table(title, heads, ("reference", *titles, CHOSEN), cells), path=arguments.json
    )


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

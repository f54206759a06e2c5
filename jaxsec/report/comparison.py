"""Methods side by side on the same channels, judged against the best known."""

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.designer import design
from jaxsec.keys import keys
from jaxsec.methods import Method
from jaxsec.precoding import reference
from jaxsec.report import judge
from jaxsec.report.timing import Timing, compile_clock
from jaxsec.strategy import Strategy

SLICE = 4096
"""Most channels designed in one call: what is shown as one step of the progress bar."""
REPEATS = 3
"""Timed runs after the warm-up, of which the best counts."""
REFERENCE_SLICE = 64
"""Channels a call of the reference, for the progress bar."""

Advance = Callable[[int], object]
"""Told how many channels more are done."""


class Result(NamedTuple):
    """What one method reached on n channels."""

    method: str
    sum_rate: np.ndarray  # [n], bit/s/Hz
    num_noise_beams: int
    timing: Timing


class Comparison(NamedTuple):
    """All methods on the same channels, and the best known rates or None."""

    results: list[Result]
    best_known: np.ndarray | None  # [n], bit/s/Hz

    def ratio(self, result: Result) -> np.ndarray | None:
        """Rate over best known rate [n]; 1 where nothing can be reached."""
        if self.best_known is None:
            return None
        reachable = self.best_known > 1e-9
        return np.where(reachable, result.sum_rate / np.where(reachable, self.best_known, 1.0), 1.0)


def measure(
    name: str, method: Method, channels: Channels, given: Channels, seed: int, *, advance: Advance
) -> Result:
    """One method on normalised channels, timed and judged.

    Args:
      name: of the method, for the result.
      method: what designs.
      channels: the true ones, by which it is judged.
      given: what the method is told of them.
      seed: of what it draws.
      advance: told of every run's channels.

    Raises:
      InputError: it found no finite beams.
    """
    runs = []
    for _ in range(1 + REPEATS):  # the first run warms up: it compiles
        runs.append(design_in_slices(method, given, seed, advance=advance))
    strategy, first = runs[0]
    sum_rate = np.sum(judge.secrecy_rates(strategy, channels), axis=-1)
    check_designed(name, sum_rate)
    best_s = min(timing.run_s for _, timing in runs[1:])
    return Result(name, sum_rate, strategy.v.shape[-1], Timing(best_s, first.compile_s))


def best_known(
    normalised: Channels, seed: int, *, num_noise_beams: int, advance: Advance
) -> np.ndarray:
    """Best known sum secrecy rate of every channel [n], bit/s/Hz (`precoding.reference`)."""
    key, n = keys(seed)[2], normalised.h_user.shape[0]
    pieces = []
    for first in range(0, n, REFERENCE_SLICE):
        part = Channels(*(array[first : first + REFERENCE_SLICE] for array in normalised))
        key_part = jax.random.fold_in(key, first)
        pieces.append(reference.best_known(key_part, part, num_noise_beams=num_noise_beams))
        advance(len(pieces[-1]))
    return np.concatenate(pieces)


def design_in_slices(
    method: Method, channels: Channels, seed: int, *, advance: Advance
) -> tuple[Strategy, Timing]:
    """Designs normalised channels [N, ...] slice by slice, in at most two compiled shapes.

    Returns:
      The strategy as NumPy arrays, w [N, M, K] and v [N, M, J], and what it took.
    """
    n = channels.h_user.shape[0]
    pieces = []
    start = time.perf_counter()
    with compile_clock() as compile_seconds:
        for first in range(0, n, SLICE):
            part = slice(first, first + SLICE)
            strategy = design(
                Channels(*(x[part] for x in channels)),
                method=method,
                key=jax.random.fold_in(keys(seed)[1], first),
            )
            pieces.append(jax.tree.map(np.asarray, strategy))
            advance(pieces[-1].w.shape[0])
    wall_s = time.perf_counter() - start
    compile_s = min(compile_seconds(), wall_s)
    strategy = jax.tree.map(lambda *parts: np.concatenate(parts), *pieces)
    return strategy, Timing(wall_s - compile_s, compile_s)


def check_designed(method: str, rate: np.ndarray) -> None:
    """What a method designed must have a finite rate on every channel, the first axis."""
    bad = np.flatnonzero(~np.isfinite(rate.reshape(rate.shape[0], -1)).all(axis=1))
    checks.require(
        bad.size == 0,
        f"method {method!r} found no finite beams for {bad.size} of {rate.shape[0]} channels, "
        f"the first at index {bad[0] if bad.size else None}",
    )

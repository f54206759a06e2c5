"""Methods side by side on the same channels, judged against the best known."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Key

from jaxsec import checks, keys
from jaxsec.channels import Channels, Scenario, estimate_channels
from jaxsec.channels.knowledge import Posterior, estimated
from jaxsec.channels.normalise import normalise
from jaxsec.designer import design
from jaxsec.methods import Knowing, Method
from jaxsec.methods.aim import PLAIN, Aim
from jaxsec.precoding import reference
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS
from jaxsec.report import console, judge, statistics
from jaxsec.report.timing import Timing, compile_clock
from jaxsec.secrecy import MEAN, OverDraws
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


class Told(NamedTuple):
    """What a method is told where channels are not known exactly."""

    known: Posterior
    """Over the noise, of n channels."""
    objective: OverDraws


class Comparison(NamedTuple):
    """All methods on the same channels, and the best known rates or None."""

    results: list[Result]
    best_known: np.ndarray | None  # [n], bit/s/Hz

    def of_best_known(self, result: Result) -> statistics.Ratio | None:
        """Mean rate over the mean best known rate, and the worst channel."""
        if self.best_known is None:
            return None
        return statistics.ratio_of_means(result.sum_rate, self.best_known)

    def ratios(self, result: Result) -> np.ndarray | None:
        """Rate over best known rate of every channel [n]; 1 where nothing can be reached."""
        if self.best_known is None:
            return None
        return statistics.ratios(result.sum_rate, self.best_known)


def compare(
    methods: Mapping[str, Method],
    channels: Channels,
    seed: int,
    *,
    csi_error: tuple[float, float] = (0.0, 0.0),
    objective: OverDraws = MEAN,
    num_noise_beams: int = DEFAULT_NOISE_BEAMS,
    with_best_known: bool = True,
    left_out: Callable[[str, checks.InputError], object] | None = None,
) -> Comparison:
    """Designs the channels by every method, times and judges it; shows progress on a terminal.

    Args:
      methods: by their names in tables and pictures.
      channels: the true ones [n, ...], by which all are judged.
      seed: of estimation errors, random starts and samples.
      csi_error: error variance of the estimates that the methods are given of users' and of
        eavesdroppers' channels. Methods that can use no more design for the estimates.
      objective: of the methods that can use what is known beside the estimates.
      num_noise_beams: J of the best known design.
      with_best_known: whether to find the best known rate of each channel, which is slow.
      left_out: told of a method that cannot serve the channels, and why; without, that is an error.

    Raises:
      InputError: a method cannot serve the channels, or found no finite beams.
    """
    normalised = normalise(channels)
    given = normalise(estimates(channels, csi_error, seed))
    known = None
    if max(csi_error) > 0.0:
        known = jax.tree.map(np.asarray, estimated(given.h_user, given.h_eve, *csi_error))
    n, results = channels.h_user.shape[0], []
    for name, method in methods.items():
        with console.progress(f"designing ({name})", n * (1 + REPEATS)) as advance:
            try:
                told = None
                if known is not None and isinstance(method, Knowing):
                    told = Told(known, objective)
                results.append(
                    measure(name, method, channels, given, seed, told=told, advance=advance)
                )
            except checks.InputError as error:
                if left_out is None:
                    raise
                left_out(name, error)
    if not with_best_known:
        return Comparison(results, None)
    with console.progress("finding best known rates", n) as advance:
        reached = best_known(normalised, seed, num_noise_beams=num_noise_beams, advance=advance)
    return Comparison(results, np.maximum.reduce([reached, *(x.sum_rate for x in results)]))


def estimates(channels: Channels, errors: tuple[float, float], seed: int) -> Channels:
    """What methods are told of channels that are known with errors of these variances."""
    if max(errors) == 0.0:
        return channels
    both = jax.random.split(keys.stream(seed, "compare/estimation"))
    h_user, h_eve = (
        np.asarray(estimate_channels(key, h, error))
        for key, h, error in zip(both, channels[:2], errors, strict=True)
    )
    return Channels(h_user, h_eve, channels.noise_power)


def measure(
    name: str,
    method: Method,
    channels: Channels,
    given: Channels,
    seed: int,
    *,
    told: Told | None = None,
    advance: Advance,
) -> Result:
    """One method on normalised channels, timed and judged.

    Args:
      name: of the method, for the result.
      method: what designs.
      channels: the true ones, by which it is judged.
      given: what the method is told of them.
      seed: of what it draws.
      told: what the method is told instead.
      advance: told of every run's channels.

    Raises:
      InputError: it found no finite beams.
    """
    runs = []
    for _ in range(1 + REPEATS):  # the first run warms up: it compiles
        runs.append(design_in_slices(method, given, seed, told=told, advance=advance))
    strategy, first = runs[0]
    sum_rate = np.sum(judge.secrecy_rates(strategy, channels), axis=-1)
    checks.check_designed(name, sum_rate)
    best_s = min(timing.run_s for _, timing in runs[1:])
    return Result(name, sum_rate, strategy.v.shape[-1], Timing(best_s, first.compile_s))


def best_known(
    normalised: Channels, seed: int, *, num_noise_beams: int, advance: Advance
) -> np.ndarray:
    """Best known sum secrecy rate of every channel [n], bit/s/Hz (`precoding.reference`)."""
    key, n = keys.stream(seed, "compare/best known"), normalised.h_user.shape[0]
    pieces = []
    for first in range(0, n, REFERENCE_SLICE):
        part = Channels(*(array[first : first + REFERENCE_SLICE] for array in normalised))
        key_part = keys.step(key, first)
        pieces.append(reference.best_known(key_part, part, num_noise_beams=num_noise_beams))
        advance(len(pieces[-1]))
    return np.concatenate(pieces)


def design_in_slices(
    method: Method,
    channels: Channels,
    seed: int,
    *,
    told: Told | None = None,
    aim: Aim = PLAIN,
    advance: Advance,
) -> tuple[Strategy, Timing]:
    """Designs normalised channels [N, ...] slice by slice, in at most two compiled shapes.

    With `told`, for what it says instead of the channels; else for the objective and power of
    `aim`, whose numbers are the same for every channel.

    Returns:
      The strategy as NumPy arrays, w [N, M, K] and v [N, M, J], and what it took.
    """
    n = channels.h_user.shape[0]
    pieces = []
    start = time.perf_counter()
    with compile_clock() as compile_seconds:
        for first in range(0, n, SLICE):
            key = keys.step(keys.stream(seed, "designs"), first)
            with _naming_slice(first, n):
                strategy = _design_slice(
                    method, channels, told, aim, slice(first, first + SLICE), key
                )
            pieces.append(jax.tree.map(np.asarray, strategy))
            advance(pieces[-1].w.shape[0])
    wall_s = time.perf_counter() - start
    compile_s = min(compile_seconds(), wall_s)
    strategy = jax.tree.map(lambda *parts: np.concatenate(parts), *pieces)
    return strategy, Timing(wall_s - compile_s, compile_s)


def _design_slice(
    method: Method,
    channels: Channels,
    told: Told | None,
    aim: Aim,
    part: slice,
    key: Key[Array, ""],
) -> Strategy:
    if told is None:
        some = jax.tree.map(lambda x: x[part], channels)
        options = {"objective": aim.objective, "power": aim.power}
        return design(some, method=method, key=key, **options)
    known = jax.tree.map(lambda x: x[part], told.known)
    return design(known, noise_power=1.0, method=method, key=key, objective=told.objective)


@contextlib.contextmanager
def _naming_slice(first: int, n: int) -> Iterator[None]:
    """Says which channels an error counts from, where that is not the first."""
    try:
        yield
    except checks.InputError as error:
        if n <= SLICE:
            raise
        last = min(first + SLICE, n) - 1
        raise checks.InputError(f"channels {first} to {last}: {error}") from None


def as_json(compared: Comparison) -> dict[str, Any]:
    """The numbers of a comparison, for a report."""
    best = compared.best_known
    return {
        "best_known": None if best is None else mean_as_json(best),
        "methods": [_result_as_json(compared, result) for result in compared.results],
    }


def _result_as_json(compared: Comparison, result: Result) -> dict[str, Any]:
    numbers = {
        "method": result.method,
        "num_noise_beams": result.num_noise_beams,
        "sum_secrecy_rate": mean_as_json(result.sum_rate),
        "us_per_channel": 1e6 * result.timing.run_s / result.sum_rate.size,
        "compile_s": result.timing.compile_s,
    }
    ratio = compared.of_best_known(result)
    if ratio is not None:
        numbers["of_best_known"] = {
            "ratio_of_means": ratio.value,
            "ci95": ratio.ci95,
            "worst": ratio.worst,
            "worst_channel": ratio.worst_index,
        }
    return numbers


def mean_as_json(samples: np.ndarray) -> dict[str, Any]:
    """Mean of samples and its interval, for a report."""
    mean = statistics.mean_ci(samples)
    return {"mean": mean.value, "ci95": mean.ci95}


def in_words(scenario: Scenario, num_channels: int) -> str:
    """The scenario of a comparison, as a title."""
    counts = [
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in (
            (scenario.num_antennas, "antenna"),
            (scenario.num_users, "user"),
            (scenario.num_eavesdroppers, "eavesdropper"),
        )
    ]
    power = f"{scenario.transmit_power_dbm:g} dBm"
    return ", ".join([*counts, power, f"{num_channels} channel{'' if num_channels == 1 else 's'}"])

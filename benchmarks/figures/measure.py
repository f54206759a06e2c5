"""Sum secrecy rates of all schemes at points of the figures, and the best known beside them."""

import concurrent.futures
import sys
import time
from collections.abc import Iterable
from typing import NamedTuple

import jax
import numpy as np

from benchmarks.figures import schemes
from benchmarks.figures.study import Study
from benchmarks.points import Point
from jaxsec import sample_channels
from jaxsec.precoding import reference
from jaxsec.report import judge, statistics

WORKERS = 2
"""Sizes measured at a time: most of it is compiling, which keeps one core busy."""


class Measured(NamedTuple):
    """What was reached on n channels of one point, in bit/s/Hz."""

    rates: dict[str, np.ndarray]  # [n] by scheme
    best: np.ndarray  # [n], best known

    def gap(self, name: str) -> np.ndarray:
        """1 − rate over best known, of every channel [n]."""
        return 1.0 - statistics.ratios(self.rates[name], self.best)


def measure(study: Study, point: Point) -> Measured:
    """All schemes on the same channels, judged in float64.

    The best known rate of a channel is that of a long float64 run of OPT from several starts, or of
    any scheme that is better.
    """
    key_channels, key_designs, key_best = jax.random.split(jax.random.key(study.seed), 3)
    effort = study.effort
    channels = sample_channels(key_channels, point.scenario(), effort.num_channels)
    rates = {
        name: judge.secrecy_rates(strategy, channels).sum(axis=-1)
        for name, strategy in schemes.designs(key_designs, channels)
    }
    best = reference.best_known(
        key_best, channels, num_starts=effort.num_starts, num_steps=effort.num_steps
    )
    return Measured(rates, np.max([best, *rates.values()], axis=0))


def measure_all(study: Study, points: Iterable[Point]) -> dict[Point, Measured]:
    """Every point once; those of one size share what is compiled, and a thread."""
    groups: dict[tuple[int, ...], list[Point]] = {}
    for point in dict.fromkeys(points):
        groups.setdefault(point[:3], []).append(point)

    def measure_group(group: list[Point]) -> dict[Point, Measured]:
        return {point: _timed(study, point) for point in group}

    measured, ordered = {}, [groups[size] for size in sorted(groups)]
    for first in range(0, len(ordered), WORKERS):
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for done in pool.map(measure_group, ordered[first : first + WORKERS]):
                measured.update(done)
        jax.clear_caches()  # hundreds of compiled programs are more than a process can map
    return measured


def _timed(study: Study, point: Point) -> Measured:
    began = time.perf_counter()
    measured = measure(study, point)
    print(
        f"K = {point.K}, L = {point.L}, {point.power_dbm:g} dBm, noise {point.noise_dbm:g} dBm: "
        f"{time.perf_counter() - began:.0f} s",
        file=sys.stderr,
        flush=True,
    )
    return measured


def reference_text(study: Study) -> str:
    """The best known rate in words, for captions."""
    effort = study.effort
    return (
        f"Best known: {effort.num_starts} starts, {effort.num_steps} steps in float64, or the "
        f"best scheme, on every channel."
    )

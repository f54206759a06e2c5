"""Contenders timed in turns, so that what else the machine does meets all of them alike."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax

SHORTEST_S = 0.05
"""A turn takes at least this long: quick functions are called several times."""


def alternate(functions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds a call of each function, blocked until ready, after a warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        jax.block_until_ready(function())
    for _ in range(rounds):
        for name, function in functions.items():
            repeats, spent = 0, 0.0
            while spent < SHORTEST_S:
                began = time.perf_counter()
                jax.block_until_ready(function())
                spent, repeats = spent + time.perf_counter() - began, repeats + 1
            seconds[name].append(spent / repeats)
    return {name: statistics.median(times) for name, times in seconds.items()}

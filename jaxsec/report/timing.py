"""Wall-clock times, those of compiling apart, and the machine they were measured on."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.monitoring

from jaxsec.cores import usable_cores


class Timing(NamedTuple):
    """Wall-clock seconds of a design, those of compilation apart."""

    run_s: float
    compile_s: float


@contextlib.contextmanager
def compile_clock() -> Iterator[Callable[[], float]]:
    """Yields a function that says how many seconds JAX has traced and compiled in the block."""
    spans: list[tuple[float, float]] = []

    def record(event: str, duration_secs: float, **_: Any) -> None:
        if event.startswith("/jax/core/compile/"):
            now = time.perf_counter()
            spans.append((now - duration_secs, now))

    def total() -> float:
        # The spans of a traced function contain those of the functions it calls.
        seconds, end = 0.0, -math.inf
        for begin, finish in sorted(spans):
            seconds += max(0.0, finish - max(begin, end))
            end = max(end, finish)
        return seconds

    jax.monitoring.register_event_duration_secs_listener(record)
    try:
        yield total
    finally:
        jax.monitoring.unregister_event_duration_listener(record)


def timed(act: Callable[[], Any], rounds: int) -> tuple[Any, list[float]]:
    """What a function returns, and the seconds of every round, without those of compiling."""
    with compile_clock() as compiling:
        began = time.perf_counter()
        found = jax.block_until_ready(act())
        seconds = [time.perf_counter() - began - compiling()]
    for _ in range(rounds - 1):
        began = time.perf_counter()
        jax.block_until_ready(act())
        seconds.append(time.perf_counter() - began)
    return found, seconds


def hardware() -> dict[str, Any]:
    """What the times were measured on."""
    import platform

    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line for line in lines if line.startswith("model name")).partition(":")[2]
    return {
        "cpu": cpu.strip(),
        "cores": usable_cores(),
        "jax": jax.__version__,
        "backend": jax.default_backend(),
        "device": jax.devices()[0].device_kind,
    }

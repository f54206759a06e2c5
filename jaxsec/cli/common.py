"""What the commands share: options, work in slices, timing, statistics and reports."""

import contextlib
import dataclasses
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import jax
import jax.monitoring
import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jaxsec import checks, designers
from jaxsec.archive import atomic_write, check_writable
from jaxsec.channels import Channels, Scenario
from jaxsec.cores import usable_cores
from jaxsec.strategy import Strategy
from jaxsec.training import parallel

SLICE = 4096
"""Most channels designed in one call: what is shown as one step of the progress bar."""
METHODS = tuple(designers.METHODS)


@dataclasses.dataclass(frozen=True)
class ScenarioOptions(Scenario):
    """The fields of `Scenario` as options; checked by `scenario`, not while they are parsed."""

    def __post_init__(self) -> None:
        pass

    def scenario(self) -> Scenario:
        """The checked scenario."""
        return Scenario(**dataclasses.asdict(self))


@dataclasses.dataclass(frozen=True)
class MethodOptions:
    """What methods can be told; each heeds what means something to it."""

    num_noise_beams: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """J, noise beams. None is each method's own: 2, or M-K for rzf-ns."""
    num_starts: int = 1
    """Starting points for opt, of which the best result is kept."""
    num_samples: int = 1
    """Candidates that a diffusion model samples for a channel, of which the best is kept."""
    refine: int = 0
    """Steps of opt's iteration on what a diffusion model has sampled."""
    ddim_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Sampling steps of a diffusion model. None is 4."""
    denoiser: Literal["set", "unet"] = "set"
    """Network of cdm: set for any K and L up to 8, unet for K=2 and L=4."""
    csi_error: float = 0.0
    """Error variance of the channels that methods are given, for opt-loaded and cdm-f-robust."""

    def check(self) -> None:
        """Raises `InputError`, naming the option, where a count is out of range."""
        for name, least in (
            ("num_noise_beams", 0),
            ("num_starts", 1),
            ("num_samples", 1),
            ("refine", 0),
            ("ddim_steps", 1),
        ):
            value = getattr(self, name)
            if value is not None:
                checks.check_at_least(f"--{name.replace('_', '-')}", value, least)
        checks.require(
            0.0 <= self.csi_error < 1.0,
            f"`--csi-error` must lie in [0, 1), but is {self.csi_error}",
        )


class Timing(NamedTuple):
    """Wall-clock seconds of a design, those of compilation apart."""

    run_s: float
    compile_s: float


class Mean(NamedTuple):
    """A sample mean and the half width of its 95% confidence interval, None for one sample."""

    value: float
    ci95: float | None

    def __str__(self) -> str:
        return f"{self.value:.2f}" if self.ci95 is None else f"{self.value:.2f} ± {self.ci95:.2f}"


def mean_ci(samples: np.ndarray) -> Mean:
    """Mean of independent samples [n], its interval from the normal approximation."""
    n = samples.size
    half = 1.96 * float(np.std(samples, ddof=1)) / math.sqrt(n) if n > 1 else None
    return Mean(float(np.mean(samples)), half)


def check_seed(seed: int) -> None:
    """The seed must fit 32 bits."""
    checks.require(0 <= seed < 2**32, f"`--seed` must lie in [0, 2**32), but is {seed}")


def check_method(option: str, method: str) -> None:
    """The method must be a row of `designers.METHODS`."""
    checks.require(
        method in METHODS, f"`{option}` must be one of {', '.join(METHODS)}, but is {method!r}"
    )


def check_outputs(inputs: tuple[Path, ...], *outputs: tuple[Path | None, tuple[str, ...]]) -> None:
    """Every output, with the endings it may have, can be written and replaces no other file."""
    taken = {os.path.realpath(path) for path in inputs}
    for path, endings in outputs:
        if path is None:
            continue
        check_writable(path, endings)
        real = os.path.realpath(path)
        checks.require(real not in taken, f"{path}: is already an input or output of this command")
        taken.add(real)


def keys(seed: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Keys for channels, designs and reference; `sample` and `compare` draw the same channels."""
    key_channels, key_design, key_reference = jax.random.split(jax.random.key(seed), 3)
    return key_channels, key_design, key_reference


def design_in_slices(
    method: str,
    channels: Channels,
    seed: int,
    *,
    options: MethodOptions,
    advance: Callable[[int], object],
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
            with _naming_slice(first, n):
                strategy = designers.design(
                    channels.h_user[part],
                    channels.h_eve[part],
                    channels.noise_power[part],
                    method,
                    key=jax.random.fold_in(keys(seed)[1], first),
                    **dataclasses.asdict(options),
                )
            pieces.append(jax.tree.map(np.asarray, strategy))
            advance(pieces[-1].w.shape[0])
    wall_s = time.perf_counter() - start
    compile_s = min(compile_seconds(), wall_s)
    strategy = jax.tree.map(lambda *parts: np.concatenate(parts), *pieces)
    return strategy, Timing(wall_s - compile_s, compile_s)


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


class Advance(Protocol):
    """Moves a progress bar on, with a word on how it goes."""

    def __call__(self, done: int, note: str = "", /) -> object: ...


@contextlib.contextmanager
def progress(description: str, total: int) -> Iterator[Advance]:
    """Yields a function that moves a bar on a terminal's stderr, and does nothing elsewhere.

    Of several processes the first shows its bar.
    """
    console = Console(stderr=True)
    shown = console.is_terminal and parallel.is_first()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task(description, total=total, note="")
        yield lambda done, note="": bar.update(task, advance=done, note=note)


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Writes a report as strict JSON, whole or not at all."""
    text = json.dumps(report, indent=2, allow_nan=False, default=str)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")


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

"""`jaxsec design`: a file of channels in, a file of secure beams and artificial noise out."""

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.channels.normalise import normalise
from jaxsec.cli.options import METHODS, MethodOptions, check_seed
from jaxsec.files.archive import FORMATS, check_outputs, naming
from jaxsec.files.channels import load_channels, save_strategy
from jaxsec.methods import Method
from jaxsec.report import comparison, console, judge, statistics
from jaxsec.report.timing import Timing, hardware
from jaxsec.strategy import Strategy

WARM_UP_S = 1.0


@dataclasses.dataclass(frozen=True)
class Command:
    """Design secure beams and artificial noise for the channels in a file.

    CHANNELS is .npz or MATLAB .mat (v5, -v7) and holds h_user (N,K,M) and h_eve (N,L,M), complex,
    and noise_power, receiver noise over transmit power in units of |h|², a number or (N,).
    """

    channels: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CHANNELS")]
    """File of channels, .npz or .mat."""
    out: Path
    """File to write, .npz or .mat: w (N,M,K), v (N,M,J), secrecy_rate, sum_secrecy_rate."""
    method: Annotated[str, tyro.conf.arg(metavar="{" + ",".join(METHODS) + "}")] = "opt"
    """How to design."""
    seed: int = 0
    """Seed of random starts and samples."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the summary to this file."""
    options: tyro.conf.OmitArgPrefixes[MethodOptions] = dataclasses.field(
        default_factory=MethodOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Reads, designs, judges, saves and prints a summary."""
    check_seed(command.seed)
    method = command.options.method(command.method)
    check_outputs((command.channels,), (command.out, FORMATS), (command.json, ()))
    channels = load_channels(command.channels)
    with naming(command.channels):
        normalised = normalise(channels)
    n = channels.h_user.shape[0]
    with console.progress(f"designing ({command.method})", n) as advance:
        strategy, timing = _design(command, method, normalised, advance)
    if timing.run_s < WARM_UP_S:
        # A first call this short is mostly JAX waking up: time a second one.
        again = _design(command, method, normalised, lambda done: None)[1]
        timing = Timing(again.run_s, timing.compile_s)
    rate = judge.secrecy_rates(strategy, channels)  # [N, K]
    checks.check_designed(command.method, rate)
    sum_rate = np.sum(rate, axis=-1)
    save_strategy(command.out, strategy, rate, sum_rate)
    report = _report(command, channels, strategy, sum_rate, timing)
    if command.json is not None:
        console.write_json(command.json, report | {"command": shlex.join(["jaxsec", *argv])})
    print(_summary(report))


def _design(
    command: Command, method: Method, normalised: Channels, advance: Callable[[int], object]
) -> tuple[Strategy, Timing]:
    return comparison.design_in_slices(method, normalised, command.seed, advance=advance)


def _report(
    command: Command,
    channels: Channels,
    strategy: Strategy,
    sum_rate: np.ndarray,
    timing: Timing,
) -> dict:
    n, num_users, num_antennas = channels.h_user.shape
    worst = int(np.argmin(sum_rate))
    return {
        "channels": str(command.channels),
        "strategy": str(command.out),
        "method": command.method,
        "num_channels": n,
        "num_antennas": num_antennas,
        "num_users": num_users,
        "num_eavesdroppers": channels.h_eve.shape[1],
        "num_noise_beams": strategy.v.shape[-1],
        "options": command.options.given(),
        "seed": command.seed,
        "sum_secrecy_rate": comparison.mean_as_json(sum_rate),
        "worst_channel": {"index": worst, "sum_secrecy_rate": float(sum_rate[worst])},
        "us_per_channel": 1e6 * timing.run_s / n,
        "compile_s": timing.compile_s,
        "hardware": hardware(),
    }


def _summary(report: dict) -> str:
    mean = statistics.Mean(*report["sum_secrecy_rate"].values())
    worst = report["worst_channel"]
    rows = {
        "channels": f"{report['num_channels']}, M = {report['num_antennas']} antennas, "
        f"K = {report['num_users']} users, L = {report['num_eavesdroppers']} eavesdroppers",
        "method": f"{report['method']}, J = {report['num_noise_beams']} noise beams",
        "sum secrecy rate": f"{mean} bit/s/Hz (mean, 95% CI)",
        "worst channel": f"{worst['sum_secrecy_rate']:.2f} bit/s/Hz, index {worst['index']}",
        "time a channel": f"{report['us_per_channel']:.1f} µs, "
        f"after {report['compile_s']:.1f} s to compile",
        "written to": report["strategy"],
    }
    return "\n".join(f"{name:<18}{value}" for name, value in rows.items())

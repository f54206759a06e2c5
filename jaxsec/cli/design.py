"""`jaxsec design`: a file of channels in, a file of secure beams and artificial noise out."""

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from jaxsec import checks
from jaxsec.archive import FORMATS, naming
from jaxsec.channels import Channels
from jaxsec.cli import common, judge
from jaxsec.files import load_channels, save_strategy
from jaxsec.normalise import normalise
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
    method: Annotated[str, tyro.conf.arg(metavar="{" + ",".join(common.METHODS) + "}")] = "opt"
    """How to design."""
    seed: int = 0
    """Seed of random starts and samples."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the summary to this file."""
    options: tyro.conf.OmitArgPrefixes[common.MethodOptions] = dataclasses.field(
        default_factory=common.MethodOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Reads, designs, judges, saves and prints a summary."""
    common.check_method("--method", command.method)
    common.check_seed(command.seed)
    command.options.check()
    common.check_outputs((command.channels,), (command.out, FORMATS), (command.json, ()))
    channels = load_channels(command.channels)
    with naming(command.channels):
        normalised = normalise(channels)
    n = channels.h_user.shape[0]
    with common.progress(f"designing ({command.method})", n) as advance:
        strategy, timing = _design(command, normalised, advance)
    if timing.run_s < WARM_UP_S:
        # A first call this short is mostly JAX waking up: time a second one.
        again = _design(command, normalised, lambda done: None)[1]
        timing = common.Timing(again.run_s, timing.compile_s)
    rate = judge.secrecy_rates(strategy, channels)  # [N, K]
    checks.check_designed(command.method, rate)
    sum_rate = np.sum(rate, axis=-1)
    save_strategy(command.out, strategy, rate, sum_rate)
    report = _report(command, channels, strategy, sum_rate, timing)
    if command.json is not None:
        common.write_json(command.json, report | {"command": shlex.join(["jaxsec", *argv])})
    print(_summary(report))


def _design(
    command: Command, normalised: Channels, advance: Callable[[int], object]
) -> tuple[Strategy, common.Timing]:
    return common.design_in_slices(
        command.method,
        normalised,
        command.seed,
        options=command.options,
        advance=advance,
    )


def _report(
    command: Command,
    channels: Channels,
    strategy: Strategy,
    sum_rate: np.ndarray,
    timing: common.Timing,
) -> dict:
    n, num_users, num_antennas = channels.h_user.shape
    mean = common.mean_ci(sum_rate)
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
        "options": dataclasses.asdict(command.options),
        "seed": command.seed,
        "sum_secrecy_rate": {"mean": mean.value, "ci95": mean.ci95},
        "worst_channel": {"index": worst, "sum_secrecy_rate": float(sum_rate[worst])},
        "us_per_channel": 1e6 * timing.run_s / n,
        "compile_s": timing.compile_s,
        "hardware": common.hardware(),
    }


def _summary(report: dict) -> str:
    mean = common.Mean(*report["sum_secrecy_rate"].values())
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

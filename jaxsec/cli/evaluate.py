"""`jaxsec evaluate`: what given beams are worth on given channels."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.channels.remarks import remarks
from jaxsec.cli.options import as_options
from jaxsec.files.archive import PICTURES, check_outputs
from jaxsec.files.channels import load_channels
from jaxsec.files.reading import read_arrays
from jaxsec.files.strategy import load_beams
from jaxsec.report import comparison, console, evaluation, statistics
from jaxsec.report.evaluation import Evaluation
from jaxsec.strategy import Strategy

OVER_BUDGET = 1.001
"""Power above this is more than the budget and the rounding of single precision."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge given beams and artificial noise on given channels, in double precision.

    STRATEGY holds w (N,M,K) and, unless there is no artificial noise, v (N,M,J), complex, made by
    `jaxsec design` or by anyone; with N = 1 it serves all channels. CHANNELS is a file as `jaxsec
    design` reads it, such as the true channels behind the estimates that were designed for.
    """

    strategy: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="STRATEGY")]
    """File of beams, .npz or .mat."""
    channels: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CHANNELS")]
    """File of channels."""
    outage_probability: float = 0.05
    """Share of the channels that the outage secrecy rate gives up."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw rates and powers to this file, .png, .pdf or .svg."""


def run(command: Command, argv: list[str]) -> None:
    """Reads, judges and prints."""
    inputs = (command.strategy, command.channels)
    check_outputs(inputs, (command.json, ()), (command.figure, PICTURES))
    strategy, channels = load_beams(command.strategy), load_channels(command.channels)
    try:
        found = evaluation.evaluate(
            strategy, channels, outage_probability=command.outage_probability
        )
    except checks.InputError as error:
        message = as_options(error, "outage_probability")
        raise checks.InputError(f"{command.strategy} on {command.channels}: {message}") from None
    report = _report(command, strategy, channels, found)
    if command.figure is not None:
        from jaxsec.report import evaluation_figure

        title = f"{command.strategy.name} on {command.channels.name}"
        evaluation_figure.plot(command.figure, found, title)
    if command.json is not None:
        console.write_json(command.json, report | {"command": shlex.join(["jaxsec", *argv])})
    print(_summary(report))
    console.warn(command.channels, remarks(channels))


def _report(
    command: Command, strategy: Strategy, channels: Channels, found: Evaluation
) -> dict[str, Any]:
    n, num_users, num_antennas = channels.h_user.shape
    worst = int(np.argmin(found.sum_secrecy_rate))
    return {
        "strategy": str(command.strategy),
        "channels": str(command.channels),
        "num_channels": n,
        "num_strategies": strategy.w.shape[0],
        "num_antennas": num_antennas,
        "num_users": num_users,
        "num_eavesdroppers": channels.h_eve.shape[1],
        "num_noise_beams": strategy.v.shape[-1],
        "sum_secrecy_rate": comparison.mean_as_json(found.sum_secrecy_rate),
        "claimed_sum_secrecy_rate": _claim(command.strategy),
        "colluding_sum_secrecy_rate": comparison.mean_as_json(found.colluding_sum_secrecy_rate),
        "worst_user_secrecy_rate": comparison.mean_as_json(found.worst_user_secrecy_rate),
        "outage_probability": found.outage_probability,
        "outage_secrecy_rate": found.outage_secrecy_rate,
        "worst_channel": {"index": worst, "sum_secrecy_rate": found.sum_secrecy_rate[worst].item()},
        "users": [
            {
                name: comparison.mean_as_json(getattr(found, name)[:, k])
                for name in ("user_rate", "wiretap_rate", "secrecy_rate", "colluding_secrecy_rate")
            }
            for k in range(num_users)
        ],
        "power": {"mean": found.power.mean().item(), "largest": found.power.max().item()},
        "antenna_power": {
            "mean": found.antenna_power.mean(axis=0).tolist(),
            "largest": found.antenna_power.max(axis=0).tolist(),
        },
    }


def _claim(path: Path) -> float | None:
    """The mean of the rates that the file says of itself, if it says any."""
    claim = read_arrays(path, (), ("sum_secrecy_rate",)).get("sum_secrecy_rate")
    if claim is None or claim.dtype.kind != "f" or not claim.size or not np.isfinite(claim).all():
        return None
    return float(np.mean(claim, dtype=np.float64))


def _summary(report: dict[str, Any]) -> str:
    def mean(numbers: dict[str, Any]) -> str:
        return str(statistics.Mean(*numbers.values()))

    worst, power = report["worst_channel"], report["power"]
    claim = report["claimed_sum_secrecy_rate"]
    kept = f"kept in {100 * (1.0 - report['outage_probability']):g}%"
    rows = {
        "channels": f"{report['num_channels']}, M = {report['num_antennas']} antennas, "
        f"K = {report['num_users']} users, L = {report['num_eavesdroppers']} eavesdroppers",
        "strategy": f"J = {report['num_noise_beams']} noise beams"
        + (", one for all channels" * (report["num_strategies"] == 1 < report["num_channels"])),
        "sum secrecy rate": f"{mean(report['sum_secrecy_rate'])} bit/s/Hz (mean, 95% CI)"
        + (f", the file says {claim:.2f}" if claim is not None else ""),
        "colluding": f"{mean(report['colluding_sum_secrecy_rate'])} bit/s/Hz",
        "worst user": f"{mean(report['worst_user_secrecy_rate'])} bit/s/Hz",
        kept: f"{report['outage_secrecy_rate']:.2f} bit/s/Hz (sum secrecy rate)",
        "worst channel": f"{worst['sum_secrecy_rate']:.2f} bit/s/Hz, index {worst['index']}",
    }
    for k, user in enumerate(report["users"]):
        rows[f"user {k}"] = (
            f"{mean(user['secrecy_rate'])} bit/s/Hz: decodes {mean(user['user_rate'])}, "
            f"eavesdropped {mean(user['wiretap_rate'])}"
        )
    rows["power"] = f"{power['mean']:.4g} of the budget, at most {power['largest']:.4g}"
    if power["largest"] > OVER_BUDGET:
        rows["power"] += ": MORE THAN THE BUDGET, and judged as it is"
    shares = " ".join(f"{share:.3g}" for share in report["antenna_power"]["mean"])
    rows["by antenna"] = f"{shares} (mean)"
    return "\n".join(f"{name:<18}{value}" for name, value in rows.items())

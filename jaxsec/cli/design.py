"""`jaxsec design`: a file of channels in, a file of secure beams and artificial noise out."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro

from jaxsec import checks, designer, keys, methods
from jaxsec.channels import Channels
from jaxsec.channels.knowledge import Posterior, estimated, has_directions
from jaxsec.channels.normalise import errors_over_noise, normalise
from jaxsec.channels.remarks import remarks
from jaxsec.cli.aim import AimOptions
from jaxsec.cli.options import METHODS, MethodOptions, as_options, check_seed
from jaxsec.files.archive import FORMATS, check_outputs, naming
from jaxsec.files.channels import load_known
from jaxsec.files.strategy import save_strategy
from jaxsec.methods import Method
from jaxsec.methods.aim import Aim, check_certain
from jaxsec.report import comparison, console, judge, statistics
from jaxsec.report.timing import Timing, hardware
from jaxsec.secrecy import LeastPower, OverDraws
from jaxsec.secrecy.rows import over_channels
from jaxsec.strategy import Strategy

WARM_UP_S = 1.0


@dataclasses.dataclass(frozen=True)
class Command:
    """Design secure beams and artificial noise for the channels in a file.

    CHANNELS is .npz, MATLAB .mat, .h5 or a folder of .npy files, and holds h_user (N,K,M) and h_eve
    (N,L,M), complex, and noise_power, receiver noise over transmit power in units of |h|², a
    number, (N,) or, one for each receiver, (N,K+L); or that apart, noise_user (N,K) and noise_eve
    (N,L). Where it also holds error_user (N,K) and error_eve (N,L), variances in units of |h|², or
    covariance_user (N,K,M,M) and covariance_eve (N,L,M,M), channels are means.
    """

    channels: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CHANNELS")]
    """File of channels; `jaxsec convert` makes one of others' files."""
    out: Path
    """File to write, .npz or .mat: w (N,M,K), v (N,M,J), secrecy_rate, sum_secrecy_rate."""
    method: Annotated[str | None, tyro.conf.arg(metavar="{" + ",".join(METHODS) + "}")] = None
    """How to design; by default opt, and opt-robust where channels are not known exactly."""
    seed: int = 0
    """Seed of random starts and samples."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the summary to this file."""
    knowledge: tyro.conf.OmitArgPrefixes[AimOptions] = dataclasses.field(default_factory=AimOptions)
    options: tyro.conf.OmitArgPrefixes[MethodOptions] = dataclasses.field(
        default_factory=MethodOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Reads, designs, judges, saves and prints a summary."""
    check_seed(command.seed)
    aim = command.knowledge.aim()
    errors = command.knowledge.errors()
    if command.method is not None:
        command.options.method(command.method)  # refused before anything is read
    check_outputs((command.channels,), (command.out, FORMATS), (command.json, ()))
    known, noise_power = _known(command.channels, errors)
    with naming(command.channels):
        normalised = normalise(Channels(known.h_user, known.h_eve, noise_power))
    told = _told(known, normalised, noise_power, aim.over_draws)
    name = command.method or (designer.DEFAULT if told is None else designer.DEFAULT_UNCERTAIN)
    method = command.options.method(name)
    _check_method(name, method, aim, None if told is None else has_directions(known))
    _check_numbers(aim, known)
    n = known.h_user.shape[0]
    with console.progress(f"designing ({name})", n) as advance:
        strategy, timing = comparison.design_in_slices(
            method, normalised, command.seed, told=told, aim=aim, advance=advance
        )
    if timing.run_s < WARM_UP_S:
        # A first call this short is mostly JAX waking up: time a second one.
        again = comparison.design_in_slices(
            method, normalised, command.seed, told=told, aim=aim, advance=lambda done: None
        )[1]
        timing = Timing(again.run_s, timing.compile_s)
    promise = _judged(command, strategy, known, noise_power, told)
    checks.check_designed(name, promise.secrecy_rate)
    sum_rate = np.sum(promise.secrecy_rate, axis=-1)
    save_strategy(command.out, strategy, promise.secrecy_rate, sum_rate)
    report = _report(command, name, known, strategy, sum_rate, timing)
    if told is not None:
        kept = comparison.mean_as_json(promise.outage_secrecy_rate)
        report["knowledge"] = dataclasses.asdict(command.knowledge)
        report["outage_secrecy_rate"] = kept
    if not aim.plain:
        report |= _aimed(command, strategy, Channels(*known[:2], noise_power), aim)
        report["trained_for"] = getattr(method, "trained_for", None)
    if command.json is not None:
        console.write_json(command.json, report | {"command": shlex.join(["jaxsec", *argv])})
    print(_summary(report))
    if told is None:
        console.warn(command.channels, remarks(Channels(*known[:2], noise_power)))


def _check_method(name: str, method: Method, aim: Aim, directions: bool | None) -> None:
    """Refuses what a method is not built for; `directions` is None where channels are exact."""
    try:
        if directions is not None:
            check_certain(aim)
            methods.check_knows(name, method, directions)
        elif not aim.plain:
            methods.check_aims(name, method, aim.power)
    except checks.InputError as error:
        raise as_options(error, "method", "objective", "power", "num_noise_beams") from None


def _check_numbers(aim: Aim, known: Posterior) -> None:
    """There must be a weight or rate for each user, and a limit for each antenna."""
    sizes = known.h_user.shape[-2:]
    try:
        over_channels(aim.objective, (), *sizes)
        over_channels(aim.power, (), *sizes)
    except checks.InputError as error:
        error = checks.InputError(str(error).replace("`limits`", "`antenna_limits`"))
        raise as_options(error, "user_weights", "rates", "antenna_limits") from None


def _aimed(command: Command, strategy: Strategy, channels: Channels, aim: Aim) -> dict[str, Any]:
    """What the design is worth by its objective, and the power that it takes."""
    value = judge.objective_value(strategy, channels, aim.objective)
    sent = sum(np.sum(np.abs(u) ** 2, axis=-1) for u in strategy)  # [N, M]
    least = aim.objective
    kept = (
        {"num_reached": int(np.sum(least.reached(value)))} if isinstance(least, LeastPower) else {}
    )
    return kept | {
        "objective": command.knowledge.objective,
        "power": command.knowledge.power,
        "objective_value": comparison.mean_as_json(value),
        "mean_power": float(np.mean(np.sum(sent, axis=-1))),
        "largest_antenna_power": float(np.max(sent)),
    }


def _known(path: Path, errors: tuple[float, float] | None) -> tuple[Posterior, Any]:
    """What the file and the options say of the channels."""
    known, noise_power = load_known(path)
    if errors is None:
        return known, noise_power
    checks.require(
        not (np.any(known.error_user > 0) or np.any(known.error_eve > 0)),
        f"{path}: holds errors of its own: leave out `--csi-error`",
    )
    # In float64: |h|² may be too small for float32.
    with jax.enable_x64(True):
        user, eve = (np.asarray(h, np.complex128) for h in known[:2])
        return jax.tree.map(np.asarray, estimated(user, eve, *errors)), noise_power


def _told(
    known: Posterior, normalised: Channels, noise_power: Any, objective: OverDraws
) -> comparison.Told | None:
    """What the method is told beside the channels over the noise; None where they are exact."""
    if not np.any(known.error_user > 0) and not np.any(known.error_eve > 0):
        return None
    errors = errors_over_noise(known, noise_power)
    return comparison.Told(Posterior(normalised.h_user, normalised.h_eve, *errors), objective)


def _judged(
    command: Command, strategy: Strategy, known: Posterior, noise_power: Any, told: Any
) -> judge.Promise:
    """Rates on the channels, or where they are not exact, over what they may be."""
    if told is None:
        channels = Channels(known.h_user, known.h_eve, noise_power)
        rate = judge.secrecy_rates(strategy, channels)
        return judge.Promise(rate, np.sum(rate, axis=-1))
    return judge.over_posterior(
        keys.stream(command.seed, "design/judging"),
        strategy,
        told.known,
        1.0,
        command.knowledge.outage_probability,
    )


def _report(
    command: Command,
    method: str,
    channels: Posterior,
    strategy: Strategy,
    sum_rate: np.ndarray,
    timing: Timing,
) -> dict:
    n, num_users, num_antennas = channels.h_user.shape
    worst = int(np.argmin(sum_rate))
    return {
        "channels": str(command.channels),
        "strategy": str(command.out),
        "method": method,
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
    if "objective_value" in report:
        value = statistics.Mean(*report["objective_value"].values())
        rows["objective"] = f"{report['objective']}: {value} (mean, 95% CI)"
        if "num_reached" in report:
            n = report["num_channels"]
            rows["objective"] = f"least-power: rates reached on {report['num_reached']} of {n}"
        rows["power"] = (
            f"{report['power']}: {report['mean_power']:.3f} of P (mean), "
            f"an antenna at most {report['largest_antenna_power']:.3f}"
        )
        if report["trained_for"] is not None:
            rows["trained for"] = f"{report['trained_for']}; candidates chosen by the objective"
    if "outage_secrecy_rate" in report:  # rates over what the channels may be
        kept = statistics.Mean(*report["outage_secrecy_rate"].values())
        probability = 1.0 - report["knowledge"]["outage_probability"]
        rows[f"kept in {100 * probability:g}%"] = f"{kept} bit/s/Hz (sum secrecy rate, mean)"
    return "\n".join(f"{name:<18}{value}" for name, value in rows.items())

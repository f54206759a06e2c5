"""`jaxsec compare`: methods side by side on random channels, judged against the best known."""

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from jaxsec import checks, keys
from jaxsec.channels import Channels, Scenario, estimate_channels, sample_channels
from jaxsec.cli.options import (
    METHODS,
    MethodOptions,
    ScenarioOptions,
    check_outputs,
    check_seed,
)
from jaxsec.files.channels import normalise
from jaxsec.methods import Method
from jaxsec.report import comparison, console, statistics, timing
from jaxsec.report.comparison import Comparison, Result

FIGURE_FORMATS = (".png", ".pdf", ".svg")


@dataclasses.dataclass(frozen=True)
class Command:
    """Compare methods on random channels: secrecy rate, gap to best known, time a channel.

    With --csi-error, methods are given estimates and judged on the channels.
    """

    methods: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="{all," + ",".join(METHODS) + "} ...")
    ] = ("rzf-ns", "opt-plain", "opt", "cdm")
    """Methods to compare, in this order; by the word all, all that can serve the scenario."""
    num_channels: int = 256
    """Random channels, the same for every method."""
    seed: int = 0
    """Seed of all that is drawn; `jaxsec sample` draws the same channels from it."""
    best_known: bool = True
    """Find the best known rate of each channel (slow) and report the gap to it."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Also draw them; .png, .pdf or .svg."""
    options: tyro.conf.OmitArgPrefixes[MethodOptions] = dataclasses.field(
        default_factory=MethodOptions
    )
    scenario: tyro.conf.OmitArgPrefixes[ScenarioOptions] = dataclasses.field(
        default_factory=ScenarioOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Samples, designs, judges and prints the table."""
    scenario = command.scenario.scenario()
    named = METHODS if command.methods == ("all",) else command.methods
    methods = tuple(dict.fromkeys(named))
    checks.require(bool(methods), "`--methods` must name at least one method")
    made = command.options.methods(methods, shared=("csi_error",))
    checks.check_at_least("--num-channels", command.num_channels, 1)
    check_seed(command.seed)
    check_outputs((), (command.json, ()), (command.figure, FIGURE_FORMATS))

    drawn = sample_channels(keys.keys(command.seed)[0], scenario, command.num_channels)
    channels = jax.tree.map(np.asarray, drawn)
    compared = _compare(command, made, channels)
    report = _report(command, scenario, compared, argv)
    if command.json is not None:
        console.write_json(command.json, report)
    if command.figure is not None:
        from jaxsec.report.figure import draw

        draw(command.figure, compared, _title(scenario, command.num_channels))
    _print(report, scenario)
    for path in (command.json, command.figure):
        if path is not None:
            print(f"written to {path}")


def _compare(command: Command, methods: dict[str, Method], channels: Channels) -> Comparison:
    normalised = normalise(channels)
    given = normalise(_estimates(command, channels))
    n, results = command.num_channels, []
    for name, method in methods.items():
        with console.progress(f"designing ({name})", n * (1 + comparison.REPEATS)) as advance:
            try:
                results.append(
                    comparison.measure(name, method, channels, given, command.seed, advance=advance)
                )
            except checks.InputError as error:
                if command.methods != ("all",):
                    raise
                print(f"jaxsec: {name} left out: {error}", file=sys.stderr)
    if not command.best_known:
        return Comparison(results, None)
    with console.progress("finding best known rates", n) as advance:
        reached = comparison.best_known(
            normalised,
            command.seed,
            num_noise_beams=max(2, command.options.given().get("num_noise_beams", 0)),
            advance=advance,
        )
    return Comparison(results, np.maximum.reduce([reached, *(x.sum_rate for x in results)]))


def _estimates(command: Command, channels: Channels) -> Channels:
    """What methods are told of the channels."""
    error = command.options.given().get("csi_error", 0.0)
    checks.require(0.0 <= error < 1.0, f"`--csi-error` must lie in [0, 1), but is {error}")
    if error == 0.0:
        return channels
    both = jax.random.split(jax.random.fold_in(keys.keys(command.seed)[0], 1))
    h_user, h_eve = (
        np.asarray(estimate_channels(key, h, error))
        for key, h in zip(both, channels[:2], strict=True)
    )
    return Channels(h_user, h_eve, channels.noise_power)


def _report(
    command: Command, scenario: Scenario, compared: Comparison, argv: list[str]
) -> dict[str, Any]:
    best = compared.best_known
    return {
        "command": shlex.join(["jaxsec", *argv]),
        "seed": command.seed,
        "num_channels": command.num_channels,
        "options": command.options.given(),
        "scenario": dataclasses.asdict(scenario),
        "hardware": timing.hardware(),
        "best_known": None if best is None else _mean_dict(best),
        "methods": [_method_dict(compared, result) for result in compared.results],
    }


def _method_dict(compared: Comparison, result: Result) -> dict[str, Any]:
    n = result.sum_rate.size
    numbers = {
        "method": result.method,
        "num_noise_beams": result.num_noise_beams,
        "sum_secrecy_rate": _mean_dict(result.sum_rate),
        "us_per_channel": 1e6 * result.timing.run_s / n,
        "compile_s": result.timing.compile_s,
    }
    ratio = compared.ratio(result)
    if ratio is not None:
        worst = int(np.argmin(ratio))
        numbers["ratio_to_best_known"] = {
            "mean": float(np.mean(ratio)),
            "worst": float(ratio[worst]),
            "worst_channel": worst,
        }
    return numbers


def _mean_dict(samples: np.ndarray) -> dict[str, Any]:
    mean = statistics.mean_ci(samples)
    return {"mean": mean.value, "ci95": mean.ci95}


def _title(scenario: Scenario, num_channels: int) -> str:
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


def _print(report: dict[str, Any], scenario: Scenario) -> None:
    has_best = report["best_known"] is not None
    table = Table(title=_title(scenario, report["num_channels"]), box=box.SIMPLE_HEAD)
    table.add_column("method")
    table.add_column("sum secrecy rate\nbit/s/Hz, 95% CI", justify="right")
    if has_best:
        table.add_column("of best\nknown", justify="right")
        table.add_column("worst\nchannel", justify="right")
    table.add_column("time\nµs a channel", justify="right")
    for row in report["methods"]:
        cells = [row["method"], _mean_text(row["sum_secrecy_rate"])]
        if has_best:
            ratio = row["ratio_to_best_known"]
            cells += [f"{100 * ratio['mean']:.2f}%", f"{100 * ratio['worst']:.1f}%"]
        table.add_row(*cells, f"{row['us_per_channel']:.1f}")
    if has_best:
        table.add_section()
        table.add_row("best known", _mean_text(report["best_known"]), "100%", "100%", "")
    Console().print(table)


def _mean_text(mean: dict[str, Any]) -> str:
    return str(statistics.Mean(*mean.values()))

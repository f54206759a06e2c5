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
from rich.table import Table

from jaxsec import checks, keys
from jaxsec.channels import Scenario, sample_channels
from jaxsec.cli.options import (
    METHODS,
    KnowledgeOptions,
    MethodOptions,
    ScenarioOptions,
    check_seed,
)
from jaxsec.files.archive import PICTURES, check_outputs
from jaxsec.report import comparison, console, statistics, timing


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
    knowledge: tyro.conf.OmitArgPrefixes[KnowledgeOptions] = dataclasses.field(
        default_factory=KnowledgeOptions
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
    made = command.options.methods(methods)
    checks.check_at_least("--num-channels", command.num_channels, 1)
    check_seed(command.seed)
    given = command.options.given()
    errors = command.knowledge.errors() or (0.0, 0.0)
    objective = command.knowledge.over_draws()
    check_outputs((), (command.json, ()), (command.figure, PICTURES))

    drawn = sample_channels(keys.channels(command.seed), scenario, command.num_channels)
    channels = jax.tree.map(np.asarray, drawn)
    compared = comparison.compare(
        made,
        channels,
        command.seed,
        csi_error=errors,
        objective=objective,
        num_noise_beams=max(2, given.get("num_noise_beams", 0)),
        with_best_known=command.best_known,
        left_out=_say_left_out if command.methods == ("all",) else None,
    )
    report = {
        "command": shlex.join(["jaxsec", *argv]),
        "seed": command.seed,
        "num_channels": command.num_channels,
        "options": given,
        "knowledge": dataclasses.asdict(command.knowledge),
        "scenario": dataclasses.asdict(scenario),
        "hardware": timing.hardware(),
        **comparison.as_json(compared),
    }
    if command.json is not None:
        console.write_json(command.json, report)
    if command.figure is not None:
        from jaxsec.report import figure

        figure.plot(command.figure, compared, comparison.in_words(scenario, command.num_channels))
    _print(report, scenario)
    for path in (command.json, command.figure):
        if path is not None:
            print(f"written to {path}")


def _say_left_out(name: str, error: checks.InputError) -> None:
    print(f"jaxsec: {name} left out: {error}", file=sys.stderr)


def _print(report: dict[str, Any], scenario: Scenario) -> None:
    has_best = report["best_known"] is not None
    title = comparison.in_words(scenario, report["num_channels"])
    table = Table(title=title, box=box.SIMPLE_HEAD)
    table.add_column("method")
    table.add_column("sum secrecy rate\nbit/s/Hz, 95% CI", justify="right")
    if has_best:
        table.add_column("of best known\n95% CI", justify="right")
        table.add_column("worst\nchannel", justify="right")
    table.add_column("time\nµs a channel", justify="right")
    for row in report["methods"]:
        cells = [row["method"], _mean_text(row["sum_secrecy_rate"])]
        if has_best:
            ratio = statistics.Ratio(*row["of_best_known"].values())
            cells += [str(ratio), f"{100 * ratio.worst:.1f}%"]
        table.add_row(*cells, f"{row['us_per_channel']:.1f}")
    if has_best:
        table.add_section()
        table.add_row("best known", _mean_text(report["best_known"]), "100%", "100%", "")
    console.show(table)


def _mean_text(mean: dict[str, Any]) -> str:
    return str(statistics.Mean(*mean.values()))

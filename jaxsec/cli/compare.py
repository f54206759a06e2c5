"""`jaxsec compare`: methods side by side on random channels, judged against the best known."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from jaxsec import checks
from jaxsec.channels import Channels, Scenario, estimate_channels, sample_channels
from jaxsec.cli import common, judge
from jaxsec.normalise import normalise

FIGURE_FORMATS = (".png", ".pdf", ".svg")
REPEATS = 3  # timed runs after the warm-up, of which the best counts
REFERENCE_SLICE = 64  # channels a call of the reference, for the progress bar


@dataclasses.dataclass(frozen=True)
class Command:
    """Compare methods on random channels: secrecy rate, gap to best known, time a channel.

    With --csi-error, methods are given estimates and judged on the channels.
    """

    methods: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="{all," + ",".join(common.METHODS) + "} ...")
    ] = ("rzf-ns", "opt-plain", "opt", "cdm")
    """Methods to compare, in this order; all of them by the word all."""
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
    options: tyro.conf.OmitArgPrefixes[common.MethodOptions] = dataclasses.field(
        default_factory=common.MethodOptions
    )
    scenario: tyro.conf.OmitArgPrefixes[common.ScenarioOptions] = dataclasses.field(
        default_factory=common.ScenarioOptions
    )


class Result(NamedTuple):
    """What one method reached on n channels."""

    method: str
    sum_rate: np.ndarray  # [n], bit/s/Hz
    num_noise_beams: int
    timing: common.Timing


class Comparison(NamedTuple):
    """All methods on the same channels, and the best known rates or None."""

    results: list[Result]
    best_known: np.ndarray | None  # [n], bit/s/Hz

    def ratio(self, result: Result) -> np.ndarray | None:
        """Rate over best known rate [n]; 1 where nothing can be reached."""
        if self.best_known is None:
            return None
        reachable = self.best_known > 1e-9
        return np.where(reachable, result.sum_rate / np.where(reachable, self.best_known, 1.0), 1.0)


def run(command: Command, argv: list[str]) -> None:
    """Samples, designs, judges and prints the table."""
    scenario = command.scenario.scenario()
    named = common.METHODS if command.methods == ("all",) else command.methods
    methods = tuple(dict.fromkeys(named))
    checks.require(bool(methods), "`--methods` must name at least one method")
    for method in methods:
        common.check_method("--methods", method)
    checks.check_at_least("--num-channels", command.num_channels, 1)
    common.check_seed(command.seed)
    command.options.check()
    common.check_outputs((), (command.json, ()), (command.figure, FIGURE_FORMATS))

    drawn = sample_channels(common.keys(command.seed)[0], scenario, command.num_channels)
    channels = jax.tree.map(np.asarray, drawn)
    comparison = _compare(command, methods, channels)
    report = _report(command, scenario, comparison, argv)
    if command.json is not None:
        common.write_json(command.json, report)
    if command.figure is not None:
        from jaxsec.cli.figure import draw

        draw(command.figure, comparison, _title(scenario, command.num_channels))
    _print(report, scenario)
    for path in (command.json, command.figure):
        if path is not None:
            print(f"written to {path}")


def _compare(command: Command, methods: tuple[str, ...], channels: Channels) -> Comparison:
    normalised = normalise(channels)
    given = normalise(_estimates(command, channels))
    results = [_result(command, method, channels, given) for method in methods]
    if not command.best_known:
        return Comparison(results, None)
    best = np.maximum.reduce(
        [
            _reference(command, normalised),
            *(result.sum_rate for result in results),
        ]
    )
    return Comparison(results, best)


def _estimates(command: Command, channels: Channels) -> Channels:
    """What methods are told of the channels."""
    error = command.options.csi_error
    if error == 0.0:
        return channels
    keys = jax.random.split(jax.random.fold_in(common.keys(command.seed)[0], 1))
    h_user, h_eve = (
        np.asarray(estimate_channels(key, h, error))
        for key, h in zip(keys, channels[:2], strict=True)
    )
    return Channels(h_user, h_eve, channels.noise_power)


def _result(command: Command, method: str, channels: Channels, given: Channels) -> Result:
    n = command.num_channels
    runs = []
    with common.progress(f"designing ({method})", n * (1 + REPEATS)) as advance:
        for _ in range(1 + REPEATS):  # the first run warms up: it compiles
            run = common.design_in_slices(
                method,
                given,
                command.seed,
                options=command.options,
                advance=advance,
            )
            runs.append(run)
    strategy, first = runs[0]
    sum_rate = np.sum(judge.secrecy_rates(strategy, channels), axis=-1)
    checks.check_designed(method, sum_rate)
    best_s = min(timing.run_s for _, timing in runs[1:])
    return Result(method, sum_rate, strategy.v.shape[-1], common.Timing(best_s, first.compile_s))


def _reference(command: Command, normalised: Channels) -> np.ndarray:
    from jaxsec.precoding import reference

    key, n = common.keys(command.seed)[2], command.num_channels
    num_noise_beams = max(2, command.options.num_noise_beams or 0)
    pieces = []
    with common.progress("finding best known rates", n) as advance:
        for first in range(0, n, REFERENCE_SLICE):
            part = Channels(*(array[first : first + REFERENCE_SLICE] for array in normalised))
            pieces.append(
                reference.best_known(
                    jax.random.fold_in(key, first), part, num_noise_beams=num_noise_beams
                )
            )
            advance(len(pieces[-1]))
    return np.concatenate(pieces)


def _report(
    command: Command, scenario: Scenario, comparison: Comparison, argv: list[str]
) -> dict[str, Any]:
    best = comparison.best_known
    return {
        "command": shlex.join(["jaxsec", *argv]),
        "seed": command.seed,
        "num_channels": command.num_channels,
        "options": dataclasses.asdict(command.options),
        "scenario": dataclasses.asdict(scenario),
        "hardware": common.hardware(),
        "best_known": None if best is None else _mean_dict(best),
        "methods": [_method_dict(comparison, result) for result in comparison.results],
    }


def _method_dict(comparison: Comparison, result: Result) -> dict[str, Any]:
    n = result.sum_rate.size
    numbers = {
        "method": result.method,
        "num_noise_beams": result.num_noise_beams,
        "sum_secrecy_rate": _mean_dict(result.sum_rate),
        "us_per_channel": 1e6 * result.timing.run_s / n,
        "compile_s": result.timing.compile_s,
    }
    ratio = comparison.ratio(result)
    if ratio is not None:
        worst = int(np.argmin(ratio))
        numbers["ratio_to_best_known"] = {
            "mean": float(np.mean(ratio)),
            "worst": float(ratio[worst]),
            "worst_channel": worst,
        }
    return numbers


def _mean_dict(samples: np.ndarray) -> dict[str, Any]:
    mean = common.mean_ci(samples)
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
    return str(common.Mean(*mean.values()))

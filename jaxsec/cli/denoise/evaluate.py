"""`jaxsec denoise evaluate`: what a trained denoiser brings, beside its controls."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.table import Table

from jaxsec import checks
from jaxsec.channel_denoising import pretrained
from jaxsec.channel_denoising.pilots import file as channels_file
from jaxsec.channel_denoising.pilots import judge as channels_judge
from jaxsec.channel_denoising.pilots import report as channels_report
from jaxsec.channel_denoising.symbols import file as symbols_file
from jaxsec.channel_denoising.symbols import judge as symbols_judge
from jaxsec.channel_denoising.symbols import report as symbols_report
from jaxsec.cli import options
from jaxsec.files.archive import PICTURES, check_outputs
from jaxsec.report import console, timing

OWN = {"channels": ("pilot_snr_db", "num_channels", "chain_steps"), "symbols": ("passes",)}
"""Options that are heeded by one kind of model."""
PILOT_SNR_DB, NUM_CHANNELS, CHAIN_STEPS, PASSES = (0.0, 10.0, 20.0), 64, 10, 4


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge a trained denoiser.

    Of channels: normalised squared error and secrecy rate after `design`, beside least squares,
    linear MMSE and a one-shot network. Of symbols: their error and the images' PSNR, beside the
    MMSE equaliser and a one-shot network, decoders re-trained for each.
    """

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")] = "channels"
    """A file that `jaxsec denoise train` has written, or a shipped one by its name."""
    pilot_snr_db: tuple[float, ...] | None = None
    """Channels: signal-to-noise ratios of the pilots (0 10 20)."""
    num_channels: int | None = None
    """Channels: of two users and four eavesdroppers, the same for all (64)."""
    chain_steps: int | None = None
    """Channels: calls of the denoiser on its chain, beside one (10)."""
    passes: int | None = None
    """Symbols: of each test image through its channel (4)."""
    seed: int = 1
    """Seed of all that is drawn."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Also draw them; .png, .pdf or .svg."""


def run(command: Command, argv: list[str]) -> None:
    """Loads, judges and prints the table."""
    options.check_seed(command.seed)
    path = pretrained.path(command.model)
    check_outputs((path,), (command.json, ()), (command.figure, PICTURES))
    kind = pretrained.kind(path)
    for name in {*OWN["channels"], *OWN["symbols"]} - {*OWN[kind]}:
        checks.require(
            getattr(command, name) is None,
            f"`--{name.replace('_', '-')}` must be left out for a model of {kind}",
        )
    rows, table = (_channels if kind == "channels" else _symbols)(command, path)
    console.show(table)
    if command.json is not None:
        report = {
            "command": shlex.join(["jaxsec", *argv]),
            "seed": command.seed,
            "hardware": timing.hardware(),
            "rows": [row._asdict() for row in rows],
        }
        console.write_json(command.json, report)
        print(f"written to {command.json}")
    if command.figure is not None:
        _plot(kind, command.figure, rows)
        print(f"written to {command.figure}")


def _plot(kind: str, path: Path, rows: Any) -> None:
    if kind == "channels":
        from jaxsec.channel_denoising.pilots import figure  # needs matplotlib
    else:
        from jaxsec.channel_denoising.symbols import figure
    figure.plot(path, rows)


def _channels(command: Command, path: Path) -> tuple[list[channels_judge.Row], Table]:
    chain = CHAIN_STEPS if command.chain_steps is None else command.chain_steps
    count = NUM_CHANNELS if command.num_channels is None else command.num_channels
    snrs_db = PILOT_SNR_DB if command.pilot_snr_db is None else command.pilot_snr_db
    calls = tuple(dict.fromkeys((1, chain)))
    model = channels_file.load(path)
    total = len(snrs_db) * len(channels_judge.ways(model, calls))
    with console.progress("judging, designs", total) as advance:
        rows = channels_judge.judge(
            model, snrs_db=snrs_db, num_steps=calls, num_channels=count, seed=command.seed,
            advance=advance,
        )  # fmt: skip
    return rows, channels_report.table(rows, f"{count} channels, seed {command.seed}")


def _symbols(command: Command, path: Path) -> tuple[list[symbols_judge.Row], Table]:
    passes = PASSES if command.passes is None else command.passes
    model = symbols_file.load(path)
    rows = symbols_judge.judge(model, passes=passes, seed=command.seed)
    title = f"{passes} passes of every test image, seed {command.seed}"
    return rows, symbols_report.table(rows, title, symbols_judge.best_linear(model.config))

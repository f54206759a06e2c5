"""Loss curves of training runs, P1's Fig. 3: read, averaged, drawn."""

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import matplotlib as mpl
import numpy as np
import tyro
from matplotlib.figure import Figure

from benchmarks.figures.study import blank, write
from benchmarks.report import command
from jaxsec import checks
from jaxsec.report.style import COLOURS, STYLE

WINDOW = 3
"""Values in a running mean."""
SHIPPED = Path(__file__).parent / "runs"
"""Losses of the runs that are drawn by default, a file each: `step,loss`."""


class Kind(NamedTuple):
    """A figure: of what loss, and where it comes from."""

    name: str
    title: str
    axis: str
    log: bool
    shipped: tuple[str, ...]
    """The runs in `SHIPPED` that are drawn by default."""
    made_by: str
    """The command that makes such a run."""


@dataclass(frozen=True)
class Arguments:
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Run folders with a metrics.jsonl, or CSV files with columns step and loss."""
    out: Path = Path("out/figures")
    """Folder for the files."""


def read(source: Path, made_by: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and losses of a run.

    Raises:
      InputError: there are none, or they are no loss curve.
    """
    path = source if source.suffix == ".csv" else source / "metrics.jsonl"
    checks.require(
        path.is_file(), f"{path}: there is no such file: name a folder that `{made_by}` has written"
    )
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file) if path.suffix == ".csv" else map(_parse, file))
    checks.require(len(lines) > 0, f"{path}: there are no metrics yet")
    try:
        step = np.array([int(line["step"]) for line in lines])
        loss = np.array([float(line["loss"]) for line in lines])
    except (KeyError, TypeError, ValueError):
        raise checks.InputError(f"{path}: a line is without a numeric step or loss") from None
    checks.require(
        bool((np.diff(step) > 0).all()),
        f"{path}: steps must grow from line to line, one run a file",
    )
    checks.check_finite("loss", loss)
    return step, loss


def _parse(line: str) -> dict:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return {}


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean over the last `window` values, or over those there are."""
    total = np.cumsum(np.insert(values, 0, 0.0))
    last = np.arange(1, values.size + 1)
    first = np.maximum(last - window, 0)
    return (total[last] - total[first]) / (last - first)


def plot(kind: Kind, runs: dict[str, tuple[np.ndarray, np.ndarray]], caption: str) -> Figure:
    """Thin: losses as they were written. Thick: their running means."""
    with mpl.rc_context(STYLE):
        figure = blank(7.5, 4.6, caption, kind.title)
        axes = figure.subplots()
        for colour, (name, (step, loss)) in zip(COLOURS, runs.items(), strict=False):
            axes.plot(step, loss, color=colour, linewidth=0.6, alpha=0.4)
            axes.plot(step, running_mean(loss, WINDOW), color=colour, linewidth=2, label=name)
        if kind.log:
            axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.set_ylabel(kind.axis)
        axes.legend(frameon=False)
    return figure


def make(kind: Kind, arguments: Arguments, said: str) -> None:
    """Draws and writes a figure.

    Raises:
      InputError: a run cannot be read; says what makes it.
    """
    sources = arguments.runs or tuple(SHIPPED / f"{name}.csv" for name in kind.shipped)
    runs = {source.name.removesuffix(".csv"): read(source, kind.made_by) for source in sources}
    checks.require(len(runs) == len(sources), "runs must differ in name, which the legend shows")
    rows = [
        (name, int(s), float(x)) for name, run in runs.items() for s, x in zip(*run, strict=True)
    ]
    caption = f"Thin: as written; thick: running mean of {WINDOW}.\n{said}"
    report = {"command": said, "runs": list(runs)}
    write(
        arguments.out, kind.name, plot(kind, runs, caption), ("run", "step", "loss"), rows, report
    )


def main(kind: Kind, script: str) -> None:
    """One figure, from the command line of a module."""
    arguments = tyro.cli(Arguments)
    try:
        make(kind, arguments, command(script, sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")

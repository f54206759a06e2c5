"""What all figures share: options, how much is measured, and what the caption and files must say.

Every figure is three files of one name: the picture, the numbers it shows (CSV), and the numbers
with the command, seed, sample size and hardware behind them (JSON).
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import Report
from jaxsec import checks
from jaxsec.files.archive import atomic_write
from jaxsec.report import console, style


class Effort(NamedTuple):
    """How much is measured."""

    num_channels: int
    """Channels a point."""
    num_starts: int
    """Starts of the best known rate."""
    num_steps: int
    """Its steps."""
    batches: tuple[int, ...]
    """Batch sizes timed by `latency`; the rates come from the largest."""
    rounds: tuple[int, ...]
    """Timed rounds at each of them."""


FULL = Effort(512, 4, 100, (1, 1024), (30, 5))
QUICK = Effort(64, 2, 60, (64,), (3,))


@dataclass(frozen=True)
class Arguments:
    quick: bool = False
    """Few channels and few points: whether it runs, not what it says."""
    seed: int = 40260
    """Nothing was trained or tuned on it."""
    out: Path = Path("out/figures")
    """Folder for the files."""


@dataclass(frozen=True)
class Study:
    """One run of a script."""

    script: str
    argv: Sequence[str]
    arguments: Arguments

    def __post_init__(self) -> None:
        self.report  # noqa: B018  (looks at the machine's load before anything is measured)

    @cached_property
    def report(self) -> Report:
        """The command, the seed and the machine."""
        return Report(self.script, self.argv, self.seed, self.effort.num_channels)

    @property
    def effort(self) -> Effort:
        """How much this run measures."""
        return QUICK if self.arguments.quick else FULL

    @property
    def seed(self) -> int:
        """Seed of channels, samples and random starts."""
        return self.arguments.seed

    def caption(self, *sentences: str) -> str:
        """What is shown, then what it was made with, in small print."""
        machine = self.report.about()["hardware"]
        return (
            f"{' '.join(sentences)}\n{self.report.command}: seed {self.seed}, "
            f"{machine['cores']} cores of {machine['cpu']}, {machine['backend']}, float32, "
            f"jax {machine['jax']}"
        )

    def save(
        self,
        name: str,
        figure: Figure,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        **report: Any,
    ) -> None:
        """`write`, with the command, the seed and the hardware in the report."""
        write(self.arguments.out, name, figure, columns, rows, {**self.report.about(), **report})


def blank(width: float, height: float, caption: str, title: str) -> Figure:
    """A figure with its title and its caption, both on the left."""
    figure = style.blank(width, height)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=7, color="#666666")
    return figure


def beside(axes: Axes) -> None:
    """A legend right of the axes, the last on top: where tables end, curves are highest."""
    axes.legend(
        frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5), reverse=True, fontsize=9
    )


def write(
    folder: Path,
    name: str,
    figure: Figure,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    report: dict[str, Any],
) -> None:
    """Writes NAME.png, NAME.csv and NAME.json, the report with the rows in it.

    Raises:
      InputError: they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise checks.InputError(f"{folder}: cannot be made: {error.strerror}") from None
    rows = [list(row) for row in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    style.save(figure, folder / f"{name}.png")
    with atomic_write(folder / f"{name}.csv") as file:
        file.write(text.getvalue().encode())
    table = [dict(zip(columns, row, strict=True)) for row in rows]
    console.write_json(folder / f"{name}.json", {**report, "rows": table})
    print(f"written to {folder / name}.png, .csv and .json", flush=True)

"""P1's Fig. 3(a): the training loss (18) over the steps, from what `jaxsec train` has written.

    python benchmarks/figures/figure_3a.py out/cdm-set [out/cdm-mlp ...] --out out/figure-3a

Writes FIGURE.png and FIGURE.csv. A batch holds tables of one bucket of sizes only, and buckets
differ in how hard they are: thin lines are the means of 50 steps as they were written, thick lines
their running means over ten times as many.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import numpy as np
import tyro
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jaxsec import checks
from jaxsec.cli.figure import COLOURS, STYLE

WINDOW = 10
"""Lines of metrics in a running mean."""


@dataclass(frozen=True)
class Arguments:
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of `jaxsec train`."""
    out: Path = Path("out/figure-3a")
    """Name of the files, without ending."""


def read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Steps and losses of a run.

    Raises:
      InputError: there are none.
    """
    path = folder / "metrics.jsonl"
    checks.require(path.is_file(), f"{path}: there are no metrics: run `jaxsec train` first")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    checks.require(len(lines) > 0, f"{path}: there are no metrics yet")
    return np.array([x["step"] for x in lines]), np.array([x["loss"] for x in lines])


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean over the last `window` values, or over those there are."""
    total = np.cumsum(np.insert(values, 0, 0.0))
    last = np.arange(1, values.size + 1)
    first = np.maximum(last - window, 0)
    return (total[last] - total[first]) / (last - first)


def draw(path: Path, curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """The picture."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 4.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for colour, (name, (steps, loss)) in zip(COLOURS, curves.items(), strict=False):
            axes.plot(steps, loss, color=colour, linewidth=0.6, alpha=0.4)
            axes.plot(steps, running_mean(loss, WINDOW), color=colour, linewidth=2, label=name)
        axes.set_yscale("log")
        axes.set_xlabel("training step")
        axes.set_ylabel("mean squared error of a coordinate")
        axes.set_title("Training loss (18)")
        axes.legend(frameon=False)
        figure.savefig(path, dpi=160)


def main(arguments: Arguments) -> None:
    curves = {folder.name: read(folder) for folder in arguments.runs}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    draw(arguments.out.with_suffix(".png"), curves)
    with arguments.out.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "step", "loss"])
        for name, (steps, loss) in curves.items():
            writer.writerows([name, int(s), float(x)] for s, x in zip(steps, loss, strict=True))
    print(f"written to {arguments.out.with_suffix('.png')} and .csv")


if __name__ == "__main__":
    main(tyro.cli(Arguments))

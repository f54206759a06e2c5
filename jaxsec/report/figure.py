"""The picture of `jaxsec compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from jaxsec.files.archive import atomic_write
from jaxsec.report import statistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from jaxsec.report.comparison import Comparison

# Okabe & Ito's colours, told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK = "#333333"
SMALLEST_GAP = 1e-4
LABEL_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",
}


def draw(path: Path, comparison: "Comparison", title: str) -> None:
    """Left: mean sum secrecy rate and its 95% CI. Right: distribution of the gap to best known.

    Args:
      path: ends in .png, .pdf or .svg.
      comparison: what `jaxsec compare` found.
      title: the scenario in words.

    Raises:
      InputError: `path` cannot be written.
    """
    rows = len(comparison.results)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.0, max(3.8, 1.6 + 0.45 * rows)), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.2))
        _draw_means(left, comparison)
        _draw_spread(right, comparison)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        with atomic_write(path) as file:
            figure.savefig(file, format=path.suffix[1:].lower(), dpi=160)


def _draw_means(axes: "Axes", comparison: "Comparison") -> None:
    names = [result.method for result in comparison.results]
    for row, result in enumerate(comparison.results):
        mean = statistics.mean_ci(result.sum_rate)
        colour = COLOURS[row % len(COLOURS)]
        axes.errorbar(
            mean.value, row, xerr=mean.ci95, fmt="o", color=colour, markersize=8,
            capsize=4, elinewidth=2,
        )  # fmt: skip
        axes.annotate(
            f"{mean.value:.2f}", (mean.value, row), xytext=(0, 9), textcoords="offset points",
            ha="center", fontsize=9, bbox=LABEL_BOX, zorder=2,
        )  # fmt: skip
    if comparison.best_known is not None:
        best = float(np.mean(comparison.best_known))
        axes.axvline(best, color=INK, linestyle="--", linewidth=1, zorder=1)
        axes.annotate(
            f"best known {best:.2f} ", (best, 1.0), xycoords=("data", "axes fraction"),
            xytext=(-3, -10), textcoords="offset points", ha="right", fontsize=9,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.9)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.15)
    axes.set_xlabel("sum secrecy rate (bit/s/Hz)")
    axes.set_title("Mean and 95% confidence interval")


def _draw_spread(axes: "Axes", comparison: "Comparison") -> None:
    for row, result in enumerate(comparison.results):
        ratio = comparison.ratio(result)
        # On a log axis a gap of 0.1% and one of 10% can both be read; smaller gaps than the axis
        # shows count at its end.
        samples = result.sum_rate if ratio is None else np.maximum(1.0 - ratio, SMALLEST_GAP)
        colour = COLOURS[row % len(COLOURS)]
        axes.ecdf(samples, color=colour, linewidth=2, label=result.method)
    if comparison.best_known is None:
        axes.set_xlabel("sum secrecy rate (bit/s/Hz)")
        axes.set_ylabel("channels at or below")
        axes.set_title("Spread over channels")
    else:
        axes.set_xscale("log")
        axes.set_xlim(0.8 * SMALLEST_GAP, 1.0)
        axes.xaxis.set_major_formatter(FuncFormatter(_gap_text))
        axes.set_xlabel("gap to best known sum secrecy rate")
        axes.set_ylabel("channels within that gap")
        axes.set_title("Gap to best known over channels: further left is better")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(0.0, 1.02)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))


def _gap_text(gap: float, _position: int | None = None) -> str:
    return f"{'≤ ' if gap < 1.01 * SMALLEST_GAP else ''}{100 * gap:g}%"

"""The picture of `jaxsec compare`."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FuncFormatter, PercentFormatter

from jaxsec.report import statistics, style
from jaxsec.report.style import COLOURS, INK, LABEL_BOX, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from jaxsec.report.comparison import Comparison

MIN_GAP = 1e-4
"""Gaps below count as this, at the end of the axis."""


def plot(path: Path, comparison: "Comparison", title: str) -> None:
    """Draws a comparison: mean rates with their 95% CI, and the gaps to best known of the channels.

    Args:
      path: ends in .png, .pdf or .svg.
      comparison: what `jaxsec compare` found.
      title: the scenario in words.

    Raises:
      InputError: `path` cannot be written.
    """
    rows = len(comparison.results)
    with mpl.rc_context(STYLE):
        figure = style.blank(10.0, max(3.8, 1.6 + 0.45 * rows))
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.2))
        _plot_means(left, comparison)
        _plot_gaps(right, comparison)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        style.save(figure, path)


def _plot_means(axes: "Axes", comparison: "Comparison") -> None:
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


def _plot_gaps(axes: "Axes", comparison: "Comparison") -> None:
    for row, result in enumerate(comparison.results):
        ratio = comparison.ratios(result)
        # On a log axis a gap of 0.1% and one of 10% can both be read; smaller gaps than the axis
        # shows count at its end.
        samples = result.sum_rate if ratio is None else np.maximum(1.0 - ratio, MIN_GAP)
        colour = COLOURS[row % len(COLOURS)]
        axes.ecdf(samples, color=colour, linewidth=2, label=result.method)
    if comparison.best_known is None:
        axes.set_xlabel("sum secrecy rate (bit/s/Hz)")
        axes.set_ylabel("channels at or below")
        axes.set_title("Spread over channels")
    else:
        axes.set_xscale("log")
        axes.set_xlim(0.8 * MIN_GAP, 1.0)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda gap, _: style.gap_text(gap, MIN_GAP)))
        axes.set_xlabel("gap to best known sum secrecy rate")
        axes.set_ylabel("channels within that gap")
        axes.set_title("Gap to best known over channels: further left is better")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(0.0, 1.02)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))

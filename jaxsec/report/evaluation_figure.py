"""The picture of `jaxsec evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from jaxsec.report import style
from jaxsec.report.evaluation import Evaluation
from jaxsec.report.style import COLOURS, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(path: Path, evaluation: Evaluation, title: str) -> None:
    """Draws how rates spread over the channels, and the mean power of each antenna.

    Args:
      path: ends in .png, .pdf or .svg.
      evaluation: of N channels.
      title: of the figure.

    Raises:
      InputError: `path` cannot be written.
    """
    with mpl.rc_context(STYLE):
        figure = style.blank(10.0, 3.8)
        left, right = figure.subplots(1, 2, width_ratios=(1.4, 1.0))
        _plot_rates(left, evaluation)
        _plot_power(right, evaluation)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        style.save(figure, path)


def _plot_rates(axes: "Axes", evaluation: Evaluation) -> None:
    rates = {
        "sum": evaluation.sum_secrecy_rate,
        "sum, eavesdroppers colluding": evaluation.colluding_sum_secrecy_rate,
        "worst user": evaluation.worst_user_secrecy_rate,
    }
    for colour, (name, rate) in zip(COLOURS, rates.items(), strict=False):
        axes.ecdf(rate, color=colour, linewidth=2, label=name)
    axes.set_xlabel("secrecy rate (bit/s/Hz)")
    axes.set_ylabel("channels at or below")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title("Spread over channels")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)


def _plot_power(axes: "Axes", evaluation: Evaluation) -> None:
    power = np.mean(evaluation.antenna_power, axis=0)
    axes.bar(np.arange(power.size), power, color=COLOURS[0])
    axes.axhline(1.0 / power.size, color=INK, linestyle="--", linewidth=1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("antenna")
    axes.set_ylabel("power over the budget")
    axes.set_title("Mean power (dashed: shared evenly)")

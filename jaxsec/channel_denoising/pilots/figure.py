"""The picture of denoised channel estimates: squared error, and secrecy rate after `design`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from jaxsec.channel_denoising.pilots.judge import LINEAR, Row
from jaxsec.report import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAP = 3.0
"""Width of an interval's ends, points."""


def plot(path: Path, rows: Sequence[Row]) -> None:
    """Both against the pilots' signal-to-noise ratio, a line a way.

    Args:
      path: in the format of its ending.
      rows: of `judge`.
    """
    with mpl.rc_context(style.STYLE):
        figure = style.blank(9.5, 4.2)
        error, rate = figure.subplots(1, 2)
        names = list(dict.fromkeys(row.way for row in rows))
        for colour, name in zip(style.COLOURS, names, strict=False):
            shown = [row for row in rows if row.way == name]
            snr = [row.snr_db for row in shown]
            over_noise_db = [10.0 * np.log10(row.nmse) + row.snr_db for row in shown]
            error.plot(snr, over_noise_db, "o-", color=colour, markersize=4, label=name)
            if name != LINEAR:
                _plot_rates(rate, shown, colour)
        rate.axhline(0.0, color=style.INK, linewidth=1)
        error.set_ylabel("squared error over the pilots' noise, dB")
        error.set_title("Channel estimates")
        rate.set_ylabel(f"bit/s/Hz above {LINEAR}, paired, 95%")
        rate.set_title("Secrecy rate after design")
        for axes in (error, rate):
            axes.set_xticks(sorted({row.snr_db for row in rows}))
            axes.set_xlabel("signal-to-noise ratio of the pilots, dB")
        error.legend(frameon=False, fontsize=9)
        style.save(figure, path)


def _plot_rates(axes: "Axes", rows: Sequence[Row], colour: str) -> None:
    more = [row.rate_more for row in rows]
    half = [row.rate_more_ci95 or 0.0 for row in rows]
    snr = [row.snr_db for row in rows]
    axes.errorbar(snr, more, half, fmt="o-", color=colour, markersize=4, capsize=CAP)

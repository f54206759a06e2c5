"""The picture of denoised symbols: their error, and the images' PSNR, beside the equaliser's."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

from jaxsec.channel_denoising.symbols.judge import EQUALISER, WAYS, Row
from jaxsec.report import style

LINES = {"awgn": ("AWGN", "o-"), "rayleigh": ("Rayleigh", "s--")}
"""What a channel is called, and its line."""
CAP = 3.0
"""Width of an interval's ends, points."""


def plot(path: Path, rows: Sequence[Row]) -> None:
    """Both against the channel's signal-to-noise ratio, a line a way and channel.

    Args:
      path: in the format of its ending.
      rows: of `judge`; of several replicas the first is drawn.
    """
    with mpl.rc_context(style.STYLE):
        figure = style.blank(9.5, 4.2)
        error, psnr = figure.subplots(1, 2)
        ways = [name for way, name in WAYS.items() if way != EQUALISER]
        for colour, way in zip(style.COLOURS, ways, strict=False):
            for channel, (title, line) in LINES.items():
                shown = [r for r in rows if (r.way, r.channel, r.replica) == (way, channel, 0)]
                snr = [row.snr_db for row in shown]
                ratio = [row.error / (row.error + row.error_less) for row in shown]
                look = {"color": colour, "markersize": 4}
                error.plot(snr, 10 * np.log10(ratio), line, **look, label=f"{way}, {title}")
                half = [row.psnr_more_ci95 or 0.0 for row in shown]
                more = [row.psnr_more_db for row in shown]
                psnr.errorbar(snr, more, half, fmt=line, capsize=CAP, **look)
        for axes in (error, psnr):
            axes.axhline(0.0, color=style.INK, linewidth=1)
            axes.set_xticks(sorted({row.snr_db for row in rows}))
            axes.set_xlabel("signal-to-noise ratio of the channel, dB")
        error.set_ylabel("squared error over the equaliser's, dB")
        error.set_title("Symbols")
        psnr.set_ylabel("PSNR above a re-trained decoder's, dB, 95%")
        psnr.set_title("Images")
        figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=4)
        style.save(figure, path)

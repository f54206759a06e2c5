"""The table of denoised channel estimates."""

from collections.abc import Sequence

import numpy as np
from rich import box
from rich.table import Table

from jaxsec.channel_denoising.pilots.judge import LINEAR, Row

HEADS = ("NMSE, dB", "error said / found", "secrecy rate", f"above {LINEAR}")


def table(rows: Sequence[Row], title: str) -> Table:
    """A row a way and signal-to-noise ratio, with 95% intervals."""
    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    made.add_column("pilots, dB", justify="right")
    made.add_column("estimate")
    for head in HEADS:
        made.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        made.add_row(
            f"{row.snr_db:g}",
            row.way,
            f"{10 * np.log10(row.nmse):.2f}",
            f"{row.said / row.nmse:.2f}",
            f"{row.rate:.2f}",
            f"{row.rate_more:+.2f} ± {row.rate_more_ci95:.2f}",
        )
    return made

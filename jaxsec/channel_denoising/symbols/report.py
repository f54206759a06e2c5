"""The table of denoised symbols."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from jaxsec.channel_denoising.symbols.judge import Row

HEADS = ("symbol error", "below the equaliser's", "PSNR, dB", "above re-trained decoder")


def table(rows: Sequence[Row], title: str, linear: Mapping[float, float]) -> Table:
    """A row a setting and way, with 95% intervals.

    Args:
      rows: of `judge`.
      title: above the table.
      linear: PSNR of the best linear code by signal-to-noise ratio, dB.
    """
    codes = ", ".join(f"{psnr:.2f} dB at {snr:g} dB" for snr, psnr in linear.items())
    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")
    made.caption = f"PSNR of the best linear code without fading, by closed form: {codes}"
    for head in ("channel", "symbols"):
        made.add_column(head)
    for head in HEADS:
        made.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        made.add_row(
            f"{row.channel}, {row.snr_db:g} dB",
            row.way,
            f"{row.error:.4f}",
            f"{row.error_less:+.4f} ± {row.error_less_ci95:.4f}",
            f"{row.psnr_db:.2f}",
            f"{row.psnr_more_db:+.2f} ± {row.psnr_more_ci95:.2f}",
        )
    return made

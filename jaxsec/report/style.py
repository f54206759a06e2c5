"""How all pictures look: matplotlib's settings, colours, and writing a figure to a file."""

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jaxsec.files.archive import atomic_write

# Okabe & Ito's colours, told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK = "#333333"
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
"""For `matplotlib.rc_context`."""


def blank(width: float, height: float) -> Figure:
    """An empty figure of this many inches, which no window shows."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Writes a figure, whole or not at all, in the format of the path's ending.

    Raises:
      InputError: it cannot be written.
    """
    with atomic_write(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=160)


def gap_text(gap: float, smallest: float) -> str:
    """A gap as a percentage, for the labels of an axis that ends at the smallest gap shown."""
    return f"{'≤ ' if gap < 1.01 * smallest else ''}{100 * gap:g}%"

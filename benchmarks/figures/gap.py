"""How far from the best known rate on single channels? Distributions, where Fig. 4 shows means.

    python -m benchmarks.figures.gap [--quick] [--seed 40260] [--out out/figures]

P1's default scenario: 2 users, 4 eavesdroppers, 20 dBm.
"""

import dataclasses
import sys
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import tyro
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from benchmarks.figures.measure import Measured, measure_all, reference_text
from benchmarks.figures.schemes import SCHEMES
from benchmarks.figures.study import Arguments, Study, beside, blank
from benchmarks.points import DEFAULT, Point
from jaxsec.report.style import STYLE, gap_text

POINT = DEFAULT
MIN_GAP = 1e-5
QUANTILES = {"median": 0.5, "90%": 0.9, "99%": 0.99, "worst": 1.0}


def make(study: Study, measured: Mapping[Point, Measured]) -> None:
    """Draws and writes the distributions."""
    point = measured[POINT]
    gaps = {name: point.gap(name) for name in point.rates}
    study.save(
        "gap",
        plot(study, gaps),
        ("channel", "best known", *gaps),
        zip(
            range(point.best.size),
            point.best.tolist(),
            *(gap.tolist() for gap in gaps.values()),
            strict=True,
        ),
        num_channels=point.best.size,
        scenario=dataclasses.asdict(POINT.scenario()),
        gap={
            name: {text: float(np.quantile(gap, q)) for text, q in QUANTILES.items()}
            for name, gap in gaps.items()
        },
    )


def plot(study: Study, gaps: dict[str, np.ndarray]) -> Figure:
    """Empirical distribution functions; gaps smaller than the axis shows count at its end."""
    caption = study.caption(f"{study.effort.num_channels} channels.", reference_text(study))
    with mpl.rc_context(STYLE):
        figure = blank(8.5, 4.8, caption, "Gap to best known: 2 users, 4 eavesdroppers, 20 dBm")
        axes = figure.subplots()
        for name, gap in gaps.items():
            scheme = SCHEMES[name]
            line = {"color": scheme.colour, "linestyle": scheme.line, "linewidth": 1.8}
            axes.ecdf(np.maximum(gap, MIN_GAP), label=scheme.label, **line)
        axes.set_xscale("log")
        axes.set_xlim(MIN_GAP, 1.0)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda gap, _: gap_text(gap, MIN_GAP)))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylim(0.0, 1.02)
        axes.set_xlabel("gap to the best known sum secrecy rate")
        axes.set_ylabel("channels within that gap")
        axes.set_title("Further left is better")
        beside(axes)
    return figure


if __name__ == "__main__":
    study = Study("figures.gap", sys.argv[1:], tyro.cli(Arguments))
    make(study, measure_all(study, [POINT]))

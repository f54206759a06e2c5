"""P1's Fig. 4, a picture a swept quantity: mean rates on the left, how close they are on the right.

The curves of the left panel, P1's, lie nearly on each other. The right one shows the ratio of means
to best known, on a scale that counts nines, with 95% confidence bands.
"""

import dataclasses
import sys
from collections.abc import Mapping
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.figures.measure import Measured, measure_all, reference_text
from benchmarks.figures.schemes import BEST_KNOWN, SCHEMES
from benchmarks.figures.study import Arguments, Study, beside, blank
from benchmarks.points import Point
from jaxsec.report import statistics
from jaxsec.report.style import STYLE

GAPS = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4, 5e-5, 1e-5)
MIN_GAP = 1e-5
COLUMNS = ("x", "scheme", "mean", "ci95", "ratio", "ratio_ci95", "worst_ratio", "rzf_ns_better")
"""The last: share of channels where RZF-NS is better, a safeguard that no scheme here has."""


class Sweep(NamedTuple):
    """A figure: points along an axis."""

    name: str
    title: str
    axis: str
    points: dict[float, Point] | dict[int, Point]
    quick: tuple[float, ...]
    """The points of a quick run."""
    note: str = ""
    """For the caption."""


def points(study: Study, sweep: Sweep) -> dict[float, Point]:
    """The points that this study measures."""
    return {x: p for x, p in sweep.points.items() if not study.arguments.quick or x in sweep.quick}


def make(study: Study, sweep: Sweep, measured: Mapping[Point, Measured]) -> None:
    """Draws and writes a figure from what was measured at its points."""
    chosen = points(study, sweep)
    rows = [row for x, point in chosen.items() for row in _rows(x, measured[point])]
    effort = study.effort
    study.save(
        sweep.name,
        plot(study, sweep, rows),
        COLUMNS,
        rows,
        axis=sweep.axis,
        num_channels=effort.num_channels,
        best_known={"num_starts": effort.num_starts, "num_steps": effort.num_steps},
        scenarios={f"{x:g}": dataclasses.asdict(p.scenario()) for x, p in chosen.items()},
    )


def _rows(x: float, point: Measured) -> list[list]:
    rows = []
    for name, rate in {**point.rates, "best known": point.best}.items():
        ratio = statistics.ratio_of_means(rate, point.best)
        beaten = float((point.rates["rzf-ns"] > rate).mean())
        rows.append([x, name, *statistics.mean_ci(rate), *ratio[:3], beaten])
    return rows


def plot(study: Study, sweep: Sweep, rows: list[list]) -> Figure:
    """The picture, from rows of `COLUMNS`."""
    caption = study.caption(
        f"{study.effort.num_channels} channels a point; bands: 95% confidence, on the left of best "
        "known only: the channels are the same for all.",
        reference_text(study),
        f"\n{sweep.note}" if sweep.note else "",
    )
    with mpl.rc_context(STYLE):
        figure = blank(11.5, 4.6, caption, f"Sum secrecy rate: {sweep.title}")
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.25))
        for name, scheme in SCHEMES.items():
            own = np.array([[row[0], row[2], *row[4:6]] for row in rows if row[1] == name])
            if not own.size:
                continue  # serves none of these sizes
            x, mean, share, share_ci95 = own.T
            line = {**scheme.drawn, "markersize": 5, "linewidth": 1.5}
            left.plot(x, mean, **line)
            right.plot(x, np.maximum(1.0 - share, MIN_GAP), label=scheme.label, **line)
            low, high = (1.0 - share + sign * share_ci95 for sign in (-1, 1))
            low, high = np.maximum(low, MIN_GAP), np.maximum(high, MIN_GAP)
            right.fill_between(x, low, high, color=scheme.colour, alpha=0.2, lw=0)
        x, mean, ci95 = np.array([[row[0], *row[2:4]] for row in rows if row[1] == "best known"]).T
        left.plot(x, mean, color=BEST_KNOWN, linestyle=":", linewidth=1.5, label="best known")
        left.fill_between(x, mean - ci95, mean + ci95, color=BEST_KNOWN, alpha=0.1, lw=0)
        left.set_ylabel("bit/s/Hz")
        left.set_title("Mean")
        left.legend(frameon=False, loc="best")
        right.set_title("Mean over that of best known: higher is better")
        ratio_axis(right)
        beside(right)
        for axes in (left, right):
            axes.set_xlabel(sweep.axis)
            axes.set_xticks(x)
    return figure


def ratio_axis(axes: Axes) -> None:
    """Gaps on an upside-down log axis, labelled by what they leave: 90%, 99%, 99.9%."""
    axes.set_yscale("log")
    axes.invert_yaxis()
    axes.yaxis.set_major_locator(FixedLocator(GAPS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda gap, _: f"{100 * (1 - gap):.5g}%"))


def main(sweep: Sweep) -> None:
    """One figure, its points measured for it."""
    script = f"figures.{sweep.name.replace('-', '_')}"
    study = Study(script, sys.argv[1:], tyro.cli(Arguments))
    make(study, sweep, measure_all(study, points(study, sweep).values()))

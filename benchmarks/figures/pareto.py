"""The picture of `latency`: quality against time, and the front that nothing dominates."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.figures.schemes import SCHEMES
from benchmarks.figures.study import beside, blank
from jaxsec.report import statistics
from jaxsec.report.style import STYLE

FAMILIES = {
    "rzf-ns": ("RZF-NS", "#8a8a8a", "v"),
    "rzf-ns-aimed": ("RZF-NS, aimed", "#8a8a8a", "^"),
    "closed form": ("closed form", "#8a8a8a", "*"),
    "opt-plain": ("OPT, plain: 10 to 100 steps", SCHEMES["opt-plain"].colour, "s"),
    "opt": ("OPT: 1 to 32 steps", SCHEMES["opt"].colour, "s"),
    "cdm": ("CDM: 1 to 8 DDIM steps", SCHEMES["cdm"].colour, "o"),
    "cdm-f": ("CDM-F: 1 to 8 DDIM steps", SCHEMES["cdm-f"].colour, "o"),
    "cdm-unet": ("CDM, P1's U-Net: 1 to 4 DDIM steps", SCHEMES["cdm-unet"].colour, "^"),
    "cdm-f-unet": ("CDM-F, P1's U-Net: 1 to 4 DDIM steps", SCHEMES["cdm-f-unet"].colour, "^"),
    "setnet": ("SetNet: one pass, 0 to 3 steps of OPT", "#CC79A7", "X"),
    "cdm-f alone": ("CDM-F told errors: one call, 0 to 3 of OPT", "#882255", "o"),
    "cdm-f refined": ("CDM-F (4), 1 to 3 steps of OPT", "#000000", "P"),
    "cdm-f-8": ("CDM-F, best of 8, 0 to 3 of OPT", SCHEMES["cdm-f-8"].colour, "D"),
}
"""Label, colour and marker."""

GAPS = (0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5)
MIN_GAP = 1e-5


class Row(NamedTuple):
    """A setting at a batch size."""

    batch: int
    family: str
    steps: int
    us_median: float
    us_min: float
    us_max: float
    gap: float
    """1 − ratio of means to best known."""
    gap_ci95: float
    on_front: bool
    """No other setting at this batch is both as fast and as good, and better in one."""


def front(cost: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Which points [n] no other dominates: none is as low in both, and lower in one."""
    no_worse = (cost[:, None] <= cost) & (gap[:, None] <= gap)  # [i, j]: i against j
    better = (cost[:, None] < cost) | (gap[:, None] < gap)
    return ~np.any(no_worse & better, axis=0)


def rows(
    named: Sequence[tuple[str, int]],
    times: Mapping[int, np.ndarray],
    rates: np.ndarray,
    best: np.ndarray,
) -> list[Row]:
    """The table.

    Args:
      named: family and steps of every setting.
      times: by batch size, µs a channel [settings, rounds].
      rates: sum secrecy rates [settings, n].
      best: best known [n].
    """
    ratios = [statistics.ratio_of_means(rate, best) for rate in rates]
    gaps = np.array([1.0 - r.value for r in ratios])
    table = []
    for batch, us in times.items():
        median = np.median(us, axis=1)
        on_front = front(median, gaps)
        table += [
            Row(
                batch,
                *name,
                float(median[i]),
                float(us[i].min()),
                float(us[i].max()),
                float(gaps[i]),
                ratios[i].ci95 or 0.0,
                bool(on_front[i]),
            )
            for i, name in enumerate(named)
        ]
    return table


def plot(table: Sequence[Row], caption: str) -> Figure:
    """A panel a batch size; points on the front are filled, and joined by a staircase."""
    batches = list(dict.fromkeys(row.batch for row in table))
    with mpl.rc_context(STYLE):
        figure = blank(12.0, 5.2, caption, "Quality against latency, 2 users, 4 eavesdroppers")
        panels = figure.subplots(1, len(batches), sharey=True, squeeze=False)[0]
        for axes, batch in zip(panels, batches, strict=True):
            of_batch = [row for row in table if row.batch == batch]
            _staircase(axes, [row for row in of_batch if row.on_front])
            for family, (label, colour, marker) in FAMILIES.items():
                _family(axes, [r for r in of_batch if r.family == family], label, colour, marker)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(FixedLocator(GAPS))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter(FuncFormatter(lambda gap, _: f"{100 * gap:g}%"))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda us, _: f"{us:g}"))
            axes.set_xlabel("µs a channel")
            axes.set_title("One channel at a time" if batch == 1 else f"{batch} channels at a time")
        panels[0].set_ylabel("gap to best known: lower is better")
        beside(panels[-1])
    return figure


def _staircase(axes, on_front: list[Row]) -> None:
    points = sorted((row.us_median, max(row.gap, MIN_GAP)) for row in on_front)
    axes.plot(
        *zip(*points, strict=True), drawstyle="steps-post", color="#bbbbbb", linewidth=5,
        alpha=0.6, solid_capstyle="round", zorder=1, label="front (filled): nothing beats both",
    )  # fmt: skip


def _family(axes, own: list[Row], label: str, colour: str, marker: str) -> None:
    us = [row.us_median for row in own]
    gap = [max(row.gap, MIN_GAP) for row in own]
    axes.plot(us, gap, color=colour, linewidth=1.0, alpha=0.7)
    if len(own) > 1 and own[0].family != "cdm":  # CDM-F beside it has the same numbers
        for i, row in enumerate(own):
            axes.annotate(
                str(row.steps), (us[i], gap[i]), xytext=(6, 4), textcoords="offset points",
                fontsize=7, color=colour,
            )  # fmt: skip
    for filled in (True, False):
        here = [i for i, row in enumerate(own) if row.on_front == filled]
        axes.plot(
            [us[i] for i in here], [gap[i] for i in here], marker, color=colour, markersize=7,
            markerfacecolor=colour if filled else "white", markeredgewidth=1.4, linestyle="none",
        )  # fmt: skip
    axes.plot([], [], marker=marker, color=colour, markersize=7, linewidth=1.0, label=label)

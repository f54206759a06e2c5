"""Channels known with an error: who still keeps a secret?

    python -m benchmarks.figures.csi_error [--quick] [--seed 40260] [--out out/figures]

Printed for each error variance: mean sum secrecy rate with its 95% confidence interval, 5th
percentile, probability that the rate falls below half of OPT's mean (secrecy outage), how far the
robust model is ahead in paired differences, and the time a channel. `csi_cases` has the methods.
"""

import sys

import matplotlib as mpl
import numpy as np
import tyro
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from benchmarks.figures.csi_cases import OURS, REFERENCE, Amount, Row, measure
from benchmarks.figures.study import Arguments, Study, beside, blank
from benchmarks.report import table
from jaxsec.report import console
from jaxsec.report.style import STYLE

ERRORS = (0.001, 0.003, 0.01, 0.03, 0.1)
QUICK_ERRORS = (0.01,)
STYLES = {
    "rzf-ns": ("RZF-NS", "#8a8a8a", "v", "-"),
    "opt-plain": ("OPT, plain", "#56B4E9", "s", "--"),
    "opt": ("OPT", "#0072B2", "s", "-"),
    "opt, error-loaded": ("OPT, error-loaded", "#0072B2", "D", "--"),
    "cdm": ("CDM", "#E69F00", "o", "-"),
    "cdm-f": ("CDM-F", "#D55E00", "o", "-"),
    "cdm-f-robust, 1 step": ("robust CDM-F, 1 step", "#009E73", "X", ":"),
    "cdm-f-robust": ("robust CDM-F", "#009E73", "P", "--"),
    OURS: ("robust CDM-F, best of 8", "#009E73", "o", "-"),
    REFERENCE: ("robust reference", "#000000", "", "-"),
}
"""Label, colour, marker and line, in the order of legends."""


def amount(study: Study) -> Amount:
    """How much this run measures."""
    if study.arguments.quick:
        return Amount(study.seed, num_channels=64, num_draws=64, ascent_steps=50)
    return Amount(study.seed, num_channels=512, num_draws=256, ascent_steps=700)


def plot(rows: list[Row], caption: str) -> Figure:
    """Left: means over the robust reference's. Right: the 5th percentile."""
    errors = sorted({row.error for row in rows})
    with mpl.rc_context(STYLE):
        figure = blank(11.0, 4.8, caption, "CSI error: 2 users, 4 eavesdroppers, 20 dBm")
        left, right = figure.subplots(1, 2)
        for method, (label, colour, marker, line) in STYLES.items():
            found = {row.error: row for row in rows if row.method == method}
            mean = np.array([found[error].of_reference for error in errors])
            band = np.array([found[error].of_reference_ci95 for error in errors])
            style = {"color": colour, "marker": marker, "linestyle": line, "markersize": 5}
            left.plot(errors, mean, **style)
            left.fill_between(errors, mean - band, mean + band, color=colour, alpha=0.15, lw=0)
            right.plot(errors, [found[e].percentile_5 for e in errors], label=label, **style)
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_xlabel("error variance of the channel estimates")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        left.yaxis.set_major_formatter(PercentFormatter(1.0))
        left.set_ylim(0.94, 1.005)
        left.set_title("Mean sum secrecy rate, of the robust reference")
        right.set_title("5th percentile (bit/s/Hz)")
        beside(right)
    return figure


def show(rows: list[Row], load: float) -> None:
    """Prints the table of one error."""
    cells = [
        [
            row.method,
            f"{row.mean:.2f} ± {row.ci95:.2f}",
            f"{row.of_reference:.2%} ± {row.of_reference_ci95:.2%}",
            f"{row.percentile_5:.2f}",
            f"{row.outage:.2%}",
            f"{row.ours_ahead_by:+.3f} ± {row.ours_ahead_by_ci95:.3f}",
            f"{row.us_per_channel:.0f}",
        ]
        for row in rows
    ]
    columns = (
        "mean, bit/s/Hz", "of reference", "5th percentile", "outage",
        "robust best of 8 ahead by", "µs a channel",
    )  # fmt: skip
    title = f"error variance {rows[0].error:g}, load {load:g}"
    console.show(table(title, ("method",), columns, cells))


def make(study: Study) -> None:
    """Measures, prints, draws and writes."""
    much = amount(study)
    rows: list[Row] = []
    loads = {}
    for error in QUICK_ERRORS if study.arguments.quick else ERRORS:
        found, loads[str(error)] = measure(much, error)
        show(found, loads[str(error)])
        rows += found
    caption = study.caption(
        f"{much.num_channels} channels, {much.num_draws} draws of the posterior of each.",
        f"Robust reference: stochastic gradient ascent on every channel, {much.ascent_steps}",
        "steps. RZF-NS may lie below the left panel.",
    )
    study.save(
        "csi-error", plot(rows, caption), Row._fields, rows, amount=much._asdict(), load=loads
    )


if __name__ == "__main__":
    make(Study("figures.csi_error", sys.argv[1:], tyro.cli(Arguments)))

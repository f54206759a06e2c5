"""What errors of the channel knowledge cost, and what rates one channel may turn out to have.

    python -m benchmarks.uncertain --json out/uncertain.json
    python -m benchmarks.figures.uncertain --rows out/uncertain.json [--out out/figures]

Left and middle: the benchmark's rows, at two errors of users, against the eavesdroppers'. Right:
the sum secrecy rate over the channels that one of its estimates leaves possible.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks import uncertain
from benchmarks.figures import study
from benchmarks.report import Report, in_words
from jaxsec import checks, keys
from jaxsec.report.style import COLOURS, INK, STYLE
from jaxsec.secrecy import Outage, outage_secrecy_rate

ERRORS_USER = {0.01: "-", 0.1: "--"}
"""Users' errors that are shown, and their lines."""
DESIGNS = {
    "opt": ("OPT", COLOURS[0], "s"),
    "rzf-ns-robust": ("RZF-NS, searched on draws", "#8a8a8a", "v"),
    "setnet-robust": ("small network and 15 steps", COLOURS[1], "o"),
    "opt-robust": ("OPT on draws", COLOURS[2], "D"),
}
"""Label, colour and marker."""
ONE = (0.1, 0.5)
"""Errors of users and eavesdroppers on the right."""
NUM_DRAWS = 4096
COLUMNS = ("error_user", "error_eve", "objective", "reference", *DESIGNS)


@dataclasses.dataclass(frozen=True)
class Arguments:
    rows: Path
    """What `benchmarks.uncertain --json` has written."""
    channel: int = 0
    """Which of the estimates is on the right."""
    seed: int = uncertain.Arguments.seed
    out: Path = Path("out/figures")
    """Folder for the files."""


def of_one_channel(arguments: Arguments) -> dict[str, np.ndarray]:
    """Sorted rates on draws of one estimate's channels, of designs for the rate kept in 95%."""
    plain = uncertain.Arguments(num_channels=arguments.channel + 1, seed=arguments.seed)
    source, known = uncertain.estimates(plain, *ONE)
    key = keys.stream(source, "judging")
    found = {}
    for name in DESIGNS:
        strategy = uncertain.DESIGNS[name](keys.stream(source, "designs"), known, Outage(0.05))
        rates = uncertain.rates(key, strategy, known, NUM_DRAWS)
        found[name] = np.sort(np.asarray(rates[:, arguments.channel]))
    return found


def plot(rows: list[dict[str, Any]], draws: dict[str, np.ndarray], caption: str) -> Figure:
    """The three panels."""
    with mpl.rc_context(STYLE):
        figure = study.blank(12.0, 4.6, caption, "Channels known with errors: 2 users, 20 dBm")
        mean, kept, one = figure.subplots(1, 3)
        for axes, objective in ((mean, "mean"), (kept, "kept in 95%")):
            _against_error(axes, [row for row in rows if row["objective"] == objective])
        mean.set_title("Mean sum secrecy rate (bit/s/Hz)")
        kept.set_title("Rate kept in 95% of the draws (bit/s/Hz)")
        lines = [
            Line2D([], [], color=INK, ls=line, label=f"users' error {error:g}")
            for error, line in ERRORS_USER.items()
        ]
        kept.legend(handles=lines, frameon=False, fontsize=9)
        for name, rates in draws.items():
            label, colour, _ = DESIGNS[name]
            share = (np.arange(rates.size) + 1) / rates.size
            one.plot(rates, share, color=colour, label=label)
            one.plot(float(outage_secrecy_rate(jnp.asarray(rates), 0.05)), 0.05, "o", color=colour)
        one.axhline(0.05, color=INK, lw=0.6, ls=":")
        one.set_ylim(0.0, 1.0)
        one.set_title(f"One channel, errors {ONE[0]:g} and {ONE[1]:g}")
        one.set_xlabel("sum secrecy rate (bit/s/Hz)")
        one.set_ylabel("share of draws below")
        one.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 0.08))
    return figure


def _against_error(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for error, line in ERRORS_USER.items():
        found = sorted(
            (row for row in rows if row["error_user"] == error), key=lambda row: row["error_eve"]
        )
        x = [row["error_eve"] for row in found]
        for name, (_, colour, marker) in DESIGNS.items():
            y = [row["reference"] * row[name] for row in found]
            axes.plot(x, y, color=colour, marker=marker, ls=line, markersize=4)
    axes.set_xlabel("error of the eavesdroppers' channels")
    axes.set_ylim(bottom=0.0)


def main(arguments: Arguments, argv: list[str]) -> int:
    """Draws and writes."""
    report = Report("figures.uncertain", argv, arguments.seed, arguments.channel + 1)
    try:
        measured = json.loads(arguments.rows.read_text())
    except OSError as error:
        raise checks.InputError(f"{arguments.rows}: cannot be read: {error.strerror}") from None
    rows = [row for row in measured["rows"] if row["error_user"] in ERRORS_USER]
    caption = f"{in_words(measured)}.\nRight: {NUM_DRAWS:,} draws; {report.command}."
    table = [[row[name] for name in COLUMNS] for row in rows]
    figure = plot(rows, of_one_channel(arguments), caption)
    study.write(arguments.out, "uncertain", figure, COLUMNS, table, report.about())
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

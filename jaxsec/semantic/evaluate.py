"""Trained coders judged on pictures they have not seen: a table, its numbers as JSON, a picture."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from jaxsec.learning import shipped
from jaxsec.report import console, timing
from jaxsec.report.statistics import Mean
from jaxsec.semantic import file as coder_file
from jaxsec.semantic import judge, pretrained, source
from jaxsec.semantic.judge import Row
from jaxsec.semantic.scenario import Scenario

COLUMNS = (
    ("λ", "leakage_weight"),
    ("Bob, PSNR in dB", "psnr_db"),
    ("lost, dB", "lost_db"),
    ("fresh Eve, %", "eve"),
    ("she knows, bits", "eve_bits"),
    ("best Eve, %", "bayes"),
    ("she knows, bits", "bayes_bits"),
    ("Bob knows, bits", "bob_bits"),
)
"""Heading and name in `judge.Row`."""


def find(name: str) -> Path:
    """The file of shipped coders of this name, or the file of this path.

    Raises:
      InputError: there is no such name, and it is no path of weights.
    """
    return shipped.find(pretrained.FOLDER, name)


def evaluate(
    path: Path, *, seed: int, json: Path | None, figure: Path | None, argv: list[str]
) -> None:
    """Loads, judges, prints and draws.

    Args:
      path: of the coders.
      seed: of noise and of the fresh Eves.
      json: where the numbers go, too.
      figure: where the picture goes, if it is wanted.
      argv: the command, for the report.

    Raises:
      InputError: the file is missing or damaged.
      MissingExtra: scikit-learn is not installed.
    """
    model = coder_file.load(path)
    train_on, test_on = source.load()
    rows = judge.assess(model, train_on, test_on, seed)
    scenario, count = model.config.scenario, len(test_on.ink) * source.NUM_CLASSES
    trainings = len(model.config.seeds)
    console.show(
        table(rows, f"{count} pictures, trainings a λ: {trainings}, seed {seed}"),
        *in_words(scenario),
    )
    if json is not None:
        report = {
            "command": shlex.join(["jaxsec", *argv]),
            "training": dataclasses.asdict(model.config),
            "pictures": count,
            "hardware": timing.hardware(),
            "capacity_bits": {who: scenario.capacities(who) for who in ("bob", "eve")},
            "copies": judge.COPIES,
            "rows": [described(row) for row in rows],
        }
        console.write_json(json, report)
        print(f"written to {json}")
    if figure is not None:
        from jaxsec.semantic import figure as figures

        figures.plot(figure, model, rows, test_on, seed)
        print(f"written to {figure}")


def table(rows: Sequence[Row], title: str) -> Table:
    """A line a λ."""
    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for heading, _ in COLUMNS:
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [getattr(row, name) for _, name in COLUMNS]
        made.add_row(*(str(x) if isinstance(x, Mean) else f"{x:g}" for x in cells))
    return made


def in_words(scenario: Scenario) -> list[str]:
    """A line a receiver: the capacity of its channels."""
    lines = []
    for who in ("bob", "eve"):
        each = scenario.capacities(who)
        shown = " + ".join(f"{x:.2f}" for x in each)
        to = f"Capacity to {who.capitalize()}, {scenario.channel}"
        lines.append(f"{to}: {shown} = {sum(each):.2f} bits a code word")
    return lines


def described(row: Row) -> dict[str, Any]:
    """A row as JSON."""
    return {
        name: value._asdict() if isinstance(value, Mean) else value
        for name, value in row._asdict().items()
        if name != "by_noise"
    } | {"by_noise": [mean._asdict() for mean in row.by_noise]}

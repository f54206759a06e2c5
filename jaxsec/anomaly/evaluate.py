"""Detectors on fresh data of their source: a table, its numbers as JSON, and a picture."""

import shlex
from pathlib import Path
from typing import Any

from rich.table import Table

from jaxsec import checks
from jaxsec.anomaly import file as anomaly_file
from jaxsec.anomaly import judge, pretrained, train
from jaxsec.anomaly.file import Trained
from jaxsec.anomaly.judge import Judgement
from jaxsec.learning import shipped
from jaxsec.report import console, timing
from jaxsec.report.statistics import Mean


def evaluate(
    model: str,
    *,
    num_images: int,
    false_alarm: float,
    seed: int,
    json: Path | None,
    figure: Path | None,
    argv: list[str],
) -> Judgement:
    """Loads, judges and prints the table.

    Args:
      model: a shipped training, or a file.
      num_images: fresh ones of each kind.
      false_alarm: probability that thresholds are for.
      seed: of the fresh data.
      json: where the numbers go, too.
      figure: where a picture goes.
      argv: the command, for the report.

    Raises:
      InputError: there is no such model, a file is damaged, or a number is out of its range.
      MissingExtra: data or picture need a package that is not installed.
    """
    checks.check_at_least("--num-images", num_images, 1)
    trained = named(model)
    num_runs = len(train.runs(trained.config))
    with console.progress("judging, networks", num_runs) as advance:
        judgement = judge.judge(trained, num_images, seed, false_alarm, advance)
    wrong = _percent(judgement.false_alarms)
    console.show(
        table(judgement),
        f"{num_runs} networks, {num_images} fresh images of each kind, seed {seed}; thresholds for "
        f"{100 * false_alarm:g}% of false alarms, on fresh clean images {wrong}",
    )
    if json is not None:
        console.write_json(json, report(trained, judgement, num_images, false_alarm, seed, argv))
        print(f"written to {json}")
    if figure is not None:
        from jaxsec.anomaly.figure import plot  # needs matplotlib

        plot(figure, trained, judgement, seed, false_alarm)
        print(f"written to {figure}")
    return judgement


def named(model: str) -> Trained:
    """A training by its name, shipped, or of a file.

    Raises:
      InputError: there is none.
    """
    return anomaly_file.load(shipped.find(pretrained.FOLDER, model))


def table(judgement: Judgement) -> Table:
    """A row for each kind and strength, areas in percent."""
    found = Table("anomaly", "dB", *judgement.rows[0].areas, "detected")
    for row in judgement.rows:
        ratio = "" if row.ratio_db is None else f"{row.ratio_db:g}"
        cells = [_percent(area) for area in (*row.areas.values(), row.detected)]
        found.add_row(row.kind, ratio, *cells)
    return found


def report(
    trained: Trained,
    judgement: Judgement,
    num_images: int,
    false_alarm: float,
    seed: int,
    argv: list[str],
) -> dict[str, Any]:
    """The numbers as JSON; means with `value` and `ci95`."""
    return {
        "command": shlex.join(["jaxsec", *argv]),
        "data": trained.config.data,
        "num_networks": len(train.runs(trained.config)),
        "num_images": num_images,
        "seed": seed,
        "false_alarm": {"wanted": false_alarm, **judgement.false_alarms._asdict()},
        "expert_load": judgement.load,
        "rows": [
            {
                "kind": row.kind,
                "ratio_db": row.ratio_db,
                "area": {name: area._asdict() for name, area in row.areas.items()},
                "detected": row.detected._asdict(),
            }
            for row in judgement.rows
        ],
        "hardware": timing.hardware(),
    }


def _percent(mean: Mean) -> str:
    interval = "" if mean.ci95 is None else f" ± {100 * mean.ci95:.2f}"
    return f"{100 * mean.value:.2f}{interval}%"

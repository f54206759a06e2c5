"""A trained completer on fresh waterfalls: tables, a figure, and the numbers as JSON."""

from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from jaxsec.report import console, statistics, timing
from jaxsec.spectrum import file, judge
from jaxsec.spectrum.judge import Row
from jaxsec.spectrum.masks import MaskKind
from jaxsec.spectrum.selector import Hits
from jaxsec.spectrum.source import PATTERNS


def evaluate(
    model: Path,
    *,
    waterfalls: int,
    seed: int,
    json: Path | None,
    figure: Path | None,
    command: str,
) -> None:
    """Loads, judges and prints the tables.

    Args:
      model: file of weights.
      waterfalls: of each kind of mask.
      seed: of the waterfalls.
      json: where the numbers go, too.
      figure: where completed waterfalls are drawn.
      command: for the report.

    Raises:
      InputError: the file is missing or damaged.
    """
    trained = file.load(model)
    kinds: set[MaskKind] = {*trained.config.masks, "regular"}
    sets = {kind: judge.test_set(trained.scenario, kind, waterfalls, seed) for kind in kinds}
    rows = judge.table(trained, {kind: sets[kind] for kind in trained.config.masks})
    named = {kind: judge.label_accuracy(trained, sets[kind]) for kind in trained.config.masks}
    met = judge.selections(trained, sets["regular"], seed)
    console.show(
        accuracies(rows), hits(met), f"{waterfalls} waterfalls a mask, seed {seed}; half widths 95%"
    )
    if json is not None:
        report = {
            "command": command,
            "seed": seed,
            "label": trained.config.label,
            "label_accuracy": named,
            "rows": [row.plain() for row in rows],
            "selection": {name: plain(found) for name, found in met.items()},
            "hardware": timing.hardware(),
        }
        console.write_json(json, report)
    if figure is not None:
        from jaxsec.spectrum.figure import plot

        plot(figure, trained, seed)
    for path in (json, figure):
        if path is not None:
            print(f"written to {path}")


def accuracies(rows: list[Row]) -> Table:
    """Decisions on the hole, right in percent."""
    made = Table(
        title="Occupied or idle in the hole, % right", box=box.SIMPLE_HEAD, title_justify="left"
    )
    for name in ("mask", "completed by"):
        made.add_column(name, no_wrap=True)
    for name in ("jammed", *PATTERNS):
        made.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        own = [100.0 * np.mean(row.accuracy[row.pattern == i]) for i in range(len(PATTERNS))]
        mean = row.jammed
        first = f"{100 * mean.value:.1f} ± {100 * (mean.ci95 or 0.0):.1f}"
        made.add_row(row.mask, row.way, first, *(f"{value:.1f}" for value in own))
    return made


def hits(met: dict[str, Hits]) -> Table:
    """Slots ahead in which a transmission meets someone."""
    made = Table(
        title="Slots after the last sensed one, regular, with a jammer: % met",
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    made.add_column("channel selected by", no_wrap=True)
    for name in ("jammer", "user"):
        made.add_column(name, justify="right", no_wrap=True)
    for name, found in met.items():
        means = [statistics.mean_ci(100.0 * np.asarray(share)) for share in found]
        made.add_row(name, *(f"{mean.value:.1f} ± {mean.ci95 or 0.0:.1f}" for mean in means))
    return made


def plain(found: Hits) -> dict[str, Any]:
    """As JSON."""
    means = {
        name: statistics.mean_ci(np.asarray(share))._asdict()
        for name, share in found._asdict().items()
    }
    return means | {"num_waterfalls": len(found.jammed)}

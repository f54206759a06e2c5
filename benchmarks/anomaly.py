"""Mixtures of double encoders against what they are made of, and against what needs no network.

    python -m benchmarks.anomaly [--data digits waterfalls ...] [--seeds 0 1 2 3 4] [--out FOLDER]
                                 [--json FILE]

For each source of data, the detector of `jaxsec.anomaly` (mixture, double encoding), one expert of
as many parameters, and a mixture of as many parameters that encodes once, trained alike on the same
images; PCA reconstruction, an isolation forest and nearest neighbours on the same images; and where
pixels are powers the best energy detector. Number of components, of neighbours, and the energy
detector are chosen with hindsight, on the images that are judged: they are as good as they can be.

Areas under the curve are means over tasks and kinds of anomalies; intervals are over seeds, and
differences are paired. Trainings go on where they were killed, in the folder.
"""

import dataclasses
import sys
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro
from jaxtyping import Float

from benchmarks.report import Claim, Report, table
from jaxsec.anomaly import judge, train
from jaxsec.anomaly import run as anomaly_run
from jaxsec.anomaly.auc import auc
from jaxsec.anomaly.source import SOURCES, Clean, Trial
from jaxsec.anomaly.train import Config
from jaxsec.files.archive import check_outputs
from jaxsec.report.statistics import mean_ci, paired_difference

OURS = "mixture, double encoding"
VARIANTS: dict[str, dict[str, Any]] = {
    OURS: {},
    "one expert, double encoding": {"num_experts": 1},
    "mixture, single encoding": {"num_encodings": 1},
}
NUM_COMPONENTS = (4, 8, 16, 32)
NUM_NEIGHBOURS = (1, 5, 20)
FALSE_ALARM = 0.1
"""Of digits there are 14 held-out images, which tell no smaller one."""
DIGITS = {"hidden": 32, "num_steps": 600}
"""Of the settings, for digits, which are small and few."""
CLAIMED_AREA, CLAIMED_AT = 0.95, {"waterfalls": -15.0, "snapshots": -5.0}
"""What radio data must reach, and the strength in dB that it is said of."""
Areas = dict[tuple[float | None, str], dict[int, list[float]]]
"""By strength and method, and then by seed: of all tasks and kinds."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Compare detectors of anomalies on digits and radio data."""

    data: tuple[str, ...] = tuple(SOURCES)
    """Sources."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of data and trainings."""
    num_steps: int | None = None
    """Updates; None for those of the library."""
    num_images: int = 300
    """Fresh images of each kind and strength; of digits, those of the test set."""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("out/anomaly")
    """For the trainings."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


def main(argv: list[str]) -> int:
    """Trains, judges and prints.

    Returns:
      The exit code: 1 if a claim fails.
    """
    command = tyro.cli(Command, args=argv)
    check_outputs((), (command.json, ()))
    report = Report("anomaly", argv, num_samples=len(command.seeds))
    rows, notes = [], []
    for data in command.data:
        areas, sizes = compare(data, command)
        rows += summary(data, areas)
        notes.append(f"{data}: " + ", ".join(f"{name} {n} parameters" for name, n in sizes.items()))
    cells = [
        (
            row["data"],
            "" if row["ratio_db"] is None else f"{row['ratio_db']:g} dB",
            row["method"],
            _percent(row["area"]),
            "" if row["ours_less"] is None else _percent(row["ours_less"]),
        )
        for row in rows
    ]
    columns = (("data", "strength", "method"), ("area, %", "ours less it, points"))
    shown = table("Area under the curve", *columns, cells)
    return report.finish(rows, shown, claims(rows), command.json, notes)


def compare(data: str, command: Command) -> tuple[Areas, dict[str, int]]:
    """Areas of all methods on one source, and the parameters of each network."""
    source, sizes = SOURCES[data], {}
    areas: Areas = defaultdict(lambda: defaultdict(list))
    settings: dict[str, Any] = {} if source.in_decibels else dict(DIGITS)
    if command.num_steps is not None:
        settings["num_steps"] = command.num_steps
    config = Config(data=data, seeds=command.seeds, **settings)
    for name, changes in VARIANTS.items():
        variant = matched(config, **changes)
        sizes[name] = num_parameters(variant)
        folder = command.out / f"{data}-{name.replace(', ', '-').replace(' ', '-')}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        trained = anomaly_run.run(folder, variant, save_every=1000, command=report_line(command))
        for i, run in enumerate(train.runs(variant)):
            trial = source.trial(run, 1, command.num_images)
            first = name == OURS and source.in_decibels
            found = judge.measure(trained.detector(i), trial, FALSE_ALARM, first)
            for (_, ratio), area in found.areas.items():
                areas[ratio, name][run.seed].append(area.pop("score"))
                for part, value in area.items():
                    label = "best energy detector" if part == "energy" else f"{name}: {part} alone"
                    areas[ratio, label][run.seed].append(value)
    for run in train.runs(config):
        trial = source.trial(run, 1, command.num_images)
        for (ratio, name), values in controls(source.clean(run), trial, run.seed).items():
            areas[ratio, name][run.seed] += values
    return with_hindsight(areas), sizes


def report_line(command: Command) -> str:
    """What started a training, for its card."""
    return f"python -m benchmarks.anomaly --seeds {' '.join(map(str, command.seeds))}"


def num_parameters(config: Config) -> int:
    """Of one network."""
    shapes = jax.eval_shape(lambda key: train.initial_params(config, key), jax.random.key(0))
    return sum(x.size for x in jax.tree.leaves(shapes))


def matched(config: Config, **changes: Any) -> Config:
    """The configuration with changes, and as wide as it takes to have as many parameters."""
    narrow = dataclasses.replace(config, **changes, hidden=1)
    # Each unit of the dense layers costs as many.
    least = num_parameters(narrow)
    each = num_parameters(dataclasses.replace(narrow, hidden=2)) - least
    return dataclasses.replace(narrow, hidden=1 + round((num_parameters(config) - least) / each))


def controls(clean: Clean, trial: Trial, seed: int) -> dict[tuple[float | None, str], list[float]]:
    """Areas of scikit-learn's detectors by strength and name, one of each kind."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import NearestNeighbors

    def flat(images: np.ndarray) -> Float[np.ndarray, "n P"]:
        return ((images - clean.frame[0]) / clean.frame[1]).reshape(len(images), -1)

    train_images = flat(clean.train)
    forest = IsolationForest(random_state=seed).fit(train_images)
    neighbours = NearestNeighbors(n_neighbors=max(NUM_NEIGHBOURS)).fit(train_images)
    components = PCA(max(NUM_COMPONENTS), random_state=seed).fit(train_images)

    def scores(images: np.ndarray) -> dict[str, np.ndarray]:
        x = flat(images)
        codes, far = components.transform(x), neighbours.kneighbors(x)[0]
        rest = np.sum((x - components.mean_[None]) ** 2, axis=1)
        return {
            "isolation forest": -forest.score_samples(x),
            **{f"neighbours/{k}": far[:, :k].mean(axis=1) for k in NUM_NEIGHBOURS},
            **{f"PCA/{c}": rest - np.sum(codes[:, :c] ** 2, axis=1) for c in NUM_COMPONENTS},
        }

    good, found = scores(trial.clean), defaultdict(list)
    for (_, ratio), images in trial.attacked.items():
        for name, bad in scores(images).items():
            found[ratio, name].append(auc(good[name], bad))
    return found


def with_hindsight(areas: Areas) -> Areas:
    """Of methods that are called NAME/NUMBER, the best number at each strength."""
    kept: Areas = {}
    best: dict[tuple[float | None, str], float] = {}
    for (ratio, name), by_seed in areas.items():
        family = name.partition("/")[0]
        mean = float(np.mean([np.mean(values) for values in by_seed.values()]))
        if mean > best.get((ratio, family), -1.0):
            best[ratio, family], kept[ratio, family] = mean, by_seed
    return kept


def summary(data: str, areas: Areas) -> list[dict[str, Any]]:
    """A row for each strength and method: the mean over seeds, and what ours is better by."""
    ours = {ratio: _by_seed(values) for (ratio, name), values in areas.items() if name == OURS}
    rows = []
    for ratio in ours:
        for (at, name), values in areas.items():
            if at == ratio:
                theirs = _by_seed(values)
                less = None if name == OURS else paired_difference(ours[ratio], theirs)._asdict()
                area = mean_ci(theirs)._asdict()
                rows.append(
                    {"data": data, "ratio_db": ratio, "method": name, "area": area,
                     "ours_less": less}
                )  # fmt: skip
    return rows


def claims(rows: list[dict[str, Any]]) -> list[Claim]:
    """What radio data must show."""
    found = []
    for data, ratio in CLAIMED_AT.items():
        at = {r["method"]: r for r in rows if (r["data"], r["ratio_db"]) == (data, ratio)}
        if at:
            area, less = at[OURS]["area"]["value"], at["best energy detector"]["ours_less"]
            found.append(
                Claim(
                    f"{data}: {CLAIMED_AREA:.0%} at {ratio:g} dB, above any energy detector",
                    f"{area:.2%}, {_percent(less)} points above",
                    area >= CLAIMED_AREA and less["value"] > (less["ci95"] or 0.0),
                )
            )
    return found


def _by_seed(values: dict[int, list[float]]) -> Float[np.ndarray, "S"]:
    return np.asarray([np.mean(values[seed]) for seed in sorted(values)])


def _percent(mean: dict[str, float | None]) -> str:
    assert mean["value"] is not None
    interval = "" if mean["ci95"] is None else f" ± {100 * mean['ci95']:.2f}"
    return f"{100 * mean['value']:.2f}{interval}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

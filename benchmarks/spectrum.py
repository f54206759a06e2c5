"""Completion of spectrum waterfalls: what the label, and what the adversary, bring.

    python -m benchmarks.spectrum [--out FOLDER] [--seeds 0 1 2] [--json FILE]

The same network is trained with a label predicted from the waterfall before, with one predicted
from the very waterfall that it completes, and without one; with and without discriminators. All are
judged on the same waterfalls and the same holes, beside the nearest sensed power and a matrix of
low rank. Intervals are over trainings, but over waterfalls for what needs none. Trainings stay in
the folder: a second start finds them, or goes on.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import tyro
from rich.table import Table

from benchmarks.report import Claim, Report, table
from jaxsec import checks
from jaxsec.files.archive import check_outputs
from jaxsec.report import statistics
from jaxsec.report.statistics import Mean
from jaxsec.spectrum import file, judge
from jaxsec.spectrum import run as training
from jaxsec.spectrum.file import Trained
from jaxsec.spectrum.judge import Row
from jaxsec.spectrum.masks import MaskKind
from jaxsec.spectrum.source import PATTERNS, Scenario
from jaxsec.spectrum.train import Batch, Config, Label

ADVERSARIAL = Config.adversarial
ARMS: dict[str, tuple[Label, float]] = {
    "label of history, adversarial": ("history", ADVERSARIAL),
    "label of history": ("history", 0.0),
    "label of the same": ("same", 0.0),
    "no label": ("none", 0.0),
}
"""What the completer is told, and the weight of its discriminators."""
WANTED, GAP = 0.95, 0.10
"""The paper's: 95% with the label, and without it nearly 80%."""


class Line(NamedTuple):
    """A way to complete, over seeds."""

    way: str
    rows: list[Row]
    label_accuracy: float | None

    @property
    def accuracy(self) -> np.ndarray:
        """[S] means over waterfalls with a jammer."""
        return np.asarray([row.jammed.value for row in self.rows])

    @property
    def mean(self) -> Mean:
        """Over seeds; over waterfalls where there is one."""
        return statistics.mean_ci(self.accuracy) if len(self.rows) > 1 else self.rows[0].jammed

    def by_pattern(self) -> list[float]:
        """Means over seeds."""
        return [
            float(np.mean([np.mean(row.accuracy[row.pattern == i]) for row in self.rows]))
            for i in range(len(PATTERNS))
        ]

    def error_db(self) -> float:
        """Mean absolute error of the hole's powers under jamming."""
        return float(np.mean([row.over_patterns(row.error_db).value for row in self.rows]))

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "way": self.way,
            "accuracy": self.mean._asdict(),
            "accuracy_by_seed": self.accuracy.tolist(),
            "accuracy_by_pattern": dict(zip(PATTERNS, self.by_pattern(), strict=True)),
            "error_db": self.error_db(),
            "label_accuracy": self.label_accuracy,
        }


@dataclasses.dataclass(frozen=True)
class Command:
    """Train and judge completers of spectrum waterfalls with and without label and adversary."""

    out: Path = Path("out/spectrum")
    """Folder of the trainings."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of trainings."""
    mask: MaskKind = "regular"
    """What is lost, in training and in judging."""
    num_steps: int = Config.num_steps
    """Of each training."""
    waterfalls: int = 250
    """To judge on, of all patterns alike."""
    seed: int = 1
    """Of these waterfalls."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


def main(command: Command, argv: list[str]) -> int:
    """Trains, judges and prints."""
    check_outputs((), (command.json, ()))
    checks.require(len(command.seeds) > 1, "`--seeds` must be at least two")
    report = Report("spectrum", argv, command.seed, len(command.seeds))
    batches = judge.test_set(Scenario(), command.mask, command.waterfalls, command.seed)
    trained = {
        name: [_train(command, report.command, name, seed) for seed in command.seeds]
        for name in ARMS
    }
    lines = [_line(command, name, models, batches) for name, models in trained.items()]
    first = next(iter(trained))
    every = judge.ways(trained[first][0])
    lines.insert(1, _told_the_truth(command, trained[first], batches))
    for name in ("nearest", "soft-impute"):
        row = judge.judge(name, command.mask, batches, Scenario(), every[name])
        lines.append(Line(name, [row], None))
    met = _selections(command, trained, batches)
    return report.finish(
        [line.plain() for line in lines],
        [_table(command, lines), _met_table(met)],
        _claims({line.way: line for line in lines}),
        command.json,
        selections={name: found.plain() for name, found in met.items()},
    )


def _train(command: Command, started: str, arm: str, seed: int) -> Trained:
    label, adversarial = ARMS[arm]
    config = Config(
        label=label,
        adversarial=adversarial,
        masks=(command.mask,),
        num_steps=command.num_steps,
        seed=seed,
    )
    out = command.out / f"{command.mask}-{label}-{adversarial}-{seed}"
    path = out / "model.npz"
    if not path.exists():
        training.run(out, Scenario(), config, save_every=500, command=started)
    trained = file.load(path)
    checks.require(trained.config == config, f"{path}: was trained otherwise: choose another --out")
    return trained


def _line(command: Command, name: str, models: list[Trained], batches: list[Batch]) -> Line:
    rows = [
        judge.judge(name, command.mask, batches, Scenario(), judge.ways(model)["completer"])
        for model in models
    ]
    named = [judge.label_accuracy(model, batches) for model in models]
    known = [share for share in named if share is not None]
    return Line(name, rows, float(np.mean(known)) if known else None)


def _told_the_truth(command: Command, models: list[Trained], batches: list[Batch]) -> Line:
    """The networks of the first arm, told the true pattern instead of the predicted one."""
    way = "completer, true label"
    rows = [
        judge.judge(way, command.mask, batches, Scenario(), judge.ways(model)[way])
        for model in models
    ]
    return Line("true label, adversarial", rows, 1.0)


def _table(command: Command, lines: list[Line]) -> Table:
    return table(
        f"Occupied or idle in the hole, % right; mask {command.mask}, {command.waterfalls} "
        "waterfalls",
        ("completed with",),
        ("jammed", *PATTERNS, "error dB", "label right %"),
        [
            (
                line.way,
                _percent(line.mean),
                *(f"{100 * share:.1f}" for share in line.by_pattern()),
                f"{line.error_db():.2f}",
                "" if line.label_accuracy is None else f"{100 * line.label_accuracy:.1f}",
            )
            for line in lines
        ],
    )


class Met(NamedTuple):
    """Shares of the slots ahead in which a transmission meets someone."""

    jammed: Mean
    collided: Mean

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"jammed": self.jammed._asdict(), "collided": self.collided._asdict()}


def _selections(
    command: Command, trained: dict[str, list[Trained]], batches: list[Batch]
) -> dict[str, Met]:
    """By how the channel is selected: completers over seeds, the others over waterfalls."""
    met: dict[str, Met] = {}
    for name, models in trained.items():
        found = [judge.selections(model, batches, command.seed) for model in models]
        for other in ("random", "last sensed", "oracle"):
            met[other] = Met(*(statistics.mean_ci(np.asarray(x)) for x in found[0][other]))
        own = np.asarray([[np.mean(share) for share in f["completed"]] for f in found])
        met[f"completed, {name}"] = Met(*(statistics.mean_ci(own[:, i]) for i in range(2)))
    return met


def _met_table(met: dict[str, Met]) -> Table:
    return table(
        "Slots after the last sensed one, with a jammer: % in which the channel is taken",
        ("channel selected by",),
        ("by the jammer", "by a user"),
        [(name, _percent(found.jammed), _percent(found.collided)) for name, found in met.items()],
    )


def _percent(mean: Mean) -> str:
    return f"{100 * mean.value:.1f} ± {100 * (mean.ci95 or 0.0):.1f}"


def _claims(lines: dict[str, Line]) -> list[Claim]:
    told, alone = lines["label of history, adversarial"], lines["no label"]
    plain, same = lines["label of history"], lines["label of the same"]

    def gap(one: Line, other: Line) -> Mean:
        return statistics.paired_difference(one.accuracy, other.accuracy)

    told_gap, same_gap, adversary = gap(plain, alone), gap(same, alone), gap(told, plain)
    return [
        Claim(
            f"with the label of the history at least {WANTED:.0%} are right",
            f"{_percent(told.mean)} %",
            told.mean.value >= WANTED,
        ),
        Claim(
            f"without it at least {100 * GAP:.0f} points less",
            f"{_percent(told_gap)} points, both without adversary",
            told_gap.value >= GAP,
        ),
        Claim(
            "a label predicted from the same masked waterfall brings less than 2 points",
            f"{_percent(same_gap)} points",
            same_gap.value < 0.02,
        ),
        Claim(
            "the adversary brings less than 1 point",
            f"{_percent(adversary)} points",
            adversary.value < 0.01,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))

"""Privacy-aware source-channel coding: what Bob pays for what Eve does not learn.

    python -m benchmarks.semantic [--quick] [--json FILE] [--figure FILE]

Trains coders at every λ and seed, on parallel channels and on a single one, and judges them on
pictures that they have not seen. Intervals are over the seeds of training.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import tyro

from benchmarks import report as reports
from benchmarks.report import Claim, Report
from jaxsec import checks
from jaxsec.files.archive import PICTURES, check_outputs
from jaxsec.semantic import evaluate, figure, file, judge, run, source
from jaxsec.semantic.channel import Scenario
from jaxsec.semantic.judge import Row
from jaxsec.semantic.train import Config

SCENARIOS = {
    "parallel": Scenario(),
    "single": Scenario(bob=(0.05,), eve=(0.3,), bits=64),
}
PAPER, CHANCE, LOUD, LOSS_DB = 20.0, 100 / source.NUM_CLASSES, 80.0, 1.0
"""Eve's accuracy in the paper, %; a guess's; what she must reach at λ = 0; most that Bob may lose."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Train and judge coders over λ; assert what they promise on parallel channels."""

    quick: bool = False
    """One seed, few steps, parallel channels alone; no claims."""
    leakage_weights: tuple[float, ...] = (0.0, 1.0, 4.0, 16.0)
    """λ, from none."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of trainings."""
    only: tuple[str, ...] = tuple(SCENARIOS)
    """Names of channels."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw those on parallel channels."""


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the tables and the claims; 1 if one fails."""
    check_outputs((), (command.json, ()), (command.figure, PICTURES))
    for name in command.only:
        checks.require(
            name in SCENARIOS, f"`--only` must be of {', '.join(SCENARIOS)}, but has {name!r}"
        )
    seeds = command.seeds[:1] if command.quick else command.seeds
    report = Report("semantic", argv, seed=1, num_samples=len(seeds))
    train_on, test_on = source.load()
    tables, rows, claims = [], [], []
    for name in command.only[:1] if command.quick else command.only:
        changes: dict[str, Any] = {"num_steps": 20, "width": 16} if command.quick else {}
        config = Config(
            scenario=SCENARIOS[name],
            leakage_weights=command.leakage_weights,
            seeds=seeds,
            **changes,
        )
        with tempfile.TemporaryDirectory() as folder:
            path = run.fit(Path(folder), config, save_every=500, command=report.command)
            model = file.load(path)
        found = judge.judge(model, train_on, test_on, seed=1)
        shown = " ".join(evaluate.in_words(config.scenario))
        tables.append(evaluate.table(found, f"{name}. {shown}"))
        rows += [{"channels": name, **evaluate.described(row)} for row in found]
        if name == "parallel":
            claims += check_claims(found)
            if command.figure is not None:
                figure.plot(command.figure, model, found, test_on, seed=1)
    return report.finish(rows, tables, [] if command.quick else claims, command.json)


def check_claims(rows: list[Row]) -> list[Claim]:
    """What is claimed of λ = 0, the first, and of the largest λ."""
    first, last = rows[0], rows[-1]
    noise = [mean.value for row in rows for mean in row.by_noise]
    steps = [
        after.value - before.value
        for row in rows
        for before, after in zip(row.by_noise[:-1], row.by_noise[1:], strict=True)
    ]
    return [
        Claim(f"without λ a fresh Eve has ≥ {LOUD:g}%", f"{first.eve}%", first.eve.value >= LOUD),
        Claim(f"with it ≤ {PAPER:g}%, as the paper's", f"{last.eve}%", last.eve.value <= PAPER),
        Claim(
            f"and no Eve more than {PAPER:g}%", f"{last.bayes}%", last.bayes.value <= PAPER
        ),
        Claim(
            f"Bob loses ≤ {LOSS_DB:g} dB", f"{last.lost_db} dB", last.lost_db.value <= LOSS_DB
        ),
        Claim(
            "the noisier Eve's channel, the less she knows",
            f"largest step {max(steps):+.2f} points, least accuracy {min(noise):.1f}%",
            max(steps) <= 0.5,
        ),
    ]


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Command), sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")

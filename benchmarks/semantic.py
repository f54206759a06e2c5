"""Privacy-aware source-channel coding: what Bob pays for what Eve does not learn.

    python -m benchmarks.semantic [--quick] [--json FILE] [--figure FILE]

Trains coders at every λ and seed, and judges them on pictures that they have not seen. The control
is λ = 0, a coder that knows of no Eve. Intervals are over the seeds of training.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import tyro

from benchmarks.report import Claim, Report
from jaxsec import checks
from jaxsec.files.archive import PICTURES, check_outputs
from jaxsec.semantic import evaluate, figure, file, judge, run, source
from jaxsec.semantic.judge import Row
from jaxsec.semantic.links import Kind
from jaxsec.semantic.scenario import SCENARIOS
from jaxsec.semantic.train import Config

PAPER, LOUD, LOSS_DB = 20.0, 80.0, 1.0
"""Eve's accuracy in the paper, what she must reach at λ = 0, %; the most that Bob may lose."""
CHOSEN = 8.0
"""λ of the coder that is shipped, of which Eve's and Bob's targets are claimed."""
SEED = 1
"""Of noise and of the fresh Eves."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Train and judge coders over λ; assert what they promise."""

    quick: bool = False
    """One seed, a small network, few steps; no claims."""
    channel: Kind = "bsc"
    """Of the scenario of this kind; the paper's targets are claimed of bsc."""
    leakage_weights: tuple[float, ...] = Config.leakage_weights
    """λ, from none."""
    seeds: tuple[int, ...] = Config.seeds
    """Of trainings."""
    out: Path | None = None
    """Keep the run in this folder, and go on there if it was killed."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw them."""


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the table and the claims; 1 if one fails."""
    check_outputs((), (command.json, ()), (command.figure, PICTURES))
    seeds = command.seeds[:1] if command.quick else command.seeds
    changes: dict[str, Any] = {"num_steps": 20, "width": 16} if command.quick else {}
    scenario = SCENARIOS[command.channel]
    config = Config(scenario, command.leakage_weights, seeds, **changes)
    report = Report("semantic", argv, seed=SEED, num_samples=len(seeds))
    train_on, test_on = source.load()
    with tempfile.TemporaryDirectory() as folder:
        out = command.out or Path(folder)
        path = run.fit(out, config, save_every=250, command=report.command)
        model = file.load(path)
    rows = judge.assess(model, train_on, test_on, seed=SEED)
    if command.figure is not None:
        figure.plot(command.figure, model, rows, test_on, seed=SEED)
    return report.finish(
        [evaluate.described(row) for row in rows],
        evaluate.table(rows, f"Privacy and its price, {len(seeds)} trainings a λ"),
        [] if command.quick else check_claims(rows),
        command.json,
        evaluate.in_words(config.scenario),
    )


def check_claims(rows: list[Row]) -> list[Claim]:
    """What is claimed of λ = 0, the first, of `CHOSEN`, and of the largest λ."""
    first, last = rows[0], rows[-1]
    chosen = next((row for row in rows if row.leakage_weight == CHOSEN), last)
    noise = [mean.value for row in rows for mean in row.by_noise]
    steps = [
        after.value - before.value
        for row in rows
        for before, after in zip(row.by_noise[:-1], row.by_noise[1:], strict=True)
    ]
    return [
        Claim(f"without λ a fresh Eve has ≥ {LOUD:g}%", f"{first.eve}%", first.eve.value >= LOUD),
        Claim(
            f"with λ = {chosen.leakage_weight:g} she has ≤ {PAPER:g}%, as the paper's",
            f"{chosen.eve}%",
            chosen.eve.value <= PAPER,
        ),
        Claim(
            f"and Bob loses ≤ {LOSS_DB:g} dB",
            f"{chosen.lost_db} dB",
            chosen.lost_db.value <= LOSS_DB,
        ),
        Claim(
            f"with λ = {last.leakage_weight:g} no Eve has more than {PAPER:g}%",
            f"{last.bayes}%",
            last.bayes.value <= PAPER,
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

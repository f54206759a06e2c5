"""Privacy-aware source-channel coding: what Bob pays for what Eve does not learn.

    python -m benchmarks.semantic [--quick] [--channel awgn] [--json FILE] [--figure FILE]

Trains coders at every λ and seed over the links of a kind's own scenario, and judges them on
pictures that they have not seen. The control is λ = 0, a coder that knows of no Eve. Intervals are
over the seeds of training.
"""

import dataclasses
import itertools
import operator
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

PROMISES = (
    (0.0, "a fresh Eve has", "eve", operator.ge, 80.0, "%"),
    (8.0, "a fresh Eve has", "eve", operator.le, 20.0, "%"),  # as the paper's
    (8.0, "Bob loses", "lost_db", operator.le, 1.0, " dB"),
    (12.0, "the best that any Eve has is", "bayes", operator.le, 20.0, "%"),
)
"""At a λ: what is said of which number in `Row`, and what it must be at least or at most."""
SIGNS = {operator.ge: "≥", operator.le: "≤"}
SEED = 1
"""Of noise and of the fresh Eves."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Train and judge coders over λ; assert what they promise."""

    quick: bool = False
    """One seed, a small network, few steps; no claims."""
    channel: Kind = "bsc"
    """Kind of the links."""
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
    """`PROMISES` of what was measured, beside λ = 0; and that noise never helps Eve."""
    at = {row.leakage_weight: row for row in rows if rows[0].leakage_weight == 0.0}
    claims = []
    for weight, what, name, order, limit, unit in PROMISES:
        if weight in at:
            mean = getattr(at[weight], name)
            said = f"at λ = {weight:g} {what} {SIGNS[order]} {limit:g}{unit}"
            claims.append(Claim(said, f"{mean}{unit}", order(mean.value, limit)))
    noise = [mean.value for row in rows for mean in row.by_noise]
    steps = [
        after.value - before.value
        for row in rows
        for before, after in itertools.pairwise(row.by_noise)
    ]
    measured = f"largest step {max(steps):+.2f} points, least accuracy {min(noise):.1f}%"
    said = "the noisier Eve's channel, the less she knows"
    return [*claims, Claim(said, measured, max(steps) <= 0.5)]


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Command), sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")

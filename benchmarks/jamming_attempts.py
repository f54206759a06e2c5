"""What might let a mixture of experts win in scenario `dense`: each idea against GDM with it.

    python -m benchmarks.jamming_attempts [--seeds 0 1 2] [--num-updates 3000] [--json FILE]

Trains both policies with one thing changed at a time, and judges them on fresh slots.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import tyro

from benchmarks.report import Report
from jaxsec import checks
from jaxsec.files.archive import check_outputs
from jaxsec.jamming import SCENARIOS, Environment
from jaxsec.jamming import judge as jamming_judge
from jaxsec.jamming import report as reports
from jaxsec.jamming import train as jamming_train
from jaxsec.report import console
from jaxsec.rl import evaluation
from jaxsec.rl.config import Config

ATTEMPTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "as in make jamming": ({}, ("moe-gdm", "gdm", "ddpg")),
    "no random actions": ({"epsilon": 0.0}, ("moe-gdm", "gdm", "ddpg")),
    "experts share no states": ({"shared_fraction": 0.0, "load_balance_weight": 0.1}, ("moe-gdm",)),
    "all experts mixed": ({"num_selected": 3}, ("moe-gdm",)),
    "small actors": ({"width": 32}, ("moe-gdm", "gdm", "ddpg")),
}
"""By name: what is changed, and for which policies it means something."""
SLOTS_SEED = 3


@dataclasses.dataclass(frozen=True)
class Command:
    """Try what might let experts win."""

    seeds: tuple[int, ...] = (0, 1, 2)
    """Of trainings, side by side."""
    num_updates: int = 3000
    """Of each training."""
    fresh_slots: int = 2048
    """That all are judged on."""
    only: tuple[str, ...] = ()
    """Names of attempts; all of them if left out."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


def main(command: Command, argv: list[str]) -> None:
    """Trains, judges, and prints a row a policy."""
    check_outputs((), (command.json, ()))
    about = Report("jamming_attempts", argv, SLOTS_SEED, len(command.seeds)).about()
    for name in command.only:
        checks.require(
            name in ATTEMPTS, f"`--only` must be of {', '.join(ATTEMPTS)}, but has {name!r}"
        )
    scenario = SCENARIOS["dense"]
    environment = Environment(scenario)
    slots = evaluation.sample(environment, SLOTS_SEED, command.fresh_slots)
    bounds = jamming_judge.bounds(environment, slots, SLOTS_SEED)
    rows = list(bounds.rows)
    for attempt, (changes, policies) in ATTEMPTS.items():
        if command.only and attempt not in command.only:
            continue
        for policy in policies:
            config = Config(
                policy=policy, num_updates=command.num_updates, **{"epsilon": 0.3, **changes}
            )
            with tempfile.TemporaryDirectory() as folder:
                trained = jamming_train.train(
                    Path(folder),
                    scenario,
                    config,
                    name=f"{policy}, {attempt}",
                    seeds=list(command.seeds),
                    every=command.num_updates,
                    argv=argv,
                )
            found = jamming_judge.judge(policy, trained, environment, slots, SLOTS_SEED, 8)
            rows += [row._replace(name=f"{attempt}: {row.name}") for row in found]
    listed = reports.report(rows, reports.against(bounds.best), scenario)
    reports.show(listed, f"Scenario dense, {command.num_updates} updates")
    if command.json is not None:
        console.write_json(command.json, {**about, "rows": listed})


if __name__ == "__main__":
    try:
        main(tyro.cli(Command), sys.argv[1:])
    except checks.InputError as error:
        sys.exit(f"error: {error}")

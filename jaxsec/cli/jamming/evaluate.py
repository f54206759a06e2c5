"""`jaxsec jamming evaluate`: trained policies on fresh slots, against the oracle."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

import tyro

from jaxsec import checks
from jaxsec.cli import options
from jaxsec.files.archive import check_outputs
from jaxsec.jamming import file as policy_file
from jaxsec.jamming import judge as jamming_judge
from jaxsec.jamming.environment import Environment
from jaxsec.report import console, timing
from jaxsec.rl import evaluation


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge trained policies on fresh slots of their scenario, against the oracle."""

    policies: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="POLICY.npz")]
    """Files that `jaxsec jamming train` has written, all of one scenario."""
    fresh_slots: int = 4096
    """Slots, the same for all."""
    num_candidates: int = 8
    """Candidate actions of which the critics choose; 1 for none of this."""
    seed: int = 1
    """Seed of the slots and of all that acts at random."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


def run(command: Command, argv: list[str]) -> None:
    """Loads, judges and prints the table."""
    checks.check_at_least("--fresh-slots", command.fresh_slots, 1)
    checks.check_at_least("--num-candidates", command.num_candidates, 1)
    options.check_seed(command.seed)
    check_outputs(command.policies, (command.json, ()))
    checks.require(bool(command.policies), "name at least one POLICY.npz")
    trained = [policy_file.load(path) for path in command.policies]
    scenario = trained[0].scenario
    for path, other in zip(command.policies, trained, strict=True):
        checks.require(
            other.scenario == scenario,
            f"{path}: was trained on another scenario than {command.policies[0]}",
        )
    environment = Environment(scenario)
    slots = evaluation.draw(environment, command.seed, command.fresh_slots)
    rows = jamming_judge.bounds(environment, slots, command.seed).rows
    for path, one in zip(command.policies, trained, strict=True):
        name = path.parent.name if path.stem == "policy" else path.stem
        rows += jamming_judge.judge(
            name or one.config.policy, one, environment, slots, command.seed, command.num_candidates
        )
    listed = jamming_judge.report(rows, scenario)
    jamming_judge.show(listed, f"{command.fresh_slots} fresh slots, seed {command.seed}")
    if command.json is not None:
        report = {
            "command": shlex.join(["jaxsec", *argv]),
            "scenario": policy_file.describe(scenario, trained[0].config)["scenario"],
            "fresh_slots": command.fresh_slots,
            "hardware": timing.hardware(),
            "rows": listed,
        }
        console.write_json(command.json, report)
        print(f"written to {command.json}")

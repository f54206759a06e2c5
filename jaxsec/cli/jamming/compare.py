"""`jaxsec jamming compare`: all policies trained and judged alike, and drawn as in P2's Fig. 4."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxsec import extras
from jaxsec.cli import options
from jaxsec.cli.jamming.options import LearningOptions, TaskOptions
from jaxsec.jamming import compare
from jaxsec.jamming.compare import CONTENDERS, FLAT, UNTUNED, Settings


@dataclasses.dataclass(frozen=True)
class Command:
    """Train all policies on the same task with the same budget, judge them on fresh slots, and draw
    learning curves and metrics, as in P2's Fig. 4.

    Can be killed and started again: trainings go on from their checkpoints.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("out/jamming")
    """Gets a folder a policy, report.json, curves.png and metrics.png."""
    policies: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="{" + ",".join(CONTENDERS) + "} ...")
    ] = tuple(FLAT)
    """What to compare, in this order. Equivariant networks have widths of their own; so have
    true-gradient and smooth-gradient, which have their own slots and rates, too."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of trainings, side by side."""
    untuned: bool = False
    """Learn as the public GDM framework does, with actions linear in watt."""
    every: int = 200
    """Updates between points of the learning curves."""
    fresh_slots: int = 4096
    """Fresh slots of the judgement."""
    num_candidates: int = 8
    """Actions of which the critics, or the true reward, choose; 1 for none of this."""
    seed: int = 1
    """Seed of the fresh slots."""
    task: tyro.conf.OmitArgPrefixes[TaskOptions] = dataclasses.field(default_factory=TaskOptions)
    learning: tyro.conf.OmitArgPrefixes[LearningOptions] = dataclasses.field(
        default_factory=LearningOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Trains, judges, prints the table and draws."""
    extras.require("matplotlib")
    scenario = command.task.task()
    policies = compare.check_policies(command.policies)
    options.check_seed(command.seed)
    settings = Settings(
        **{field.name: getattr(command, field.name) for field in dataclasses.fields(Settings)}
    )
    changes: dict[str, Any] = UNTUNED if command.untuned else {}
    if command.untuned:
        scenario = dataclasses.replace(scenario, power_steps="watt")
    configs = {name: command.learning.config(**(changes | CONTENDERS[name])) for name in policies}
    title = f"{command.task.scenario}{', untuned' if command.untuned else ''}"
    compare.compare(command.out, scenario, configs, settings, title=title, argv=argv)

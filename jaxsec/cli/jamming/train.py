"""`jaxsec jamming train`: a task in, a policy out."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxsec.cli.jamming.options import LearningOptions, TaskOptions
from jaxsec.jamming import train as jamming_train


@dataclasses.dataclass(frozen=True)
class Command:
    """Train a policy that sets the powers of access points which jam for each other.

    Can be killed and started again with the same options: it goes on from its last checkpoint and
    ends with the same parameters, bit by bit. Uses all devices that JAX sees.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for checkpoints, metrics.jsonl, and the policy: policy.npz and policy.json."""
    seeds: tuple[int, ...] = (0,)
    """Trained side by side."""
    every: int = 200
    """Updates between points of the learning curve."""
    task: tyro.conf.OmitArgPrefixes[TaskOptions] = dataclasses.field(default_factory=TaskOptions)
    learning: tyro.conf.OmitArgPrefixes[LearningOptions] = dataclasses.field(
        default_factory=LearningOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Trains, or goes on training, and writes the policy."""
    scenario, config = command.task.task(), command.learning.config()
    jamming_train.train(
        command.out,
        scenario,
        config,
        name=config.policy,
        seeds=list(command.seeds),
        every=command.every,
        argv=argv,
    )
    path = command.out / "policy.npz"
    print(f"written to {path} and {path.with_suffix('.json')}")

"""`jaxsec jamming train`: a task in, a policy out."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxsec import checks
from jaxsec.cli.jamming.options import LearningOptions, TaskOptions
from jaxsec.jamming import sizes
from jaxsec.jamming import train as jamming_train
from jaxsec.jamming.sizes import Size


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
    sizes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="AxE ...")] = ()
    """Train one policy for all of these, an update each in turn: A access points, a user each, and
    E eavesdroppers, or AxUxE. On the reward's gradient, and not for flat networks."""
    start: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A trained policy to go on from, of the same networks and as many seeds, with another loss or
    in another scenario."""
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
        sizes=_sizes(command),
        start=command.start,
    )
    path = command.out / "policy.npz"
    print(f"written to {path} and {path.with_suffix('.json')}")


def _sizes(command: Command) -> tuple[Size, ...]:
    """Those in turn; the task's own numbers are then none."""
    for name in Size._fields if command.sizes else ():
        checks.require(
            getattr(command.task, name) is None,
            f"`--{name.replace('_', '-')}` must not be given beside `--sizes`",
        )
    return tuple(sizes.parse("--sizes", text) for text in command.sizes)

"""`jaxsec semantic train`: channels in, coders that keep a secret out."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxsec import checks
from jaxsec.semantic import run as training
from jaxsec.semantic.channel import Scenario
from jaxsec.semantic.train import Config


@dataclasses.dataclass(frozen=True)
class ScenarioOptions(Scenario):
    """The channels."""

    def __post_init__(self) -> None:
        pass  # checked by `config`, not while options are parsed


@dataclasses.dataclass(frozen=True)
class TrainingOptions(Config):
    """Networks and training."""

    scenario: tyro.conf.OmitArgPrefixes[ScenarioOptions] = dataclasses.field(
        default_factory=ScenarioOptions
    )

    def __post_init__(self) -> None:
        pass  # as above

    def config(self) -> Config:
        """The checked configuration.

        Raises:
          InputError: an option is out of its range.
        """
        values: dict[str, Any] = {
            field.name: getattr(self, field.name) for field in dataclasses.fields(Config)
        }
        values["scenario"] = Scenario(**dataclasses.asdict(self.scenario))
        return Config(**values)


@dataclasses.dataclass(frozen=True)
class Command:
    """Train coders that send pictures to Bob and keep their colour and thickness from Eve.

    Can be killed and started again with the same options: it goes on from its last checkpoint and
    ends with the same parameters, bit by bit.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for checkpoints, metrics.jsonl, and the coders: model.npz and model.json."""
    save_every: int = 500
    """Steps between checkpoints."""
    training: tyro.conf.OmitArgPrefixes[TrainingOptions] = dataclasses.field(
        default_factory=TrainingOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Trains, or goes on training, and writes the coders."""
    checks.check_at_least("--save-every", command.save_every, 1)
    path = training.fit(
        command.out,
        command.training.config(),
        save_every=command.save_every,
        command=shlex.join(["jaxsec", *argv]),
    )
    print(f"written to {path} and {path.with_suffix('.json')}")

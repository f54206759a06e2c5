"""`jaxsec semantic train`: channels in, coders that keep a secret out."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxsec import checks
from jaxsec.semantic import run as training
from jaxsec.semantic.scenario import SCENARIOS, Scenario
from jaxsec.semantic.train import Config


@dataclasses.dataclass(frozen=True)
class ScenarioOptions(Scenario):
    """The channels."""

    bob: tuple[float, ...] | None = None  # pyright: ignore[reportIncompatibleVariableOverride]
    """Of each channel its crossover probability (bsc), or its mean signal-to-noise ratio in dB.
    Left out: four channels of 0.02 (bsc), 2 dB (awgn), 7 dB (rayleigh)."""
    eve: tuple[float, ...] | None = None  # pyright: ignore[reportIncompatibleVariableOverride]
    """The same of Eve's; none is better than Bob's. Left out: 0.05 0.08 0.45 0.45 (bsc), 0 -1.5 -23
    -23 (awgn), 3 0.5 -23 -23 (rayleigh)."""

    def __post_init__(self) -> None:
        pass  # checked by `scenario`, not while options are parsed

    def scenario(self) -> Scenario:
        """The checked channels: those of the kind's own scenario, but for what is given.

        Raises:
          InputError: an option is out of its range.
        """
        given = dataclasses.asdict(self)
        given = {name: value for name, value in given.items() if value is not None}
        return dataclasses.replace(SCENARIOS[self.channel], **given)


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
        values["scenario"] = self.scenario.scenario()
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

"""`jaxsec anomaly train`: clean data in, detectors out."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

import tyro

from jaxsec import checks
from jaxsec.anomaly import run as anomaly_run
from jaxsec.anomaly.train import Config


@dataclasses.dataclass(frozen=True)
class LearningOptions(Config):
    """Data, networks and training."""

    def __post_init__(self) -> None:
        pass  # checked by `config` and not while they are parsed

    def config(self) -> Config:
        """The checked configuration.

        Raises:
          InputError: an option is out of its range.
        """
        return Config(**dataclasses.asdict(self))


@dataclasses.dataclass(frozen=True)
class Command:
    """Train detectors of jammers or spoofed pilots on data without any.

    Can be killed and started again with the same options: it goes on from its last checkpoint and
    ends with the same parameters, bit by bit.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for checkpoints, metrics.jsonl, and the detectors: model.npz and model.json."""
    save_every: int = 500
    """Steps between checkpoints."""
    learning: tyro.conf.OmitArgPrefixes[LearningOptions] = dataclasses.field(
        default_factory=LearningOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Trains, or goes on training, and writes the detectors."""
    config = command.learning.config()
    checks.check_at_least("--save-every", command.save_every, 1)
    line = shlex.join(["jaxsec", *argv])
    anomaly_run.run(command.out, config, save_every=command.save_every, command=line)
    path = command.out / "model.npz"
    print(f"written to {path} and {path.with_suffix('.json')}")

"""`jaxsec spectrum train`: a completer of spectrum waterfalls, trained from nothing."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

import tyro

from jaxsec import checks
from jaxsec.cli import options
from jaxsec.spectrum import run as spectrum_run
from jaxsec.spectrum.masks import MaskKind
from jaxsec.spectrum.source import Scenario
from jaxsec.spectrum.train import Config, Label


@dataclasses.dataclass(frozen=True)
class Command:
    """Train a network that completes spectrum waterfalls under jamming, against discriminators.

    Can be killed and started again with the same options: it goes on from its last checkpoint and
    ends with the same weights.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for checkpoints, metrics.jsonl, and the weights: model.npz and model.json."""
    label: Label = Config.label
    """What the network is told of the jammer's pattern: "none", a prediction from the "same" masked
    waterfall or from the "history" before it, or the "true" one."""
    masks: tuple[MaskKind, ...] = Config.masks
    """What is lost of a waterfall."""
    adversarial: float = Config.adversarial
    """Weight of the adversarial loss; 0 for none."""
    num_steps: int = Config.num_steps
    batch_size: int = Config.batch_size
    """Waterfalls a step."""
    seed: int = 0
    save_every: int = 500
    """Steps between checkpoints."""


def run(command: Command, argv: list[str]) -> None:
    """Trains, or goes on training, and writes the weights."""
    options.check_seed(command.seed)
    checks.check_at_least("--save-every", command.save_every, 1)
    try:
        config = options.configure(Config, command, "out", "save_every")
    except checks.InputError as error:
        names = ("masks", "adversarial", "num_steps", "batch_size")
        raise options.as_options(error, *names) from None
    path = spectrum_run.run(
        command.out,
        Scenario(),
        config,
        save_every=command.save_every,
        command=shlex.join(["jaxsec", *argv]),
    )
    print(f"written to {path} and {path.with_suffix('.json')}")

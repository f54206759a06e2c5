"""`jaxsec spectrum evaluate`: a trained completer judged, beside what needs no training."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

import tyro

from jaxsec import checks
from jaxsec.cli import options
from jaxsec.files.archive import PICTURES, check_outputs
from jaxsec.spectrum import evaluate
from jaxsec.spectrum.file import SHIPPED


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge a completer of spectrum waterfalls: whether a lost pixel is occupied, and how often a
    channel that is selected by it is jammed."""

    model: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="MODEL.npz")] = SHIPPED
    """File that `jaxsec spectrum train` has written; the shipped one if left out."""
    waterfalls: int = 250
    """Of each kind of mask, of all patterns alike."""
    seed: int = 1
    """Seed of the waterfalls."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw completed waterfalls: .png, .svg or .pdf."""


def run(command: Command, argv: list[str]) -> None:
    """Loads, judges and prints the tables."""
    options.check_seed(command.seed)
    checks.check_at_least("--waterfalls", command.waterfalls, 50)
    check_outputs((command.model,), (command.json, ()), (command.figure, PICTURES))
    evaluate.evaluate(
        command.model,
        waterfalls=command.waterfalls,
        seed=command.seed,
        json=command.json,
        figure=command.figure,
        command=shlex.join(["jaxsec", *argv]),
    )

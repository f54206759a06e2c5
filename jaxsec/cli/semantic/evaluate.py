"""`jaxsec semantic evaluate`: what Bob sees and what Eve can know."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxsec.cli import options
from jaxsec.files.archive import PICTURES, check_outputs
from jaxsec.semantic import evaluate


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge trained coders: Bob's pictures, a fresh Eve, and the best that any Eve can do."""

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")] = "parallel"
    """Coders that are shipped, by their name, or a file that `jaxsec semantic train` has
    written."""
    seed: int = 1
    """Of noise and of the fresh Eves."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw them: .png, .pdf or .svg."""


def run(command: Command, argv: list[str]) -> None:
    """Loads, judges, prints the table and draws."""
    options.check_seed(command.seed)
    path = evaluate.find(command.model)
    check_outputs((path,), (command.json, ()), (command.figure, PICTURES))
    evaluate.evaluate(path, seed=command.seed, json=command.json, figure=command.figure, argv=argv)

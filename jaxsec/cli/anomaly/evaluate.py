"""`jaxsec anomaly evaluate`: detectors on fresh data, with and without an anomaly."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxsec.anomaly import evaluate
from jaxsec.cli import options
from jaxsec.files.archive import PICTURES, check_outputs


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge detectors on fresh data of their source, against the best energy detector."""

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")] = "waterfalls"
    """A shipped one, waterfalls or snapshots, or a file that `jaxsec anomaly train` has written."""
    num_images: int = 1000
    """Fresh ones of each kind; of digits all that there are, if fewer."""
    false_alarm: float = 0.05
    """Probability of an alarm for clean data, which sets the threshold."""
    seed: int = 1
    """Seed of the fresh data."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw areas under the curve, and images with their reconstruction; .png, .pdf or .svg."""


def run(command: Command, argv: list[str]) -> None:
    """Loads, judges, prints the table and draws."""
    options.check_seed(command.seed)
    model = Path(command.model)
    check_outputs((model,), (command.json, ()), (command.figure, PICTURES))
    evaluate.evaluate(
        command.model,
        num_images=command.num_images,
        false_alarm=command.false_alarm,
        seed=command.seed,
        json=command.json,
        figure=command.figure,
        argv=argv,
    )

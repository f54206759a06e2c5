"""How fast are the designs for channels known with errors?

    python -m benchmarks.speed.robust [--quick] [--json FILE]

Milliseconds a channel in one batch, each design in turn, the median of the rounds: P1's scenario,
L = 4, errors of 0.1 of users and of eavesdroppers, the rate kept in 95% of the draws as objective,
float32, on the cores that the process may use. Compiling is not counted.
"""

import dataclasses
import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import tyro

from benchmarks import uncertain
from benchmarks.report import Report, table
from benchmarks.speed.turns import alternate
from jaxsec import keys
from jaxsec.files.archive import check_outputs
from jaxsec.secrecy import Outage

USERS = (2, 4)
ERROR = 0.1
ROUNDS = 7
DESIGNS = (
    "opt-robust",
    "rzf-ns-robust",
    uncertain.ALONE,
    uncertain.ONE_PASS,
    uncertain.LEARNED,
    uncertain.SAMPLED,
)
"""Of `uncertain`, the classical ones first."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Time the designs that are told the channels' errors."""

    quick: bool = False
    """Two users, few channels, the two classical designs only."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


class Row(NamedTuple):
    """One design for one number of users."""

    design: str
    num_users: int
    ms: float
    """A channel, median of the rounds."""


def main(command: Command, argv: list[str]) -> int:
    """Measures and prints the table."""
    check_outputs((), (command.json, ()))
    num_channels, rounds = (16, 2) if command.quick else (256, ROUNDS)
    names = DESIGNS[: 2 if command.quick else None]
    report = Report("speed.robust", argv, uncertain.Arguments.seed, num_channels)
    rows = [
        row
        for num_users in (USERS[:1] if command.quick else USERS)
        for row in measure(names, num_users, num_channels, rounds)
    ]
    shown = [(row.design, str(row.num_users), f"{row.ms:.2f}") for row in rows]
    title = f"{num_channels} channels at once, errors of {ERROR:g}"
    return report.finish(
        rows, table(title, ("design", "users"), ("ms a channel",), shown), [], command.json
    )


def measure(names: Sequence[str], num_users: int, num_channels: int, rounds: int) -> list[Row]:
    """Every design on the same estimates, those of `uncertain`."""
    arguments = uncertain.Arguments(users=num_users, num_channels=num_channels)
    source, known = uncertain.estimates(arguments, ERROR, ERROR)
    key = keys.stream(source, "designs")
    seconds = alternate(
        {
            name: functools.partial(uncertain.DESIGNS[name], key, known, Outage(0.05))
            for name in names
        },
        rounds,
    )
    return [Row(name, num_users, 1e3 * seconds[name] / num_channels) for name in names]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))

"""How fast are the designs for channels known with errors?

    python -m benchmarks.speed.robust [--quick] [--json FILE]

Milliseconds a channel in one batch, each design in turn, the median of the rounds: P1's scenario,
L = 4, errors of 0.1 of users and of eavesdroppers, the rate kept in 95% of the draws as objective,
float32, on the cores that the process may use. Compiling is not counted.
"""

import dataclasses
import functools
import sys
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import tyro

import jaxsec
from benchmarks.report import Report, table
from benchmarks.speed.turns import alternate
from jaxsec import Scenario, keys
from jaxsec.channels import knowledge, sample_channels
from jaxsec.channels.knowledge import Posterior
from jaxsec.files.archive import check_outputs
from jaxsec.secrecy import Outage

SEED = 60260
USERS = (2, 4)
ERROR = 0.1
ROUNDS = 7
DESIGNS = {
    "opt-robust": ("opt-robust", {}),
    "rzf-ns-robust": ("rzf-ns-robust", {}),
    "setnet-robust, one pass": ("setnet-robust", {"refine": 0}),
    "setnet-robust": ("setnet-robust", {}),
    "cdm-f": ("cdm-f", {}),
}


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
    report = Report("speed.robust", argv, seed=SEED, num_samples=num_channels)
    names = list(DESIGNS)[: 2 if command.quick else None]
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


def measure(names: list[str], num_users: int, num_channels: int, rounds: int) -> list[Row]:
    """Every design on the same estimates."""
    known = estimates(num_users, num_channels)

    def design(name: str) -> jaxsec.Strategy:
        method, options = DESIGNS[name]
        key = keys.stream(SEED, name)
        return jaxsec.design(
            known, noise_power=1.0, method=method, objective=Outage(0.05), key=key, **options
        )

    seconds = alternate({name: functools.partial(design, name) for name in names}, rounds)
    return [Row(name, num_users, 1e3 * seconds[name] / num_channels) for name in names]


def estimates(num_users: int, num_channels: int) -> Posterior:
    """Rayleigh channels in units of the receiver noise, known with errors."""
    scenario = Scenario(num_users=num_users)
    channels = sample_channels(keys.stream(SEED, "channels"), scenario, num_channels)
    scale = np.sqrt(np.asarray(channels.noise_power))[..., None, None]
    return knowledge.estimated(channels.h_user / scale, channels.h_eve / scale, ERROR)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))

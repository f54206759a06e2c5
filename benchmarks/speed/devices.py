"""What does sharing a training out to two fake devices of the same cores cost?

    python -m benchmarks.speed.devices [--quick] [--json FILE]

Updates a second of the default policy training, scenario `paper`, on one device and shared out to
two (pmap), in turns in one process that splits its CPU into two devices. They have no more cores
than one, so this is the price of sharing, and no gain is to be expected.
"""

import dataclasses
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import jax
import numpy as np
import tyro

from benchmarks.report import Report, table
from jaxsec.files.archive import check_outputs
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import SCENARIOS
from jaxsec.rl.config import Config
from jaxsec.rl.training import Training

DEVICES = (1, 2)
ROUNDS = 5


@dataclasses.dataclass(frozen=True)
class Command:
    """Time a training on one device and on two."""

    quick: bool = False
    """The deterministic policy, fewer updates a round, and one round."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


class Row(NamedTuple):
    """The speed on a number of devices."""

    devices: int
    updates_per_s: float
    over_one: float


def main(command: Command, argv: list[str]) -> int:
    """Measures and prints the table."""
    check_outputs((), (command.json, ()))
    report = Report("speed.devices", argv)
    if command.quick:
        rows = measure(Config(policy="ddpg"), count=10, rounds=1)
    else:
        rows = measure(Config(), count=60, rounds=ROUNDS)
    return report.finish(
        rows,
        table(
            "Training of a policy on fake devices, scenario paper",
            ("devices",),
            ("updates a second", "over one device"),
            [(str(row.devices), f"{row.updates_per_s:.1f}", f"{row.over_one:.2f}") for row in rows],
        ),
        path=command.json,
    )


def measure(config: Config, count: int, rounds: int) -> list[Row]:
    """Updates a second, `count` updates a turn."""
    trainings, states = {}, {}
    for devices in DEVICES:
        training = Training(config, Environment(SCENARIOS["paper"]), devices=devices)
        state, _ = training.run(training.init(np.arange(1)), count)  # compiles
        trainings[devices], states[devices] = training, jax.block_until_ready(state)
    seconds = {devices: [] for devices in DEVICES}
    for _ in range(rounds):
        for devices, training in trainings.items():
            began = time.perf_counter()
            state, _ = training.run(states[devices], count)
            states[devices] = jax.block_until_ready(state)
            seconds[devices].append(time.perf_counter() - began)
    rates = {devices: count / statistics.median(times) for devices, times in seconds.items()}
    return [Row(devices, rate, rate / rates[DEVICES[0]]) for devices, rate in rates.items()]


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", max(DEVICES))
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))

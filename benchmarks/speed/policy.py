"""How many gradient updates a second does the training of a policy make?

    python -m benchmarks.speed.policy [--quick] [--json FILE]

Jamming scenario `paper`, all of an update: slots collected, batch drawn, critics and actor moved.
Every policy at batch 512, six denoising steps, width 256 and one seed, and with the trainer's
defaults and five seeds at once. Compilation apart, median of the rounds.
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
from jaxsec.report import timing
from jaxsec.rl.config import Config
from jaxsec.rl.training import Training

LARGE = Config(width=256, critic_width=256, batch_size=512, num_steps=6)
NAMES = ("ddpg", "mlp", "gdm", "moe-gdm")
DEFAULT_SEEDS = 5
ROUNDS = 5


@dataclasses.dataclass(frozen=True)
class Command:
    """Time the training of policies."""

    quick: bool = False
    """Fewer updates a round, and one round."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


class Row(NamedTuple):
    """One training's speed. An update is one of every seed."""

    policy: str
    width: int
    batch: int
    seeds: int
    updates_per_s: float
    compile_s: float


def main(command: Command, argv: list[str]) -> int:
    """Measures and prints the table."""
    check_outputs((), (command.json, ()))
    report = Report("speed.policy", argv)
    wanted = [(dataclasses.replace(LARGE, policy=name), 1) for name in NAMES]
    wanted.append((Config(), DEFAULT_SEEDS))
    rows = [measure(config, seeds, command.quick) for config, seeds in wanted]
    return report.finish(
        rows,
        table(
            "Training of a policy, scenario paper",
            ("policy",),
            ("width", "batch", "seeds", "updates a second", "compile s"),
            [cells(row) for row in rows],
        ),
        path=command.json,
    )


def measure(config: Config, seeds: int, quick: bool) -> Row:
    """Updates a second of one configuration."""
    count, rounds = (20, 1) if quick else (100, ROUNDS)
    training = Training(config, Environment(SCENARIOS["paper"]), devices=1)
    with timing.compile_clock() as compile_seconds:
        state, _ = training.run(training.init(np.arange(seeds)), count)
        jax.block_until_ready(state)
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        state, _ = training.run(state, count)
        jax.block_until_ready(state)
        seconds.append(time.perf_counter() - began)
    rate = count / statistics.median(seconds)
    return Row(config.policy, config.width, config.batch_size, seeds, rate, compile_seconds())


def cells(row: Row) -> list[str]:
    """A row of the table."""
    counts = (str(row.width), str(row.batch), str(row.seeds))
    return [row.policy, *counts, f"{row.updates_per_s:.1f}", f"{row.compile_s:.1f}"]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))

"""How many gradient updates a second does the training of a policy make?

    python benchmarks/speed/policy.py [--quick] [--json FILE]

Jamming scenario `paper`, all of an update: slots collected, batch drawn, critics and actor moved.
Every policy at batch 512, six denoising steps, width 256 and one seed, and with the trainer's
defaults and five seeds at once. Compilation apart, median of the rounds.
"""

import dataclasses
import os
import shlex
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from jaxsec.cli import options
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import SCENARIOS
from jaxsec.report import console, timing
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
    options.check_outputs((), (command.json, ()))
    load = os.getloadavg()[0]
    wanted = [(dataclasses.replace(LARGE, policy=name), 1) for name in NAMES]
    wanted.append((Config(), DEFAULT_SEEDS))
    rows = [measure(config, seeds, command.quick) for config, seeds in wanted]
    report = {
        "command": shlex.join(["python", "benchmarks/speed/policy.py", *argv]),
        "hardware": {**timing.hardware(), "load_before": load},
        "rows": [row._asdict() for row in rows],
    }
    show(report, rows)
    if command.json is not None:
        console.write_json(command.json, report)
    return 0


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


def show(report: dict[str, Any], rows: list[Row]) -> None:
    """Prints the table and what it rests on."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(title="Training of a policy, scenario paper", box=box.SIMPLE_HEAD)
    table.add_column("policy", no_wrap=True)
    for name in ("width", "batch", "seeds", "updates a second", "compile s"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.policy,
            str(row.width),
            str(row.batch),
            str(row.seeds),
            f"{row.updates_per_s:.1f}",
            f"{row.compile_s:.1f}",
        )
    console.print(table)
    machine = report["hardware"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['device']}, jax {machine['jax']}; "
        f"load before: {machine['load_before']:.1f}; {report['command']}"
    )


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))

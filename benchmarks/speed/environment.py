"""How many slots a second does the jamming environment take?

    python -m benchmarks.speed.environment [--quick] [--json FILE]

Environments under `vmap`, steps under `lax.scan`, all in one `jit`: keys, actions, automatic
resets, rewards and observations included; of the latter each entry is used. Blocked until ready,
after a warm-up; median of the rounds.

It asserts the claims of at least two million steps a second for `paper` and 0.8 million for
`dense`, on two cores with nothing else at work; exit code 1 if one fails.
"""

import dataclasses
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import tyro

from benchmarks.report import Claim, Report, table
from jaxsec import keys
from jaxsec.files.archive import check_outputs
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import SCENARIOS

CLAIMED = {"paper": 2e6, "dense": 8e5}
"""Steps a second."""
ROUNDS = 9


@dataclasses.dataclass(frozen=True)
class Command:
    """Time the jamming environment; assert what is claimed of it."""

    quick: bool = False
    """Fewer steps and rounds; no claim."""
    num_environments: int = 4096
    """Environments side by side."""
    num_steps: int = 64
    """Steps of each in one call."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the table and the claim; 1 if it fails."""
    check_outputs((), (command.json, ()))
    report = Report("speed.environment", argv)
    num_steps, rounds = (4, 3) if command.quick else (command.num_steps, ROUNDS)
    rows = [measure(name, command.num_environments, num_steps, rounds) for name in SCENARIOS]
    return report.finish(
        rows,
        table(
            "The jamming environment",
            ("scenario",),
            ("million steps a second",),
            [(row["scenario"], f"{row['steps_a_second'] / 1e6:.2f}") for row in rows],
        ),
        [] if command.quick else check_claims(rows),
        command.json,
        num_environments=command.num_environments,
        num_steps=num_steps,
    )


def check_claims(rows: list[dict[str, Any]]) -> list[Claim]:
    """Steps a second of the scenarios that something is claimed of."""
    return [
        Claim(
            f"at least {CLAIMED[row['scenario']]:,.0f} steps a second in {row['scenario']}",
            f"{row['steps_a_second']:,.0f}",
            row["steps_a_second"] >= CLAIMED[row["scenario"]],
        )
        for row in rows
        if row["scenario"] in CLAIMED
    ]


def measure(name: str, num_environments: int, num_steps: int, rounds: int) -> dict[str, Any]:
    """Steps a second of one scenario, and the seconds of each round."""
    environment = Environment(SCENARIOS[name])
    size = environment.action_size

    @jax.jit
    def roll(key: jax.Array, state: Any) -> tuple[Any, jax.Array]:
        def step(carry: Any, key: jax.Array) -> tuple[Any, None]:
            state, observation, total = carry
            each = jax.random.split(key, num_environments)
            action = jnp.tanh(observation[:, :size])
            observation, state, reward, *_ = jax.vmap(environment.step)(each, state, action)
            return (state, observation, total + jnp.mean(reward)), None

        observation = jax.vmap(environment.get_obs)(state)
        carry = (state, observation, jnp.zeros(()))
        (state, observation, total), _ = jax.lax.scan(step, carry, jax.random.split(key, num_steps))
        return state, total + jnp.mean(observation)

    key_reset, key = jax.random.split(jax.random.key(0))
    each = jax.random.split(key_reset, num_environments)
    _, state = jax.jit(jax.vmap(environment.reset))(each)
    state, _ = jax.block_until_ready(roll(key, state))
    seconds = []
    for round_ in range(rounds):
        began = time.perf_counter()
        state, _ = jax.block_until_ready(roll(keys.step(key, round_), state))
        seconds.append(time.perf_counter() - began)
    rate = num_environments * num_steps / statistics.median(seconds)
    return {"scenario": name, "steps_a_second": rate, "seconds": seconds}


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))

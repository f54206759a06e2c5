"""How many slots a second does the jamming environment take?

    python benchmarks/speed/environment.py [--quick] [--json FILE]

Environments under `vmap`, steps under `lax.scan`, all in one `jit`: keys, actions, automatic
resets, rewards and observations included; of the latter each entry is used. Blocked until ready,
after a warm-up; median of the rounds.

It asserts the claim of at least a million steps a second for `paper`; exit code 1 if it fails.
"""

import dataclasses
import os
import shlex
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import tyro

from jaxsec.cli import options
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import SCENARIOS
from jaxsec.report import console, timing

CLAIMED = {"paper": 1e6}
"""Steps a second."""
ROUNDS = 9


@dataclasses.dataclass(frozen=True)
class Command:
    """Time the jamming environment; assert a million steps a second."""

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
    options.check_outputs((), (command.json, ()))
    load = os.getloadavg()[0]
    num_steps, rounds = (4, 3) if command.quick else (command.num_steps, ROUNDS)
    rows = [measure(name, command.num_environments, num_steps, rounds) for name in SCENARIOS]
    hardware = {**timing.hardware(), "load_before": load}
    print(f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['device']}, load {load:.1f}")
    for row in rows:
        print(f"{row['scenario']:6} {row['steps_a_second'] / 1e6:6.2f} million steps a second")
    report = {
        "command": shlex.join(["python", "benchmarks/speed/environment.py", *argv]),
        "hardware": hardware,
        "num_environments": command.num_environments,
        "num_steps": num_steps,
        "rows": rows,
        "claimed": CLAIMED,
    }
    if command.json is not None:
        console.write_json(command.json, report)
        print(f"written to {command.json}")
    met = all(row["steps_a_second"] >= CLAIMED.get(row["scenario"], 0.0) for row in rows)
    if not command.quick:
        print(f"at least {CLAIMED['paper']:,.0f} steps a second for paper: {met}")
    return 0 if met or command.quick else 1


def measure(name: str, num_environments: int, num_steps: int, rounds: int) -> dict[str, Any]:
    """Steps a second of one scenario, and the seconds of each round."""
    environment = Environment(SCENARIOS[name])
    size = environment.action_size

    @jax.jit
    def roll(key: jax.Array, state: Any) -> tuple[Any, jax.Array]:
        def step(carry: Any, key: jax.Array) -> tuple[Any, None]:
            state, observation, total = carry
            keys = jax.random.split(key, num_environments)
            action = jnp.tanh(observation[:, :size])
            observation, state, reward, *_ = jax.vmap(environment.step)(keys, state, action)
            return (state, observation, total + jnp.mean(reward)), None

        observation = jax.vmap(environment.get_obs)(state)
        carry = (state, observation, jnp.zeros(()))
        (state, observation, total), _ = jax.lax.scan(step, carry, jax.random.split(key, num_steps))
        return state, total + jnp.mean(observation)

    key_reset, key = jax.random.split(jax.random.key(0))
    keys = jax.random.split(key_reset, num_environments)
    _, state = jax.jit(jax.vmap(environment.reset))(keys)
    state, _ = jax.block_until_ready(roll(key, state))
    seconds = []
    for round_ in range(rounds):
        began = time.perf_counter()
        state, _ = jax.block_until_ready(roll(jax.random.fold_in(key, round_), state))
        seconds.append(time.perf_counter() - began)
    rate = num_environments * num_steps / statistics.median(seconds)
    return {"scenario": name, "steps_a_second": rate, "seconds": seconds}


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))

"""A training of one policy, as the jamming commands run it."""

import shlex
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsec import checks
from jaxsec.jamming import file as policy_file
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.learning.checkpoint import Checkpoints
from jaxsec.report import console, timing
from jaxsec.rl import evaluation
from jaxsec.rl import run as rl_run
from jaxsec.rl.learner import Config, Training

CURVE_SLOTS = 1024
"""Slots that a learning curve is judged on; final judgements have their own, more of them."""
CURVE_SEED = 7_000_001
"""Seed of these slots."""
CHECKPOINTS = 5
"""In a run."""


def train(
    folder: Path,
    scenario: JammingScenario,
    config: Config,
    *,
    name: str,
    seeds: list[int],
    every: int,
    argv: list[str],
) -> Trained:
    """Trains, or goes on training, and writes `policy.npz`.

    Args:
      folder: for the checkpoints, metrics.jsonl and the policy.
      scenario: the task.
      config: how to learn.
      name: shown beside the progress bar.
      seeds: trained side by side.
      every: updates between points of the learning curve.
      argv: the command, for the card.

    Raises:
      InputError: the folder has another run, or a number is out of its range.
    """
    checks.require(bool(seeds), "`--seeds` must name at least one seed")
    for seed in seeds:
        checks.require(0 <= seed < 2**31, f"`--seeds` must lie in [0, 2**31), but has {seed}")
    checks.check_at_least("--every", every, 1)
    environment = Environment(scenario)
    training = Training(config, environment)
    path = folder / "policy.npz"
    described = {**policy_file.describe(scenario, config), "seeds": seeds, "every": every}
    checkpoints = Checkpoints(folder, described)
    slots = evaluation.draw(environment, CURVE_SEED, CURVE_SLOTS)

    @jax.jit
    def judge(actors: Any) -> dict[str, Any]:
        def one(actor: Any) -> dict[str, Any]:
            key = jax.random.key(CURVE_SEED)
            action = evaluation.act(training, actor, key, slots.observation)
            values = jnp.mean(jax.vmap(environment.values)(slots.state, action), axis=0)
            reward = jnp.mean(evaluation.rewards(environment, slots, action))
            return {"reward": reward, "metrics": values}

        return jax.lax.map(one, actors)

    with console.progress(f"training {name}, updates", config.num_updates) as advance:
        seen = 0

        def report(done: int, line: dict[str, Any]) -> None:
            nonlocal seen
            advance(done - seen, f"reward {np.mean(line['reward']):.3f}")
            seen = done

        state = rl_run.run(
            folder,
            checkpoints,
            training,
            seeds,
            judge,
            every=every,
            save_every=max(1, config.num_updates // every // CHECKPOINTS),
            report=report,
        )
    trained = Trained(scenario, config, rl_run.actors(state), rl_run.critics(state))
    card = {
        "command": shlex.join(["jaxsec", *argv]),
        "seeds": seeds,
        "num_parameters": count_parameters(trained.actor) // len(seeds),
        "hardware": timing.hardware(),
        "seconds": rl_run.read(folder)[-1]["seconds"],
    }
    policy_file.save(path, trained, card)
    return trained


def count_parameters(tree: Any) -> int:
    """Numbers in a tree of arrays."""
    return sum(x.size for x in jax.tree.leaves(tree))

"""Training of one policy, as the jamming commands and benchmarks run it."""

import functools
import shlex
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxsec import checks
from jaxsec.jamming import file as policy_file
from jaxsec.jamming import sizes as jamming_sizes
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.jamming.sizes import Size
from jaxsec.jamming.teacher import Optimiser
from jaxsec.learning import weights
from jaxsec.learning.checkpoint import Checkpoints
from jaxsec.report import console, timing
from jaxsec.rl import evaluation, learner
from jaxsec.rl import run as rl_run
from jaxsec.rl.collect import Slots
from jaxsec.rl.config import Config
from jaxsec.rl.learner import Agent
from jaxsec.rl.training import Training

CURVE_SLOTS = 1024
"""Slots that a learning curve is judged on; final judgements have their own, more of them."""
CURVE_SEED = 7_000_001
"""Seed of these slots."""
NUM_CHECKPOINTS = 5
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
    sizes: tuple[Size, ...] = (),
    start: Path | None = None,
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
      sizes: of the scenario, that take turns, an update each; none to train on it as it is.
      start: a trained policy whose actors to begin with, of as many seeds; fresh ones by default.

    Raises:
      InputError: the folder has another run, a number is out of its range, the networks, or what
        they learn from, depend on the size, or those of `start` are others.
    """
    _check(seeds, every)
    _check_sizes(sizes, config.num_updates)
    scenarios = [jamming_sizes.resized(scenario, size) for size in sizes] or [scenario]
    scenario, environments = scenarios[0], tuple(map(Environment, scenarios))
    first, *others = environments
    training = Training(config, first, teacher=Optimiser(first), others=tuple(others))
    described = {**policy_file.describe(scenario, config, sizes), "seeds": seeds, "every": every}
    begun = None if start is None else policy_file.load(start)
    if start is not None:
        described["start"] = weights.read_card(start)["sha256"]
    checkpoints = Checkpoints(folder, described)
    judge = _judge(config, environments)
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
            save_every=max(1, config.num_updates // every // NUM_CHECKPOINTS),
            report=report,
            start=begun and begun.actor,
        )
    trained = Trained(scenario, config, state.actor, state.critic, sizes)
    card = {
        "command": shlex.join(["jaxsec", *argv]),
        "seeds": seeds,
        "num_parameters": trained.num_parameters,
        "hardware": timing.hardware(),
        "seconds": rl_run.read(folder)[-1]["seconds"],
    }
    policy_file.save(folder / "policy.npz", trained, card)
    return trained


def _judge(config: Config, environments: tuple[Environment, ...]) -> rl_run.Judge:
    """What a learning curve shows: means over sizes, and where there are several, each size's."""
    key = jax.random.key(CURVE_SEED)
    slots = [evaluation.sample(one, CURVE_SEED, CURVE_SLOTS) for one in environments]
    agents = [learner.make_agent(config, one) for one in environments]

    def judge(actors: Any) -> dict[str, Any]:
        each = zip(agents, environments, slots, strict=True)
        points = [_point(agent, one, key, seen, actors) for agent, one, seen in each]
        found = jax.tree.map(lambda *x: np.mean(x, axis=0), *points)
        of_sizes = np.stack([point["reward"] for point in points], axis=1)
        return found | ({"reward_of_sizes": of_sizes} if len(points) > 1 else {})

    return judge


@functools.partial(jax.jit, static_argnums=(0, 1))
def _point(
    agent: Agent, environment: Environment, key: Key[Array, ""], slots: Slots, actors: Any
) -> dict[str, Array]:
    """What actors, that lead with seeds, come to at one size."""

    def one(actor: Any) -> dict[str, Array]:
        action = agent.act(actor, key, slots.observation)
        reward = evaluation.rewards(environment, slots, action)
        values = evaluation.values(environment, slots, action)
        return {"reward": jnp.mean(reward), "metrics": values}

    return jax.lax.map(one, actors)


def _check(seeds: list[int], every: int) -> None:
    checks.require(bool(seeds), "`--seeds` must name at least one seed")
    for seed in seeds:
        checks.require(0 <= seed < 2**31, f"`--seeds` must lie in [0, 2**31), but has {seed}")
    checks.check_at_least("--every", every, 1)


def _check_sizes(sizes: tuple[Size, ...], num_updates: int) -> None:
    named = " ".join(map(str, sizes))
    checks.require(
        not sizes or len(set(sizes)) == len(sizes) > 1,
        f"`--sizes` must name two sizes or more, each once, but names {named}",
    )
    checks.require(
        num_updates >= len(sizes),
        f"`num_updates` must be at least {len(sizes)}, an update each of `--sizes`, "
        f"but is {num_updates}",
    )

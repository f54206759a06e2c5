"""How long a decision takes: microseconds a slot, of many slots at once, compiled.

Shapes: N slots.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array, Float, Key

from jaxsec import keys
from jaxsec.jamming import baselines, judge, oracle, partial, refine
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.report import timing
from jaxsec.rl.collect import Slots
from jaxsec.rl.evaluation import Ways
from jaxsec.rl.learner import Agent

MAX_TIMED_SLOTS = 512
"""Slots that are decided at once."""
NUM_REPEATS = 3
"""Of which the quickest counts; one more before them compiles."""


def of_bounds(environment: Environment, slots: Slots, seed: int) -> dict[str, float]:
    """µs a slot of what needs no learning but time, by the names of `judge.bounds`."""
    key = keys.stream(seed, "pace")
    heuristic = jax.jit(jax.vmap(functools.partial(baselines.heuristic, environment)))
    ways: dict[str, Callable[[Slots], Any]] = {
        "oracle": lambda slots: oracle.best(environment, slots.state, key=key),
        "heuristic": lambda slots: heuristic(partial.estimated(environment, slots.state)),
    }
    for name in partial.searches(environment, slots.state, key):
        ways[name] = functools.partial(_search, environment, name, key)
    return {name: per_slot(act, slots) for name, act in ways.items()}


def _search(
    environment: Environment, name: str, key: Key[Array, ""], slots: Slots
) -> Float[Array, "N A"]:
    return partial.searches(environment, slots.state, key)[name]()


def of_policy(
    name: str,
    trained: Trained,
    environment: Environment,
    slots: Slots,
    seed: int,
    candidates: int,
    search: str = "polish",
) -> dict[str, float]:
    """µs a slot of every way to act with the first seed's networks, by `judge.judge`'s names."""
    agent, key = trained.agent, keys.stream(seed, "pace")
    actor, critic = jax.tree.map(lambda x: x[0], (trained.actor, trained.critic))
    ways = refine.searching(search)

    def all_ways() -> dict[str, Float[Array, "N A"]]:
        return ways(agent, environment, actor, critic, slots, key, candidates)

    def timed(way: str) -> float:
        fixed = (agent, environment, candidates, ways, way)
        return per_slot(lambda slots: _act(*fixed, actor, critic, slots, key), slots)

    return {judge.way_name(name, way): timed(way) for way in jax.eval_shape(all_ways)}


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _act(
    agent: Agent,
    environment: Environment,
    candidates: int,
    ways: Ways,
    way: str,
    actor: Any,
    critic: Any,
    slots: Slots,
    key: Key[Array, ""],
) -> Float[Array, "N A"]:
    """One way's actions; what the others need is not computed."""
    return ways(agent, environment, actor, critic, slots, key, candidates)[way]


def per_slot(act: Callable[[Slots], Any], slots: Slots) -> float:
    """µs a slot of deciding at most `MAX_TIMED_SLOTS` of these slots together.

    Args:
      act: compiled when it is first called.
      slots: to be decided.
    """
    slots = jax.tree.map(lambda x: x[:MAX_TIMED_SLOTS], slots)
    _, seconds = timing.timed(lambda: act(slots), 1 + NUM_REPEATS)
    return 1e6 * min(seconds) / len(slots.observation)

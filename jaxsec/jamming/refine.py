"""Policies whose actions are bettered by search, where the reward is known when they act.

    actions = refine.ways_to_act(agent, environment, actor, critic, slots, key, num_candidates)

A policy's action, or the best of its experts', is a start of `jaxsec.jamming.optimise` at its
setting `polish`: ten steps up the smooth reward, and no action that is worse than the start.

Shapes: N slots, A entries of an action.
"""

from typing import Any

from jaxtyping import Array, Float, Key

from jaxsec.jamming import optimise
from jaxsec.jamming.environment import Environment
from jaxsec.rl import evaluation
from jaxsec.rl.collect import Slots
from jaxsec.rl.learner import Agent

STARTS = {"alone": "search", "best-expert-true": "best-expert-and-search"}
"""Ways to act that search goes on from, and what these are called then."""


def ways_to_act(
    agent: Agent,
    environment: Environment,
    actor: Any,
    critic: Any,
    slots: Slots,
    key: Key[Array, ""],
    num_candidates: int,
) -> dict[str, Float[Array, "N A"]]:
    """Those of `jaxsec.rl.evaluation.ways_to_act`, then those of `STARTS` with search.

    Without search where eavesdroppers are not known exactly: what it climbs would not be known.
    """
    found = evaluation.ways_to_act(agent, environment, actor, critic, slots, key, num_candidates)
    if environment.scenario.knowledge != "exact":
        return found
    searched = {
        name: search(environment, slots, found[start])
        for start, name in STARTS.items()
        if start in found
    }
    return found | searched


def search(
    environment: Environment, slots: Slots, action: Float[Array, "N A"]
) -> Float[Array, "N A"]:
    """Actions that are no worse, by a few steps from these."""
    setting = optimise.SETTINGS["polish"]
    return optimise.best(environment, slots.state, starts=action[:, None], setting=setting).action

"""Policies whose actions are bettered by search, where the reward is known when they act.

    actions = refine.ways_to_act(agent, environment, actor, critic, slots, key, num_candidates)

A policy's action, or each of its experts', is a start of `jaxsec.jamming.optimise`. At its setting
`polish` that is ten steps up the smooth reward; others have random starts beside it and take
longer. No action is worse than its starts.

Shapes: N slots, A entries of an action, C starts.
"""

import functools
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec import keys
from jaxsec.jamming import optimise
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.optimise import SETTINGS, Setting
from jaxsec.rl import evaluation
from jaxsec.rl.collect import Slots
from jaxsec.rl.learner import Agent
from jaxsec.rl.moe import MixtureOfExperts


def ways_to_act(
    agent: Agent,
    environment: Environment,
    actor: Any,
    critic: Any,
    slots: Slots,
    key: Key[Array, ""],
    num_candidates: int,
    setting: Setting = SETTINGS["polish"],
) -> dict[str, Float[Array, "N A"]]:
    """Those of `jaxsec.rl.evaluation.ways_to_act`, then search from the policy's action and, for a
    mixture, from all of its experts'.

    Without search where eavesdroppers are not known exactly: what it climbs would not be known.
    """
    found = evaluation.ways_to_act(agent, environment, actor, critic, slots, key, num_candidates)
    if environment.scenario.knowledge != "exact":
        return found
    find = functools.partial(_search, environment, slots, keys.stream(key, "search"), setting)
    found["search"] = find(found["alone"][None])
    if isinstance(agent.policy, MixtureOfExperts):
        noise = agent.policy.noise(keys.stream(key, "search/experts"), len(found["alone"]))
        found["search-from-experts"] = find(
            evaluation.experts(agent.policy, actor, noise, slots.observation)
        )
    return found


@functools.cache
def searching(name: str) -> evaluation.Ways:
    """`ways_to_act` with the search called so (`optimise.SETTINGS`)."""
    return functools.partial(ways_to_act, setting=SETTINGS[name])


def _search(
    environment: Environment,
    slots: Slots,
    key: Key[Array, ""],
    setting: Setting,
    actions: Float[Array, "C N A"],
) -> Float[Array, "N A"]:
    """The best action of each slot that is found from these."""
    starts = jnp.swapaxes(actions, 0, 1)
    return optimise.best(environment, slots.state, starts=starts, key=key, setting=setting).action

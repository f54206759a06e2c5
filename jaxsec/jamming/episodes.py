"""Whole episodes, the same for all that act in them, and ways to act where batteries last.

    known = episodes.sample(environment, seed=7, count=256)
    rewards = episodes.run(environment, known, episodes.myopic(environment))

Fading and harvests of an episode are those of its keys, whatever is done: ways to act are compared
in pairs, episode by episode.

Shapes: T slots of an episode, N episodes, A access points.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec.jamming import horizon, optimise, powers
from jaxsec.jamming.environment import Environment, State
from jaxsec.jamming.horizon import HORIZON, Horizon
from jaxsec.rl.learner import Agent


class Episodes(NamedTuple):
    """What happens in episodes."""

    first: State
    """N slots."""
    keys: Key[Array, "T N"]
    """Of what follows each slot."""


class Way(NamedTuple):
    """A way to act, with a memory from slot to slot."""

    act: Callable[[Any, Key[Array, ""], State], tuple[Float[Array, "N A"], Any]]
    """From memory, key and N slots to actions and memory."""
    memory: Any = None
    """At the start."""


def sample(environment: Environment, seed: int, count: int) -> Episodes:
    """Episodes of the scenario's length."""
    key_first, key_rest = jax.random.split(jax.random.key(seed))
    params = environment.default_params
    first = jax.vmap(lambda key: environment.start(key, params))(jax.random.split(key_first, count))
    length = environment.scenario.episode_length
    return Episodes(first, jax.random.split(key_rest, (length, count)))


def run(
    environment: Environment, known: Episodes, way: Way, *, key: Key[Array, ""] | None = None
) -> tuple[Float[Array, "T N"], State]:
    """Rewards, and the slots [T, N] that they were given for; to be compiled by the caller.

    Args:
      environment: what the episodes are of.
      known: what happens.
      way: to act.
      key: of all that is random in it; a fixed one by default.
    """
    key = jax.random.key(0) if key is None else key
    params = environment.default_params
    advance = jax.vmap(lambda key, state, action: environment.advance(key, state, action, params))

    def step(carry: tuple[State, Any], slot: tuple[Any, Any]) -> tuple[Any, Any]:
        states, memory = carry
        key_act, each = slot
        action, memory = way.act(memory, key_act, states)
        led_to = advance(each, states, action)
        return (led_to.state, memory), (led_to.reward, states)

    each = jax.random.split(key, len(known.keys)), known.keys
    return jax.lax.scan(step, (known.first, way.memory), each)[1]


def myopic(environment: Environment) -> Way:
    """The optimiser of the slot's reward, which spends what is there."""
    return share(environment, 1.0)


def share(environment: Environment, part: float) -> Way:
    """The optimiser with a constant share of what a battery holds: the fixed fraction policy of
    Shaviv and Özgür, 2016, with the slot's best use of it."""
    params = environment.default_params

    def act(memory: Any, key: Key[Array, ""], states: State) -> tuple[Float[Array, "N A"], Any]:
        held = states.battery
        assert held is not None
        most = part * held.level
        granted = states._replace(battery=held._replace(level=most))
        action = optimise.best(environment, granted, key=key).action
        return jnp.minimum(
            action, powers.asking(most, environment.scenario.power_steps, params)
        ), memory

    return Way(act)


def predictive(environment: Environment, count: int, ahead: Horizon = HORIZON) -> Way:
    """Model-predictive search, in `count` episodes side by side."""

    def act(plan: Any, key: Key[Array, ""], states: State) -> tuple[Float[Array, "N A"], Any]:
        found = horizon.best(environment, states, start=plan, key=key, horizon=ahead)
        return found.action, horizon.following(found, environment.action_size)

    return Way(act, jnp.zeros((count, ahead.entries(environment.action_size))))


def planned(actions: Float[Array, "T N A"]) -> Way:
    """Actions that stand beforehand, one after the other."""

    def act(rest: Any, key: Key[Array, ""], states: State) -> tuple[Float[Array, "N A"], Any]:
        del key, states
        return rest[0], jnp.roll(rest, -1, axis=0)

    return Way(act, actions)


def learned(environment: Environment, agent: Agent, actor: Any) -> Way:
    """A policy."""

    def act(memory: Any, key: Key[Array, ""], states: State) -> tuple[Float[Array, "N A"], Any]:
        observation = jax.vmap(environment.get_obs)(states)
        return agent.act(actor, key, observation), memory

    return Way(act)

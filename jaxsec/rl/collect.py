"""Slots that a policy acts in, side by side, and the transitions that come of it.

Shapes: N slots, O entries of an observation, A of an action.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec.rl.environment import Environment
from jaxsec.rl.learner import Agent, Scale
from jaxsec.rl.policy import Mean
from jaxsec.rl.replay import Transition

MIN_DEVIATION = 1e-6
"""Added to the standard deviation of rewards, which may all be the same."""


class Slots(NamedTuple):
    """Slots that wait for actions."""

    observation: Float[Array, "N O"]
    state: Any
    """Of the environment; N leads."""


def reset(environment: Environment, key: Key[Array, ""], count: int) -> Slots:
    """The first slots of `count` episodes."""
    return Slots(*jax.vmap(environment.reset)(jax.random.split(key, count)))


def explore(
    agent: Agent, actor: Any, key: Key[Array, ""], observation: Float[Array, "N O"]
) -> Float[Array, "N A"]:
    """The policy's actions with noise added; a share `epsilon` of them uniform instead."""
    config = agent.config
    scouting = config.epsilon > 0
    key_policy, key_noise, *more_keys = jax.random.split(key, 4 if scouting else 2)
    action = agent.act(actor, key_policy, observation)
    more = config.exploration * jax.random.normal(key_noise, action.shape)
    action = jnp.clip(action + more, -1.0, 1.0)
    if scouting:
        key_random, key_which = more_keys
        random = random_actions(key_random, action.shape)
        scout = jax.random.uniform(key_which, (len(action), 1)) < config.epsilon
        action = jnp.where(scout, random, action)
    return action


def random_actions(key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Uniform in [-1, 1]."""
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)


def step(
    environment: Environment,
    key: Key[Array, ""],
    slots: Slots,
    action: Float[Array, "N A"],
    *,
    bootstrapping: bool,
) -> tuple[Slots, Transition]:
    """Acts, and moves on to the next slots.

    Args:
      environment: what the slots are of.
      key: for what comes next.
      slots: that wait.
      action: in each of them.
      bootstrapping: whether transitions remember what the actions led to.
    """
    keys = jax.random.split(key, len(action))
    observation, state, reward, terminated, _, info = jax.vmap(environment.step)(
        keys, slots.state, action
    )
    transition = Transition(
        slots.observation,
        action,
        reward,
        info["final_observation"] if bootstrapping else None,
        ~terminated if bootstrapping else None,
    )
    return Slots(observation, state), transition


def scale_of(reward: Float[Array, "N"], mean: Mean, *, centred: bool) -> Scale:
    """Mean, or 0 if not centred, and standard deviation of rewards over all devices."""
    average = mean(jnp.mean(reward))
    variance = mean(jnp.mean((reward - average) ** 2))
    deviation = jnp.sqrt(variance) + MIN_DEVIATION
    return Scale(average if centred else jnp.zeros_like(average), deviation)

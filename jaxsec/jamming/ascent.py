"""Three ways to better actions that are at hand; none ends below where it starts.

Shapes: A access points, S actions tried in a slot, N slots, which are the last axis (`links`).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxsec import keys
from jaxsec.jamming.objective import Searchable

MOMENTUM = 0.5
NUM_LEVELS = 11
"""Of an access point's power, evenly spaced, that a sweep tries."""


class Schedule(NamedTuple):
    """How steps become finer: all fall by equal factors."""

    temperature: tuple[float, float]
    """Of the smooth reward, first and last, bit/s/Hz."""
    step: tuple[float, float]
    """First and last, of the entry with the largest gradient; an action spans 2."""


COARSE = Schedule(temperature=(0.3, 0.01), step=(0.3, 0.03))
"""From anywhere."""
FINE = Schedule(temperature=(0.1, 0.01), step=(0.1, 0.01))
"""From a good action."""


class Climb(NamedTuple):
    """Actions that are bettered side by side."""

    action: Float[Array, "A S N"]
    reward: Float[Array, "S N"]


def better(climb: Climb, action: Float[Array, "A S N"], reward: Float[Array, "S N"]) -> Climb:
    """The better of two, by the true reward."""
    ahead = reward > climb.reward
    return Climb(
        jnp.where(ahead[None], action, climb.action), jnp.where(ahead, reward, climb.reward)
    )


def keep(climb: Climb, number: int) -> Climb:
    """The best actions of each slot, the best one first."""
    reward, index = jax.lax.top_k(climb.reward.T, number)
    return Climb(jnp.take_along_axis(climb.action, index.T[None], axis=1), reward.T)


def sweep(objective: Searchable, climb: Climb, num_sweeps: int) -> Climb:
    """Coordinate search: every access point's power at every level, one after the other."""
    size = len(climb.action)
    levels = jnp.linspace(-1.0, 1.0, NUM_LEVELS)

    def step(number: Any, climb: Climb) -> Climb:
        axis = (jnp.arange(size) == number // NUM_LEVELS % size)[:, None, None]
        action = jnp.where(axis, levels[number % NUM_LEVELS], climb.action)
        return better(climb, action, objective.rewards(action))

    return jax.lax.fori_loop(0, num_sweeps * size * NUM_LEVELS, step, climb)


def ascend(objective: Searchable, climb: Climb, num_steps: int, schedule: Schedule) -> Climb:
    """Projected gradient ascent with momentum on the smooth reward, while its temperature falls.

    The gradient of a slot is divided by its largest entry. What is kept is best by the true reward.
    """

    def step(number: Any, carry: tuple[Any, Any, Climb]) -> tuple[Any, Any, Climb]:
        action, velocity, best = carry
        part = number / max(num_steps - 1, 1)
        reward, gradient = objective.climb(action, _falling(schedule.temperature, part))
        best = better(best, action, reward)
        velocity = MOMENTUM * velocity + scaled(action, gradient, axis=0)
        action = action + _falling(schedule.step, part) * velocity
        return jnp.clip(action, -1.0, 1.0), velocity, best

    first = (climb.action, jnp.zeros_like(climb.action), climb)
    action, _, best = jax.lax.fori_loop(0, num_steps, step, first)
    return better(best, action, objective.rewards(action))


def scaled(
    action: Float[Array, "*any"], gradient: Float[Array, "*any"], axis: int
) -> Float[Array, "*any"]:
    """A gradient without what leads out of the box, over its largest entry along an axis."""
    outward = (jnp.abs(action) >= 1.0) & (action * gradient > 0.0)
    gradient = jnp.where(outward, 0.0, gradient)
    largest = jnp.max(jnp.abs(gradient), axis=axis, keepdims=True)
    return gradient / jnp.maximum(largest, 1e-30)


def wander(
    objective: Searchable, climb: Climb, num_steps: int, schedule: Schedule, key: Key[Array, ""]
) -> Climb:
    """Steps in random directions, the same in all slots: for a reward that has no smooth form.

    Of one access point, of two, and of all, in turn.
    """
    size, num_actions = climb.action.shape[:2]

    def step(number: Any, climb: Climb) -> Climb:
        key_size, key_axes = jax.random.split(keys.step(key, number))
        rank = jnp.argsort(jax.random.uniform(key_axes, (size, num_actions)), axis=0)
        moved = rank < jnp.asarray(np.array([1, 2, size]))[number % 3]
        length = _falling(schedule.step, number / max(num_steps - 1, 1))
        move = length * jax.random.normal(key_size, (size, num_actions)) * moved
        action = jnp.clip(climb.action + move[:, :, None], -1.0, 1.0)
        return better(climb, action, objective.rewards(action))

    return jax.lax.fori_loop(0, num_steps, step, climb)


def _falling(ends: tuple[float, float], part: Any) -> Any:
    """From the first to the last by equal factors."""
    first, last = ends
    return first * (last / first) ** part

"""Transitions, and a replay buffer in arrays on the device: a ring, overwritten block by block."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key


class Transition(NamedTuple):
    """A slot, what was done, and what it gave; leads with the batch."""

    observation: Float[Array, "B O"]
    action: Float[Array, "B A"]
    reward: Float[Array, "B"]
    next_observation: Float[Array, "B O"] | None
    """What the action led to in the same episode, also where that has then been truncated; only
    where the discount is above 0, as is `bootstraps`."""
    bootstraps: Bool[Array, "B"] | None
    """Whether the value of the next observation counts: unless the episode has terminated."""


class Replay(NamedTuple):
    """Transitions, arrays that lead with their place in the ring."""

    transitions: Any


def fill(first: Any, capacity: int) -> Replay:
    """A ring of `capacity` transitions that repeats those given, so that none is empty."""
    count = jax.tree.leaves(first)[0].shape[0]
    index = jnp.arange(capacity) % count
    return Replay(jax.tree.map(lambda x: x[index], first))


def add(replay: Replay, block: Any, update_index: Int[Array, ""]) -> Replay:
    """Writes a block over the oldest one.

    Args:
      replay: of a capacity that is a multiple of the block's length.
      block: transitions, always as many.
      update_index: how many blocks have been written before this one.
    """
    length = jax.tree.leaves(block)[0].shape[0]
    capacity = jax.tree.leaves(replay.transitions)[0].shape[0]
    at = update_index % (capacity // length) * length

    def write(ring: Array, new: Array) -> Array:
        return jax.lax.dynamic_update_slice_in_dim(ring, new, at, 0)

    return Replay(jax.tree.map(write, replay.transitions, block))


def sample(key: Key[Array, ""], replay: Replay, count: int) -> Any:
    """Transitions drawn uniformly, with replacement."""
    capacity = jax.tree.leaves(replay.transitions)[0].shape[0]
    index = jax.random.randint(key, (count,), 0, capacity)
    return jax.tree.map(lambda ring: ring[index], replay.transitions)

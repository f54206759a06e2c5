"""A replay buffer in arrays on the device: a ring, overwritten block by block."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key


class Replay(NamedTuple):
    """Transitions, arrays that lead with their place in the ring."""

    transitions: Any


def fill(first: Any, capacity: int) -> Replay:
    """A ring of `capacity` transitions that repeats those given, so that none is empty."""
    count = jax.tree.leaves(first)[0].shape[0]
    index = jnp.arange(capacity) % count
    return Replay(jax.tree.map(lambda x: x[index], first))


def add(replay: Replay, block: Any, turn: Int[Array, ""]) -> Replay:
    """Writes a block over the oldest one.

    Args:
      replay: of a capacity that is a multiple of the block's length.
      block: transitions, always as many.
      turn: how many blocks have been written before this one.
    """
    length = jax.tree.leaves(block)[0].shape[0]
    capacity = jax.tree.leaves(replay.transitions)[0].shape[0]
    at = turn % (capacity // length) * length

    def write(ring: Array, new: Array) -> Array:
        return jax.lax.dynamic_update_slice_in_dim(ring, new, at, 0)

    return Replay(jax.tree.map(write, replay.transitions, block))


def sample(key: Key[Array, ""], replay: Replay, count: int) -> Any:
    """Transitions drawn uniformly, with replacement."""
    capacity = jax.tree.leaves(replay.transitions)[0].shape[0]
    index = jax.random.randint(key, (count,), 0, capacity)
    return jax.tree.map(lambda ring: ring[index], replay.transitions)

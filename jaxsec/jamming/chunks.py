"""A search of many slots, some at a time: what it holds in memory is that of a chunk."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

T = TypeVar("T")


def by_chunks(
    search: Callable[[Key[Array, ""], Any], T], slots: Any, key: Key[Array, ""], chunk: int
) -> T:
    """What `search` finds for each slot, as if all were searched at once.

    Args:
      search: from a key and a chunk of slots to arrays with the chunk's slots first.
      slots: any tree of arrays, N slots first.
      key: split into one a chunk.
      chunk: slots at a time; the last chunk is filled up with the last slot.
    """
    num_slots = len(jax.tree.leaves(slots)[0])
    chunk = min(chunk, num_slots)
    num_chunks = -(-num_slots // chunk)
    rows = np.minimum(np.arange(num_chunks * chunk), num_slots - 1).reshape(num_chunks, chunk)

    def one(pair: tuple[Key[Array, ""], Any]) -> T:
        key, row = pair
        return search(key, jax.tree.map(lambda field: field[row], slots))

    found = jax.lax.map(one, (jax.random.split(key, num_chunks), jnp.asarray(rows)))
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[:num_slots], found)

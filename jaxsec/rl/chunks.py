"""A policy in many states, some at a time, where that is quicker.

What a network works out for some hundred states stays in a core's cache, and what it works out for
thousands does not: on CPU each would take longer.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

CHUNK = 256
"""States at a time."""


def by_chunks(
    act: Callable[[Array, Array], Array], noise: Float[Array, "*T N D"], state: Float[Array, "N O"]
) -> Float[Array, "*E N A"]:
    """Actions, one a state or several, as `act` finds them of noise and all states at once."""
    num_states = len(state)
    if num_states <= CHUNK or jax.default_backend() != "cpu":
        return act(noise, state)
    number = -(-num_states // CHUNK)

    def chunks(x: Float[Array, "*T N D"]) -> Float[Array, "n *T B D"]:
        missing = number * CHUNK - num_states
        filled = jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, missing), (0, 0)])
        parts = filled.reshape(*x.shape[:-2], number, CHUNK, x.shape[-1])
        return jnp.moveaxis(parts, -3, 0)

    found = jax.lax.map(lambda part: act(*part), (chunks(noise), chunks(state)))
    found = jnp.moveaxis(found, 0, -3)
    return found.reshape(*found.shape[:-3], number * CHUNK, found.shape[-1])[..., :num_states, :]

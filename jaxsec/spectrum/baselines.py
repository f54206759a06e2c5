"""Completion without learning: the nearest sensed power, and a matrix of low rank.

Shapes: B waterfalls, T slots, F channels.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxsec.spectrum.masks import complete

ITERATIONS = 50
SHRINKAGE = 0.1
"""Of singular values, in the largest one of what is sensed."""


@jax.jit
def nearest(power: Float[Array, "B T F"], mask: Bool[Array, "B T F"]) -> Float[Array, "B T F"]:
    """The power of the nearest pixel that is sensed, in slots plus channels.

    Args:
      power: dBm.
      mask: true where it is sensed; somewhere in each waterfall.

    Returns:
      Completed waterfalls, dBm. Of pixels equally near, the earliest is taken.

    >>> power = jnp.asarray([[[-70.0, -100.0, 0.0, 0.0]]])
    >>> nearest(power, jnp.asarray([[[True, True, False, False]]]))[0, 0].tolist()
    [-70.0, -100.0, -100.0, -100.0]
    """
    slots, channels = power.shape[1:]
    slot, channel = jnp.divmod(jnp.arange(slots * channels), channels)
    distance = jnp.abs(slot[:, None] - slot[None]) + jnp.abs(channel[:, None] - channel[None])

    def one(given: tuple[Array, Array]) -> Float[Array, "T F"]:
        value, sensed = (x.reshape(-1) for x in given)
        at = jnp.argmin(jnp.where(sensed[None], distance, slots + channels), axis=1)
        return value[at].reshape(slots, channels)

    return jax.lax.map(one, (power, mask))


@functools.partial(jax.jit, static_argnums=(2, 3))
def soft_impute(
    power: Float[Array, "B T F"],
    mask: Bool[Array, "B T F"],
    shrinkage: float = SHRINKAGE,
    iterations: int = ITERATIONS,
) -> Float[Array, "B T F"]:
    """A matrix of low rank through what is sensed: Mazumder, Hastie, Tibshirani 2010, Algorithm 1.

    X ← S_τ(P(power) + P⊥(X)), singular values shrunk by τ, on powers less their channel's mean over
    what is sensed of it: where a slot is lost as a whole, nothing else can be known from rank.

    Args:
      power: dBm.
      mask: true where it is sensed.
      shrinkage: τ over the largest singular value of what is sensed.
      iterations: of the fixed point.

    Returns:
      Completed waterfalls, dBm.

    >>> power = -100.0 + 30.0 * jnp.outer(jnp.ones(4), jnp.arange(4.0) > 1)[None]
    >>> mask = jnp.ones((1, 4, 4), bool).at[0, 1, 2].set(False)
    >>> bool(jnp.allclose(soft_impute(power, mask), power, atol=1e-3))
    True
    """
    count = jnp.sum(mask, axis=1, keepdims=True)
    overall = jnp.sum(power * mask, axis=(1, 2), keepdims=True) / jnp.sum(
        mask, axis=(1, 2), keepdims=True
    )
    own = jnp.sum(power * mask, axis=1, keepdims=True) / jnp.maximum(count, 1)
    mean = jnp.where(count > 0, own, overall)
    known = jnp.where(mask, power - mean, 0.0)
    largest = jnp.linalg.norm(known, ord=2, axis=(1, 2))[:, None]

    def turn(_: Any, x: Float[Array, "B T F"]) -> Float[Array, "B T F"]:
        left, values, right = jnp.linalg.svd(complete(known, mask, x), full_matrices=False)
        values = jnp.maximum(values - shrinkage * largest, 0.0)
        return (left * values[:, None]) @ right

    x = jax.lax.fori_loop(0, iterations, turn, jnp.zeros_like(known))
    return complete(power, mask, mean + x)

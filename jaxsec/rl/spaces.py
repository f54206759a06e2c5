"""Spaces of observations and actions, with the names that Gymnasium and gymnax use."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key


class Box(NamedTuple):
    """Real vectors between two bounds."""

    low: float
    high: float
    shape: tuple[int, ...]
    dtype: Any = jnp.float32

    def sample(self, key: Key[Array, ""]) -> Float[Array, "..."]:
        """Uniform where the space is bounded, normal where it is not."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return jax.random.uniform(key, self.shape, self.dtype, self.low, self.high)
        return jax.random.normal(key, self.shape, self.dtype)

    def contains(self, x: Float[Array, "..."]) -> Bool[Array, ""]:
        """Whether every entry lies within the bounds."""
        return jnp.all((x >= self.low) & (x <= self.high))

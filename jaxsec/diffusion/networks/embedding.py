"""Features of the diffusion time."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


def time_features(
    t: Int[Array, "B"], size: int, max_period: float = 1e4
) -> Float[Array, "B {size}"]:
    """Sines and cosines of t at `size`/2 frequencies (Vaswani et al., 2017, Section 3.5)."""
    half = size // 2
    frequency = jnp.asarray(max_period ** (-np.arange(half) / half), jnp.float32)
    angle = t.astype(jnp.float32)[:, None] * frequency[None]
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)

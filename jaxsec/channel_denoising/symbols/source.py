"""Digits as a source: 8 × 8 pixels, shifted by fractions of one to make more of them."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxsec.learning import digits

SIDE = 8
MAX_SHIFT = 0.75
"""Pixels, in each direction."""


def images(seed: int = 0) -> tuple[Float[np.ndarray, "N 64"], Float[np.ndarray, "N 64"]]:
    """Digits to train on and to judge on, flat; the split is that of the seed.

    Raises:
      MissingExtra: scikit-learn is not installed.
    """
    train, test = digits.load(seed)
    return train.images.reshape(-1, SIDE * SIDE), test.images.reshape(-1, SIDE * SIDE)


def shifted(key: Key[Array, ""], batch: Float[Array, "B 64"]) -> Float[Array, "B 64"]:
    """Each image moved by a random fraction of a pixel along both axes, linearly interpolated."""
    count = batch.shape[0]
    by = jax.random.uniform(key, (2, count), minval=-MAX_SHIFT, maxval=MAX_SHIFT)
    pixel = np.arange(SIDE, dtype=np.float32)
    apart = jnp.asarray(pixel[:, None] - pixel[None])[None, None] - by[..., None, None]
    rows, columns = jnp.maximum(0.0, 1.0 - jnp.abs(apart))  # [B, 8, 8] each
    square = batch.reshape(count, SIDE, SIDE)
    return jnp.einsum("bij,bjk,blk->bil", rows, square, columns).reshape(count, SIDE * SIDE)

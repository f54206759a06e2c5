"""Broadcasting said out loud: the library runs with implicit rank promotion as an error."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

AnyArray = Array | np.ndarray
"""What public functions take: a user's own NumPy arrays, or JAX's."""


def lift(x: Any, ndim: int) -> Array:
    """`x` with leading axes of length one, up to `ndim` axes."""
    x = jnp.asarray(x)
    return x.reshape((1,) * max(ndim - x.ndim, 0) + x.shape)


def abs2(x: Complex[Array, "..."]) -> Float[Array, "..."]:
    """|x|², without the square root's trouble at zero."""
    return jnp.square(x.real) + jnp.square(x.imag)


def over_noise(h: AnyArray, noise_power: Any) -> Array:
    """Channels [..., R, M] over the amplitude of the receiver noise, a scalar or [...].

    Dividing first keeps float32 in range: |h|² is about 1e-7, σ0²/P about 1e-12. The reciprocal of
    the amplitude multiplies, since a complex quotient squares it on the way: 1e-40 is zero.
    `normalise` does the same in float64, for concrete arrays.
    """
    h = jnp.asarray(h)
    if isinstance(noise_power, float | int) and noise_power == 1:
        return h
    scale = 1.0 / jnp.sqrt(jnp.asarray(noise_power, h.real.dtype))
    return h * (scale[..., None, None] if scale.ndim else scale)


def flat(batch: tuple[int, ...], x: Array, rest: int) -> Array:
    """`x` broadcast to the batch shape, its last `rest` axes apart, as one batch axis."""
    tail = x.shape[x.ndim - rest :]
    return jnp.broadcast_to(x, (*batch, *tail)).reshape(math.prod(batch), *tail)

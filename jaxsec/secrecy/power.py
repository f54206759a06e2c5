"""The power budget, P1 (8): ‖w‖² + ‖v‖² ≤ 1 in units of the transmit power P."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from jaxsec.shapes import AnyArray, abs2


def power(w: Complex[AnyArray, "... M K"], v: Complex[AnyArray, "... M J"]) -> Float[Array, "..."]:
    """‖w‖² + ‖v‖², the left side of P1 (8), in units of the transmit power P.

    >>> float(power(jnp.array([[0.6], [0.8j]]), jnp.zeros((2, 0), complex)))
    1.0

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].

    Returns:
      [...].
    """
    w, v = jnp.asarray(w), jnp.asarray(v)
    return jnp.sum(abs2(w), axis=(-2, -1)) + jnp.sum(abs2(v), axis=(-2, -1))


def normalise_power(
    w: Complex[AnyArray, "... M K"], v: Complex[AnyArray, "... M J"]
) -> tuple[Complex[Array, "... M K"], Complex[Array, "... M J"]]:
    """Scales beams and noise together to the full budget ‖w‖² + ‖v‖² = 1, P1 (8); zero stays zero.

    >>> w, v = normalise_power(jnp.array([[3.0], [4.0j]]), jnp.zeros((2, 0), complex))
    >>> round(float(power(w, v)), 5)
    1.0

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].

    Returns:
      w [..., M, K] and v [..., M, J].
    """
    w, v = jnp.asarray(w), jnp.asarray(v)
    # Dividing by the largest entry first keeps the squares of tiny or huge beams in range.
    peak = jnp.maximum(
        jnp.max(_abs1(w), axis=(-2, -1), initial=0.0), jnp.max(_abs1(v), axis=(-2, -1), initial=0.0)
    )
    scale = 1.0 / jnp.where(peak > 0, peak, 1.0)
    w, v = w * scale[..., None, None], v * scale[..., None, None]
    total = power(w, v)
    scale = jax.lax.rsqrt(jnp.where(total > 0, total, 1.0))
    return w * scale[..., None, None], v * scale[..., None, None]


def _abs1(x: Complex[Array, "..."]) -> Float[Array, "..."]:
    """|Re| + |Im|, a norm without the square root's trouble at zero."""
    return jnp.abs(x.real) + jnp.abs(x.imag)

"""One user and one eavesdropper: the beam that reaches secrecy capacity, in closed form.

Without noise, the principal generalised eigenvector of (I + hhᴴ, I + ggᴴ), channels over the
receiver noise (A. Khisti and G. W. Wornell, Secure Transmission with Multiple Antennas, IEEE Trans.
Inform. Theory 2010). With h = h⊥ + h∥, across and along g, and 1 + x its eigenvalue,

    x² − qx − d = 0,   d = |h⊥|²|g|²/(1 + |g|²),   q = (|h|² − |g|²)/(1 + |g|²) + d,

the beam is h⊥ + h∥·x/(x + (1 + x)|g|²), and capacity is log2(1 + x).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.linear import unit_columns
from jaxsec.precoding.problem import Problem

LEAST, MOST = 1e-15, 1e15
"""Weaker and stronger links are taken for these, so that a gradient's squares stay in range."""

IN_LINE = 1e-6
"""Norm of what is left of a unit channel below which it is rounding."""


def capacity_beam(problem: Problem) -> SplitComplex:
    """[D, 1, B], of any norm; the user's direction, where it is the eavesdropper's as well."""
    user, eve = jnp.clip(problem.norms2, LEAST, MOST)
    unit = unit_columns(algebra.transpose(problem.h))
    h, g = unit[:, :1], algebra.transpose(unit[:, 1:])
    along = _along(h, g)
    # What rounding has left along g would be heard there.
    across = h - along
    across = across - _along(across, g)
    d = user * algebra.squared_norm(across)[0] * (eve / (1.0 + eve))
    x = _root((user - eve) / (1.0 + eve) + d, d)
    share = 1.0 / (1.0 + (1.0 + 1.0 / jnp.maximum(x, LEAST)) * eve)
    beam = across + along.scale(share)
    return algebra.where(algebra.squared_norm(beam) < IN_LINE**2, h, beam)


def _along(h: SplitComplex, g: SplitComplex) -> SplitComplex:
    """The part of h [D, 1, B] along g [1, D, B], which is of norm one or zero."""
    return algebra.combine(g, algebra.hermitian_product(g, h))


def _root(q: Float[Array, "B"], d: Float[Array, "B"]) -> Float[Array, "B"]:
    """The root of x² − qx − d that is not negative; nothing cancels."""
    square = jnp.square(q) + 4.0 * d
    root = jnp.sqrt(jnp.where(square > 0, square, 1.0))
    root = jnp.where(square > 0, root, 0.0)
    negative = (q <= 0) & (root > q)
    return jnp.where(q > 0, 0.5 * (q + root), 2.0 * d / jnp.where(negative, root - q, 1.0))

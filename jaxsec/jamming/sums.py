"""Sums over the first axis, written out: what comes behind is computed side by side."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def over_first(x: Float[Array, "A ..."]) -> Float[Array, "..."]:
    """Over the first axis, written out; 0 of nothing."""
    total = jnp.zeros(x.shape[1:], x.dtype)
    for a in range(len(x)):
        total += x[a]
    return total


def over_others(x: Float[Array, "A ..."]) -> Float[Array, "A ..."]:
    """Σ_{b≠a} x_b for every a: the sum of those before and of those behind; nothing cancels."""
    before, behind = [jnp.zeros_like(x[0])], [jnp.zeros_like(x[0])]
    for a in range(len(x) - 1):
        before.append(before[-1] + x[a])
        behind.append(behind[-1] + x[len(x) - 1 - a])
    return jnp.stack([one + other for one, other in zip(before, behind[::-1], strict=True)])

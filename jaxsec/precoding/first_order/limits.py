"""Power constraints in a step: which direction keeps to them, and what trials are scaled by.

A constraint limits sums of antennas' powers over groups, G [C, D] of ones and zeros. Of the step's
systems B_n and gradients ∇_n it needs x_n = B_n⁻¹∇_n and B_n⁻¹G_c u_n: for one limit on all those
are N more columns of the elimination, for others they are made from the D columns of B_0⁻¹.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import MAX_UNROLLED, SplitComplex
from jaxsec.precoding.batched.kernels import no_inline, one_kernel
from jaxsec.secrecy import PowerConstraint

SWEEPS = 8
"""Of the multipliers' coordinate ascent."""


def columns(constraint: PowerConstraint, u: SplitComplex) -> SplitComplex:
    """Right sides beside the gradient: the beams [D, N, B], or all unit vectors [D, D, B]."""
    size, _, batch = u.shape
    if constraint.groups(size).shape[0] == 1:
        return u
    unit = jnp.broadcast_to(jnp.eye(size, dtype=u.re.dtype)[:, :, None], (size, size, batch))
    return SplitComplex(unit, jnp.zeros_like(unit))


def keep_to(
    constraint: PowerConstraint,
    u: SplitComplex,
    sent: Float[Array, "D B"],
    solved: tuple[SplitComplex, SplitComplex, SplitComplex],
    factor: Float[Array, "K B"],
    own: SplitComplex,
) -> SplitComplex:
    """d [D, N, B]: x less what the limits do not allow, to first order.

    Args:
      constraint: its numbers are [B, D].
      u: beams [D, N, B].
      sent: power of each antenna.
      solved: B_0⁻¹ times the gradients, the users' channels, and `columns`.
      factor: what turns B_0⁻¹ into B_k⁻¹ (`elimination.downdate`).
      own: the users' channels [K, D, B].
    """
    groups = constraint.groups(u.shape[0])
    bounds = jnp.broadcast_to(constraint.bounds(u.shape[0]), (u.shape[-1], groups.shape[0])).T
    if groups.shape[0] == 1:
        return _one_limit(u, algebra.sum_first(sent), bounds[0], solved, factor, own)
    x, correlation, pull = _pulls(u, solved, factor, own)
    grouped = jnp.asarray(groups, sent.dtype)
    room = 0.5 * (bounds - _product(grouped, sent))
    matrix = jnp.einsum("cd,deb,fe->cfb", grouped, correlation, grouped, precision="highest")
    multiplier = _multipliers(matrix, _product(grouped, pull) - room)
    return _less(x, u, solved, factor, _product(grouped.T, multiplier))


@one_kernel
def _one_limit(
    u: SplitComplex,
    sent: Float[Array, "B"],
    bound: Float[Array, "B"],
    solved: tuple[SplitComplex, SplitComplex, SplitComplex],
    factor: Float[Array, "K B"],
    own: SplitComplex,
) -> SplitComplex:
    x, z, normal = solved
    x, normal = (_corrected(part, z, factor, own) for part in (x, normal))
    pull, length = (_sum_all(u.re * part.re + u.im * part.im) for part in (x, normal))
    there = length > 0
    over = (pull - 0.5 * (bound - sent)) / jnp.where(there, length, 1.0)
    return x - normal.scale(jnp.where(there, jnp.maximum(over, 0.0), 0.0))


def _corrected(
    x: SplitComplex, z: SplitComplex, factor: Float[Array, "K B"], own: SplitComplex
) -> SplitComplex:
    """B_n⁻¹r_n from B_0⁻¹r_n, [D, N, B]: users' columns get z_k·f_k·h_kᴴB_0⁻¹r_k."""
    num_users = factor.shape[0]
    heard = algebra.fold(x.shape[0], lambda d: own[:, d].conj() * x[d, :num_users])
    users = x[:, :num_users] + heard.scale(factor)[None] * z
    return algebra.concatenate([users, x[:, num_users:]], axis=1)


@no_inline
def _pulls(
    u: SplitComplex,
    solved: tuple[SplitComplex, SplitComplex, SplitComplex],
    factor: Float[Array, "K B"],
    own: SplitComplex,
) -> tuple[SplitComplex, Float[Array, "D D B"], Float[Array, "D B"]]:
    """x, Q_de = Σ_n Re(ū_dn·(B_n⁻¹)_de·u_en), and q_d = Σ_n Re(ū_dn·x_dn).

    With B_k⁻¹ = B_0⁻¹ + f_k z_k z_kᴴ; P = G Q Gᵀ then is Re⟨G_c u, B⁻¹G_c' u⟩.
    """
    x, z, inverse = solved
    x = _corrected(x, z, factor, own)
    both = algebra.fold(u.shape[1], lambda n: u[:, None, n].conj() * u[None, :, n])
    correlation = both.re * inverse.re - both.im * inverse.im
    turned = u[:, : factor.shape[0]].conj() * z

    def of_user(k: Any) -> Array:
        a = turned[:, k]
        return factor[k, None, None] * (a[:, None].re * a[None].re + a[:, None].im * a[None].im)

    correlation = correlation + algebra.fold(factor.shape[0], of_user)
    return x, correlation, algebra.sum_second(u.re * x.re + u.im * x.im)


@no_inline
def _less(
    x: SplitComplex,
    u: SplitComplex,
    solved: tuple[SplitComplex, SplitComplex, SplitComplex],
    factor: Float[Array, "K B"],
    multiplier: Float[Array, "D B"],
) -> SplitComplex:
    """x_n − B_n⁻¹·diag(m)·u_n."""
    _, z, inverse = solved
    num_users = factor.shape[0]
    pulled = u.scale(multiplier[:, None])
    aimed = algebra.fold(u.shape[0], lambda e: z[e].conj() * pulled[e, :num_users])
    back = algebra.fold(u.shape[0], lambda e: inverse[:, e, None] * pulled[e, None])
    users = back[:, :num_users] + aimed.scale(factor)[None] * z
    return x - algebra.concatenate([users, back[:, num_users:]], axis=1)


@one_kernel
def _multipliers(matrix: Float[Array, "C C B"], wanted: Float[Array, "C B"]) -> Array:
    """μ ≥ 0 that solve the quadratic programme, by coordinate ascent in its dual."""
    count = wanted.shape[0]
    scale = algebra.diagonal(matrix, count)
    inverse = jnp.where(scale > 0, 1.0 / jnp.where(scale > 0, scale, 1.0), 0.0)

    def sweep(_: Any, found: Array) -> Array:
        def improve(c: Any, found: Array) -> Array:
            rest = wanted[c] - algebra.sum_first(matrix[c] * found)
            return found.at[c].set(jnp.maximum(found[c] + rest * inverse[c], 0.0))

        if count > MAX_UNROLLED:
            return jax.lax.fori_loop(0, count, improve, found)
        for c in range(count):
            found = improve(c, found)
        return found

    return jax.lax.fori_loop(0, SWEEPS, sweep, jnp.zeros_like(wanted))


def fitted(constraint: PowerConstraint, sent: Float[Array, "D T B"]) -> Float[Array, "T B"]:
    """In [0, 1]: what amplitudes of trials are scaled by (`secrecy.fitting_scale`)."""
    size, _, batch = sent.shape
    groups = constraint.groups(size)
    bounds = jnp.broadcast_to(constraint.bounds(size), (batch, groups.shape[0])).T
    return _fitted(_power(groups, sent), bounds)


def _power(groups: np.ndarray, sent: Float[Array, "D T B"]) -> Float[Array, "C T B"]:
    if groups.shape[0] == 1:
        return algebra.sum_first(sent)[None]
    alone = groups.sum(axis=1) == 1
    each = [
        sent[int(np.argmax(row))] if one else algebra.sum_first(sent[np.flatnonzero(row)])
        for row, one in zip(groups, alone, strict=True)
    ]
    return jnp.stack(each)


@one_kernel
def _fitted(power: Float[Array, "C T B"], bounds: Float[Array, "C B"]) -> Float[Array, "T B"]:
    there = power > 0
    share = jnp.where(there, bounds[:, None] / jnp.where(there, power, 1.0), 1.0)
    least = algebra.fold(share.shape[0], lambda c: share[c], jnp.minimum)
    return jnp.sqrt(jnp.minimum(least, 1.0))


def _product(matrix: Float[Array, "A D"], x: Float[Array, "D B"]) -> Float[Array, "A B"]:
    return jnp.matmul(matrix, x, precision="highest")


def _sum_all(x: Float[Array, "D N B"]) -> Float[Array, "B"]:
    return algebra.sum_first(algebra.sum_first(x))

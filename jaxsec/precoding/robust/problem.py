"""Channels known with errors, in the span of their means.

Batch B last (`batched`). R = K + L receivers, users first; channel r is mean_r + √error_r·z, z of
CN(0, 1) entries. The S dimensions of the span hold all means; errors have no direction, so that in
the other E = M − S dimensions a beam is nothing but heard as noise: there is only a noise power,
`outside`, spread evenly, of which receiver r hears error_r times a Gamma(E, 1/E) variate. M drops
out. Beams and `outside` have unit power together, which is the noise at every receiver.

Where errors have a covariance, the span is that of all antennas: E = 0, and channel r is
mean_r + Σ_s root_rs·z_s, with the columns root_rs of the covariance's root.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int

from jaxsec.channels.knowledge import Posterior, has_directions
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.strategy import Strategy


class Uncertain(NamedTuple):
    """What is known of the channels, over the noise."""

    mean: SplitComplex
    """[R, S, B], in coordinates of their span."""
    error: Float[Array, "R B"]
    """Variance of every entry around the mean."""
    roots: SplitComplex | None = None
    """[R·S, S, B], the columns root_rs; None where errors have no direction."""


class Beams(NamedTuple):
    """A strategy: beams in the span, and the noise outside of it."""

    f: SplitComplex
    """[S, N, B], users' beams first."""
    outside: Float[Array, "B"]
    """Power of the isotropic noise in the other dimensions."""


def reduced(
    known: Posterior, noise_power: Float[Array, "n"]
) -> tuple[Uncertain, Complex[Array, "n M S"]]:
    """The problem of n posteriors [n, R, M], and an orthonormal basis of its span.

    Where means depend on each other or vanish, other directions complete the basis.
    """
    h = jnp.concatenate([known.h_user, known.h_eve], axis=1)
    scale = jax.lax.rsqrt(noise_power)
    h = h * scale[:, None, None]
    error = jnp.concatenate([known.error_user, known.error_eve], axis=1) / noise_power[:, None]
    if has_directions(known):
        basis = jnp.broadcast_to(jnp.eye(h.shape[2], dtype=h.dtype), (h.shape[0], *2 * h.shape[2:]))
        return Uncertain(algebra.split(h), error.T, _columns(known, scale)), basis
    size = min(h.shape[1:])
    basis = jnp.linalg.qr(jnp.swapaxes(h, 1, 2))[0][:, :, :size]
    inside = jnp.einsum("nms,nrm->nrs", basis.conj(), h, precision="highest")
    return Uncertain(algebra.split(inside), error.T), basis


def _columns(known: Posterior, scale: Float[Array, "n"]) -> SplitComplex:
    """The columns [R·M, M, n] of all roots; of an error without direction √error·I."""

    def of(error: Any, root: Any) -> Array:
        if root is None:
            eye = jnp.eye(known.h_user.shape[-1], dtype=known.h_user.dtype)
            root = jnp.sqrt(error)[..., None, None] * eye[None, None]
        rows = jnp.swapaxes(root, 2, 3)
        return rows.reshape(rows.shape[0], -1, rows.shape[3]) * scale[:, None, None]

    parts = [of(known.error_user, known.root_user), of(known.error_eve, known.root_eve)]
    return algebra.split(jnp.concatenate(parts, axis=1))


def receivers(known: Uncertain, rows: Int[Array, "R1"]) -> Uncertain:
    """What is known of some of the receivers."""
    roots = known.roots
    if roots is not None:
        size = known.mean.shape[1]
        of = jax.tree.map(lambda x: x.reshape(-1, size, *x.shape[1:])[rows], roots)
        roots = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), of)
    return Uncertain(known.mean[rows], known.error[rows], roots)


def in_span(strategy: Strategy, basis: Complex[Array, "n M S"]) -> Beams:
    """A strategy of unit power, whose noise is isotropic where the span does not reach."""
    u = jnp.concatenate([strategy.w, strategy.v], axis=-1)
    inside = jnp.einsum("nms,nmi->nsi", basis.conj(), u, precision="highest")
    f = algebra.split(inside)
    outside = 1.0 - algebra.sum_first(algebra.squared_norm(f))
    return Beams(f, jnp.maximum(outside, 0.0))


def in_antennas(
    beams: Beams, basis: Complex[Array, "B M S"], num_users: int
) -> Complex[Array, "B M N"]:
    """Beams of the antennas, and beside them one noise beam a dimension outside the span."""
    u = basis @ algebra.join(beams.f)
    num_antennas, size = basis.shape[1:]
    outside = num_antennas - size
    if not outside or num_users == size:
        return u
    rest = jnp.linalg.qr(basis, mode="complete")[0][:, :, size:]
    v = rest * jnp.sqrt(beams.outside / outside)[:, None, None].astype(rest.dtype)
    return jnp.concatenate([u, v], axis=2)


def at_unit_power(f: SplitComplex, outside: Float[Array, "B"]) -> Beams:
    """Beams and the noise outside the span, scaled together to unit power."""
    total = algebra.sum_first(algebra.squared_norm(f)) + outside
    return Beams(f.scale(jax.lax.rsqrt(total)), outside / total)


def second_moment(
    known: Uncertain, weight: Float[Array, "R B"], ridge: Float[Array, "B"]
) -> SplitComplex:
    """ridge·I + Σ_r weight[r]·E[h_r h_rᴴ], [S, S, B]: of means and errors."""
    if known.roots is None:
        return algebra.weighted_gram(
            known.mean, weight, ridge + jnp.sum(weight * known.error, axis=0)
        )
    size = known.mean.shape[1]
    rows = algebra.concatenate([known.mean, known.roots], axis=0)
    each = jnp.concatenate([weight, jnp.repeat(weight, size, axis=0)])
    return algebra.weighted_gram(rows, each, ridge)

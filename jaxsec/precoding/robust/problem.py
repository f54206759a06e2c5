"""Channels known with errors, in the span of their means, and the rates of beams on draws of them.

Batch B last (`batched`). R = K + L receivers, users first; channel r is mean_r + √error_r·z, z of
CN(0, 1) entries. The S dimensions of the span hold all means; errors have no direction, so that in
the other E = M − S dimensions a beam is nothing but heard as noise: there is only a noise power,
`outside`, spread evenly, of which receiver r hears error_r times a Gamma(E, 1/E) variate. M drops
out. Beams and `outside` have unit power together, which is the noise at every receiver.

Where errors have a covariance, the span is that of all antennas: E = 0, and channel r is
mean_r + Σ_s root_rs·z_s, with the columns root_rs of the covariance's root.
"""

import functools
import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Key

from jaxsec.channels.knowledge import Posterior, has_directions
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.secrecy import LN2
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


class Draws(NamedTuple):
    """D draws of the errors, the same for all channels of a batch."""

    z: Float[Array, "2DR 2S"]
    """conj(z) as a real matrix that acts on [Re f; Im f]."""
    gamma: Float[Array, "D R"]
    """|error|² outside the span, in its mean."""


class Heard(NamedTuple):
    """What receivers hear in every draw."""

    y: SplitComplex
    """[D, R, N, B], received amplitudes."""
    power: Float[Array, "D R N B"]
    """|y|²."""
    rest: Float[Array, "D R K B"]
    """Noise, and the power of all beams but user k's."""


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


def in_span(strategy: Strategy, basis: Complex[Array, "n M S"]) -> Beams:
    """A strategy of unit power, whose noise is isotropic where the span does not reach."""
    u = jnp.concatenate([strategy.w, strategy.v], axis=-1)
    inside = jnp.einsum("nms,nmi->nsi", basis.conj(), u, precision="highest")
    f = algebra.split(inside)
    outside = 1.0 - algebra.sum_first(algebra.squared_norm(f))
    return Beams(f, jnp.maximum(outside, 0.0))


def at_unit_power(f: SplitComplex, outside: Float[Array, "B"]) -> Beams:
    """Beams and the noise outside the span, scaled together to unit power."""
    total = algebra.sum_first(algebra.squared_norm(f)) + outside
    return Beams(f.scale(jax.lax.rsqrt(total)), outside / total)


def sample(
    key: Key[Array, ""], num_draws: int, num_receivers: int, inside: int, outside: int
) -> Draws:
    """Fresh draws for S = `inside` dimensions of the span and E = `outside` others.

    All independent. Pairs of opposite errors would halve the products and cancel what is odd in an
    error, but of a link whose mean vanishes both are heard alike: half of the draws would be lost.
    """
    key_inside, key_outside = jax.random.split(key)
    shape = (2, num_draws * num_receivers, inside)
    re, im = jax.random.normal(key_inside, shape) * np.sqrt(0.5)
    z = jnp.block([[re, im], [-im, re]])
    gamma = jnp.ones((num_draws, num_receivers))
    if outside:
        powers = jax.random.exponential(key_outside, (outside, *gamma.shape))  # of each dimension
        gamma = jnp.mean(powers, axis=0)
    return Draws(z, gamma)


def amplitudes(known: Uncertain, draws: Draws, f: SplitComplex) -> SplitComplex:
    """hᴴf in every draw, [D, R, N, B]: one real matrix product for the whole batch."""
    size, num_beams, batch = f.shape
    num_draws, num_receivers = draws.gamma.shape
    if known.roots is not None:
        through = algebra.hermitian_product(known.roots, f)
        parts = jnp.stack([through.re, through.im]).reshape(2, num_receivers, size, -1)
        product = jnp.einsum("pdrqs,qrsc->pdrc", _by_receiver(draws), parts, precision="highest")
        product = product.reshape(2, num_draws, num_receivers, num_beams, batch)
        mean = algebra.hermitian_product(known.mean, f)
        return SplitComplex(mean.re[None] + product[0], mean.im[None] + product[1])
    parts = jnp.stack([f.re, f.im]).reshape(2 * size, num_beams * batch)
    product = jnp.matmul(draws.z, parts, precision="highest")
    product = product.reshape(2, num_draws, num_receivers, num_beams, batch)
    scale = jnp.sqrt(known.error)[None, :, None]
    mean = algebra.hermitian_product(known.mean, f)
    return SplitComplex(mean.re[None] + scale * product[0], mean.im[None] + scale * product[1])


def combined(known: Uncertain, draws: Draws, c: SplitComplex) -> SplitComplex:
    """Σ_dr c[d, r, n]·h_dr over the draws' channels h_dr, [S, N, B]: `amplitudes` transposed."""
    num_draws, num_receivers = draws.gamma.shape
    size, shape = known.mean.shape[1], c.shape[2:]
    total = SplitComplex(jnp.sum(c.re, axis=0), jnp.sum(c.im, axis=0))
    mean = algebra.combine(known.mean, total)
    if known.roots is not None:
        parts = jnp.stack([c.re, c.im]).reshape(2, num_draws, num_receivers, -1)
        product = jnp.einsum("pdrqs,pdrc->qrsc", _by_receiver(draws), parts, precision="highest")
        product = product.reshape(2, num_receivers * size, *shape)
        return mean + algebra.combine(known.roots, SplitComplex(product[0], product[1]))
    scale = jnp.sqrt(known.error)[None, :, None]
    parts = jnp.stack([scale * c.re, scale * c.im]).reshape(draws.z.shape[0], -1)
    product = jnp.matmul(draws.z.T, parts, precision="highest").reshape(2, size, *shape)
    return mean + SplitComplex(product[0], product[1])


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


def _by_receiver(draws: Draws) -> Float[Array, "2 D R 2 S"]:
    num_draws, num_receivers = draws.gamma.shape
    return draws.z.reshape(2, num_draws, num_receivers, 2, -1)


def hear(known: Uncertain, draws: Draws, beams: Beams, num_users: int) -> Heard:
    """What every receiver hears of beams of unit total power."""
    y = amplitudes(known, draws, beams.f)
    power = y.abs2()
    noise = 1.0 + known.error[None] * draws.gamma[..., None] * beams.outside[None, None]
    if power.shape[2] > num_users:
        noise = noise + jnp.sum(power[:, :, num_users:], axis=2)
    return Heard(y, power, others(power[:, :, :num_users], noise))


def others(power: Float[Array, "D R K B"], noise: Float[Array, "D R B"]) -> Float[Array, "D R K B"]:
    """Noise and the other users' power, a sum of non-negative terms."""
    count = power.shape[2]
    terms = [[power[:, :, i] for i in range(count) if i != k] for k in range(count)]
    return jnp.stack([functools.reduce(operator.add, [noise, *rest]) for rest in terms], axis=2)


def own(x: Float[Array, "D R K B"], num_users: int) -> Float[Array, "D K B"]:
    """Entries [d, k, k] of the users' rows."""
    return jnp.stack([x[:, k, k] for k in range(num_users)], axis=1)


def link_rates(
    heard: Heard, num_users: int
) -> tuple[Float[Array, "D K B"], Float[Array, "D L K B"]]:
    """R_k and R^e_lk of P1 (3), (4) in every draw."""
    signal = heard.power[:, :, :num_users]
    rate = jnp.log1p(own(signal, num_users) / own(heard.rest, num_users)) / LN2
    return rate, jnp.log1p(signal[:, num_users:] / heard.rest[:, num_users:]) / LN2


def sum_rates(known: Uncertain, draws: Draws, beams: Beams, num_users: int) -> Float[Array, "D B"]:
    """Sum secrecy rate (7) in every draw, bit/s/Hz."""
    rate, wiretap = link_rates(hear(known, draws, beams, num_users), num_users)
    worst = jnp.max(wiretap, axis=1, initial=0.0)
    return jnp.sum(jnp.maximum(rate - worst, 0.0), axis=1)

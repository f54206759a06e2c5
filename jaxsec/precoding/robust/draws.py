"""Draws of what is not known of channels, and amplitudes that receivers hear in each of them.

Amplitudes are hᴴf = meanᴴf + √error·zᴴf, z the same for all channels of a batch: one real matrix
product for all of them, by far the most of the work. It is kept apart from the mean's part, which
all draws share, and nothing of the size of both is written until it must be: on CPU such arrays
cost more time than what is computed of them (`batched.kernels`).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.kernels import no_inline
from jaxsec.precoding.robust.problem import Uncertain


class Draws(NamedTuple):
    """D draws of the errors, the same for all channels of a batch."""

    z: Float[Array, "DR S2"]
    """Of every draw and receiver conj(z): real parts, then imaginary ones."""
    gamma: Float[Array, "D R"]
    """|error|² outside the span, in its mean."""


class Amplitudes(NamedTuple):
    """hᴴf of some beams in every draw, mean + scale·drawn; real part and imaginary part."""

    mean: Float[Array, "R 2 N B"]
    scale: Float[Array, "R B"]
    drawn: Float[Array, "D R 2 N B"]


def sample(
    key: Key[Array, ""], num_draws: int, num_receivers: int, inside: int, outside: int
) -> Draws:
    """Fresh draws for S = `inside` dimensions of the span and E = `outside` others.

    All independent. Pairs of opposite errors would halve the products and cancel what is odd in an
    error, but of a link whose mean vanishes both are heard alike: half of the draws would be lost.
    """
    key_inside, key_outside = jax.random.split(key)
    z = jax.random.normal(key_inside, (num_draws * num_receivers, 2 * inside)) * np.sqrt(0.5)
    gamma = jnp.ones((num_draws, num_receivers))
    if outside:
        powers = jax.random.exponential(key_outside, (outside, *gamma.shape))  # of each dimension
        gamma = jnp.mean(powers, axis=0)
    return Draws(z, gamma)


def first(draws: Draws, number: int) -> Draws:
    """As many of them."""
    num_receivers = draws.gamma.shape[1]
    return Draws(draws.z[: number * num_receivers], draws.gamma[:number])


def parts(draws: Draws, number: int) -> Draws:
    """The same, that many at a time, on a leading axis."""
    return jax.tree.map(lambda x: x.reshape(len(draws.gamma) // number, -1, x.shape[1]), draws)


def of_receivers(draws: Draws, rows: Int[Array, "R1"]) -> Draws:
    """The draws of some of the receivers."""
    z = _by_receiver(draws)[:, rows]
    return Draws(z.reshape(-1, z.shape[2]), draws.gamma[:, rows])


def amplitudes(known: Uncertain, draws: Draws, f: SplitComplex) -> Amplitudes:
    """What is heard of the beams f [S, N, B]."""
    size, *columns = f.shape
    shape = (*draws.gamma.shape, 2, *columns)
    if known.roots is None:
        scale = jnp.sqrt(known.error)
        both = _both_parts(f, axis=0).reshape(2 * size, -1)
        drawn = jnp.matmul(draws.z, both, precision="highest")
    else:
        scale = jnp.ones_like(known.error)
        through = algebra.hermitian_product(known.roots, f)  # [RS, N, B]
        each = jax.tree.map(lambda x: x.reshape(-1, size, *columns), through)
        both = _both_parts(each, axis=1)
        both = both.reshape(*both.shape[:2], -1)
        drawn = jnp.einsum("drs,rsc->drc", _by_receiver(draws), both, precision="highest")
    return Amplitudes(_means(known.mean, f), scale, drawn.reshape(shape))


def weighed_channels(
    known: Uncertain, draws: Draws, heard: Amplitudes, change: Float[Array, "D R N B"]
) -> SplitComplex:
    """Σ_dr change[d, r, n]·h_dr·h_drᴴf_n over the draws' channels, [S, N, B]."""
    size = known.mean.shape[1]
    columns = heard.mean.shape[2:]
    weighed = _weighed(heard, change)
    total = jnp.sum(weighed, axis=0)
    mean = algebra.combine(known.mean, SplitComplex(total[:, 0], total[:, 1]))
    weighed = _scaled(weighed, heard.scale)
    if known.roots is None:
        flat = weighed.reshape(draws.z.shape[0], -1)
        product = jnp.matmul(draws.z.T, flat, precision="highest")
        return mean + _transposed(product.reshape(2, size, 2, *columns))
    flat = weighed.reshape(*draws.gamma.shape, -1)
    product = jnp.einsum("drs,drc->src", _by_receiver(draws), flat, precision="highest")
    product = product.reshape(2, size, -1, 2, *columns)
    each = jax.tree.map(
        lambda x: jnp.swapaxes(x, 0, 1).reshape(-1, *columns),
        _transposed(jnp.moveaxis(product, 3, 2)),
    )
    return mean + algebra.combine(known.roots, each)


def at(heard: Amplitudes) -> Float[Array, "D R 2 N B"]:
    """The amplitudes; inside of a kernel."""
    return heard.mean[None] + heard.scale[None, :, None, None] * heard.drawn


@no_inline
def power(heard: Amplitudes) -> Float[Array, "D R N B"]:
    """|hᴴf|²."""
    y = at(heard)
    return jnp.square(y[:, :, 0]) + jnp.square(y[:, :, 1])


@no_inline
def power_of_all(heard: Amplitudes) -> Float[Array, "D R B"]:
    """Σ_n |hᴴf_n|²."""
    y = at(heard)
    terms = [jnp.square(y[:, :, :, n]) for n in range(y.shape[3])]
    both = sum(terms[1:], terms[0])
    return both[:, :, 0] + both[:, :, 1]


@no_inline
def _means(mean: SplitComplex, f: SplitComplex) -> Float[Array, "R 2 N B"]:
    product = algebra.hermitian_product(mean, f)
    return jnp.stack([product.re, product.im], axis=1)


@no_inline
def _weighed(heard: Amplitudes, change: Float[Array, "D R N B"]) -> Float[Array, "D R 2 N B"]:
    return at(heard) * change[:, :, None]


@no_inline
def _scaled(x: Float[Array, "D R 2 N B"], scale: Float[Array, "R B"]) -> Float[Array, "D R 2 N B"]:
    return x * scale[None, :, None, None]


def _both_parts(f: SplitComplex, axis: int) -> Float[Array, "*most 2 N B"]:
    """Columns by which conj(z), its parts side by side, makes real and imaginary part of zᴴf; the
    entries of z are on `axis`, of twice the length after it."""
    real = jnp.concatenate([f.re, -f.im], axis=axis)
    imaginary = jnp.concatenate([f.im, f.re], axis=axis)
    return jnp.stack([real, imaginary], axis=axis + 1)


def _transposed(product: Float[Array, "2 S 2 *rest"]) -> SplitComplex:
    """Σ c·z of the products of both parts of conj(z) with both parts of c."""
    return SplitComplex(product[0, :, 0] + product[1, :, 1], product[0, :, 1] - product[1, :, 0])


def _by_receiver(draws: Draws) -> Float[Array, "D R S2"]:
    return draws.z.reshape(*draws.gamma.shape, -1)

"""A batch of reduced secrecy problems, and the rates of beams on them.

What every classical designer works on: channels over receiver noise, batch last (`batched`), in
coordinates of any D-dimensional space that holds them. R = K + L receivers, users first; N = K + J
beams f = [w_1 … w_K, v_1 … v_J] of unit total power, so that the noise at every receiver is ‖f‖².
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.kernels import one_kernel
from jaxsec.secrecy import LN2

DEFAULT_NOISE_BEAMS = 2
"""J where nothing asks for more; in P1's scenario more noise beams gain next to nothing."""


class Problem(NamedTuple):
    """What stays fixed during the iteration."""

    h: SplitComplex
    """[R, D, B] channels over receiver noise, users first."""
    norms2: Float[Array, "R B"]
    """Squared norms of the channels."""
    weights: Float[Array, "K B"]
    """User weights of the sum."""


class Iterate(NamedTuple):
    """Beams of unit total power and what every receiver hears of them."""

    f: SplitComplex
    """[D, N, B]."""
    y: SplitComplex
    """[R, N, B], y = hᴴf."""


class Rates(NamedTuple):
    """Weighted sum secrecy rates, bit/s/Hz."""

    smooth: Float[Array, "*trials B"]
    hard: Float[Array, "*trials B"]


def as_problem(h: SplitComplex, num_users: int) -> Problem:
    """The problem of channels h [R, D, B], all users weighing alike."""
    ones = jnp.ones((num_users, h.shape[-1]), h.re.dtype)
    return Problem(h, algebra.squared_norm(algebra.transpose(h)), ones)


def start_from(problem: Problem, f: SplitComplex) -> Iterate:
    """Scales beams to unit total power; all-zero beams stay."""
    norm2 = algebra.sum_first(algebra.squared_norm(f))
    f = f.scale(jax.lax.rsqrt(jnp.where(norm2 > 0, norm2, 1.0)))
    return Iterate(f, algebra.hermitian_product(problem.h, f))


def rates_of(
    problem: Problem,
    power: Float[Array, "R N *trials B"],
    noise: Float[Array, "*trials B"],
    smoothing: Float[Array, ""],
) -> Rates:
    """P1 (5)–(7) from received powers, with `noise` = ‖f‖² at every receiver."""
    rate, wiretap = link_rates(problem.weights, power, noise)
    return _secrecy(problem.weights, rate, wiretap, smoothing)


@one_kernel
def link_rates(
    weights: Float[Array, "K B"],
    power: Float[Array, "R N *trials B"],
    noise: Float[Array, "*trials B"],
) -> tuple[Float[Array, "K *trials B"], Float[Array, "L K *trials B"]]:
    """R_k and R^e_lk of P1 (3), (4)."""
    num_users = weights.shape[0]
    rest = others(power, num_users, noise)
    rate = jnp.log1p(algebra.diagonal(power, num_users) / algebra.diagonal(rest, num_users)) / LN2
    return rate, jnp.log1p(power[num_users:, :num_users] / rest[num_users:]) / LN2


@one_kernel
def _secrecy(
    weights: Float[Array, "K B"], rate: Array, wiretap: Array, smoothing: Float[Array, ""]
) -> Rates:
    weights = weights.reshape(-1, *(1,) * (rate.ndim - 2), rate.shape[-1])
    if wiretap.shape[0] == 0:
        hard = algebra.sum_first(weights * rate)
        return Rates(hard, hard)
    worst = algebra.max_first(wiretap)
    spread = algebra.sum_first(jnp.exp((wiretap - worst[None]) / smoothing))
    smooth = rate - worst - smoothing * jnp.log(spread)  # the inside of P1 (6)
    hard = jnp.maximum(rate - worst, 0.0)  # P1 (5)
    return Rates(algebra.sum_first(weights * smooth), algebra.sum_first(weights * hard))


def others(power: Array, num_users: int, noise: Array) -> Array:
    """[R, K, *trials, B]: noise and the power of all beams but k, a sum of non-negative terms."""
    disturbance = jnp.broadcast_to(noise[None], (power.shape[0], *noise.shape))
    if power.shape[1] > num_users:
        disturbance = disturbance + algebra.sum_second(power[:, num_users:])
    return algebra.sum_others(power[:, :num_users], disturbance)

"""An objective and its power constraint on a chunk of channels, the batch last (`batched`).

R = K + L receivers, users first, channels over the receiver noise; D coordinates of the antennas,
or of the span of the channels where the constraint is on the total power; N = K + J beams
u = [w_1 … w_K, v_1 … v_J], and T trials of them.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.elimination import solve_hermitian
from jaxsec.precoding.problem import link_rates
from jaxsec.secrecy import LN2, Objective, PowerConstraint


class Task(NamedTuple):
    """What stays fixed during the ascent."""

    h: SplitComplex
    """[R, D, B] channels over receiver noise, users first."""
    objective: Objective
    """Its numbers are [B] or [B, K]."""
    constraint: PowerConstraint
    """Its numbers are [B, D]."""


class Beams(NamedTuple):
    """Beams within the constraint, and what every receiver hears of them."""

    u: SplitComplex
    """[D, N, B]."""
    y: SplitComplex
    """[R, N, B], y = hᴴu."""


class Values(NamedTuple):
    """An objective of beams."""

    smooth: Float[Array, "T B"]
    hard: Float[Array, "T B"]


def values(
    task: Task, y: SplitComplex, spent: Float[Array, "T B"], num_users: int, smoothing: Any
) -> Values:
    """Both forms of the objective, of received amplitudes y [R, N, T, B] and the power spent."""
    rate, smooth, worst = rates(task, y, num_users, smoothing)
    inner = jnp.moveaxis(rate - smooth, 0, -1)
    secrecy = jnp.moveaxis(jnp.maximum(rate - worst, 0.0), 0, -1)
    objective = task.objective
    return Values(objective.smooth(inner, spent, smoothing), objective.value(secrecy, spent))


def rates(
    task: Task, y: SplitComplex, num_users: int, smoothing: Any
) -> tuple[Float[Array, "K T B"], Float[Array, "K T B"], Float[Array, "K T B"]]:
    """What users decode, and what eavesdroppers do of it at most, without corners and truly."""
    power = y.abs2()
    noise = jnp.ones_like(power[0, 0])
    rate, wiretap = link_rates(power[0, :num_users, 0], power, noise)
    if y.shape[0] == num_users:
        return rate, jnp.zeros_like(rate), jnp.zeros_like(rate)
    if task.objective.colluding:
        together = _colluding(y[num_users:], num_users)
        return rate, together, together
    smooth = smoothing * jax.nn.logsumexp(wiretap / smoothing, axis=0)
    return rate, smooth, jnp.max(wiretap, axis=0)


def _colluding(y: SplitComplex, num_users: int) -> Float[Array, "K T B"]:
    """log2(1 + aᴴC⁻¹a) for the beam a of each user and the covariance C of all the rest.

    aᴴC⁻¹a = 2·Re(aᴴx) − xᴴCx is stationary in x = C⁻¹a, so that its gradient needs no derivative
    of the elimination.
    """
    num_eves, num_beams, *tail = y.shape
    unit = jnp.eye(num_eves).reshape(num_eves, num_eves, *(1,) * len(tail))
    found = []
    for k in range(num_users):
        rest = algebra.concatenate([y[:, :k], y[:, k + 1 :]], axis=1)
        x = _whitened(rest, y[:, k], unit)
        heard = algebra.fold(num_eves, lambda l, x=x, k=k: (x[l].conj() * y[l, k]).re)
        fixed = algebra.squared_norm(x)
        for n in range(num_beams - 1):
            gain = algebra.fold(num_eves, lambda l, x=x, rest=rest, n=n: x[l].conj() * rest[l, n])
            fixed = fixed + gain.abs2()
        found.append(jnp.log1p(2.0 * heard - fixed) / LN2)
    return jnp.stack(found)


def _whitened(rest: SplitComplex, a: SplitComplex, unit: Array) -> SplitComplex:
    """C⁻¹a [L, T, B], C = I + Σ_n rest_n rest_nᴴ, without a gradient."""
    rest, a = jax.tree.map(jax.lax.stop_gradient, (rest, a))
    num_eves, num_beams, *tail = rest.shape
    zero = SplitComplex(
        jnp.zeros((num_eves, num_eves, *tail)), jnp.zeros((num_eves, num_eves, *tail))
    )
    covariance = zero
    for n in range(num_beams):
        covariance = covariance + rest[:, None, n] * rest[None, :, n].conj()
    covariance = SplitComplex(covariance.re + unit, covariance.im)
    flat = jax.tree.map(lambda x: x.reshape(num_eves, -1, x[0, 0].size), covariance)
    right = jax.tree.map(lambda x: x.reshape(num_eves, 1, -1), a)
    x = solve_hermitian(flat, right, jnp.ones(right.shape[-1]))
    return jax.tree.map(lambda part: part.reshape(num_eves, *tail), x)

"""One step of the stochastic generalised power iteration, on a batch of uncertain channels.

Notation as in `gpip.step`, of which this is the form for channels that are drawn anew for every
step. In a draw the secrecy rate is stationary where A_n f_n = B_n f_n for every beam n, with h_r
the drawn channels, ω the draw's weight in the objective (`secrecy.OverDraws.weights`), c_k = ω for
users whose rate is above zero, softly, and p_lk = c_k·softmax_l(R^e_lk / smoothing):

    A_n = Σ_k c_k/T_k·h_k h_kᴴ + Σ_l Σ_{k≠n} p_lk/I^e_lk·g_l g_lᴴ + α I
    B_n = Σ_{k≠n} c_k/I_k·h_k h_kᴴ + Σ_l (Σ_k p_lk)/E_l·g_l g_lᴴ + β I

1. f ← f + η·B⁻¹(A − B)f with (A − B)f, the gradient, from the draws; B from their second moments,
   mean·meanᴴ + error·I, its weights smoothed over steps. A sample average of B could be inverted
   by nulling the errors that were drawn; second moments cannot.
2. No line search, since a rate on draws is noise: η falls, and later iterates are averaged.
3. The isotropic noise outside the span has no direction: its amplitude takes the same step.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.elimination import solve_hermitian
from jaxsec.precoding.robust.problem import (
    Beams,
    Draws,
    Heard,
    Uncertain,
    at_unit_power,
    combined,
    hear,
    link_rates,
    own,
    second_moment,
)
from jaxsec.secrecy import OverDraws

SMOOTHING = 0.1
"""Of the maximum over eavesdroppers, bit/s/Hz."""
THRESHOLD = 0.2
"""Of users' rates at zero, below which a user's leakage no longer counts, bit/s/Hz."""
MEMORY = 0.8
"""Part of the weights in B that stays from step to step."""
MIN_CHANGE, MAX_CHANGE = -0.9, 2.0
"""Relative step of the amplitude outside the span, before η."""


class Terms(NamedTuple):
    """Coefficients of A − B and of B."""

    change: Float[Array, "D R N B"]
    """Of h_r h_rᴴ in A_n − B_n."""
    noise: Float[Array, "B"]
    """α − β."""
    weight: Float[Array, "R1 B"]
    """Of h_r h_rᴴ in B_0, over draws, and β last."""


def step(
    known: Uncertain,
    draws: Draws,
    beams: Beams,
    memory: Float[Array, "R1 B"],
    objective: OverDraws,
    num_users: int,
    length: Float[Array, ""],
) -> tuple[Beams, Float[Array, "R1 B"]]:
    """Beams of unit power after a step of length η, and the weights of B to remember.

    Args:
      known: the channels' means and errors.
      draws: fresh ones.
      beams: of unit power.
      memory: weights of B from the step before; negative ahead of the first.
      objective: over draws.
      num_users: K.
      length: η.
    """
    heard = hear(known, draws, beams, num_users)
    terms = _terms(heard, objective, num_users)
    weight = jnp.where(memory < 0, terms.weight, MEMORY * memory + (1 - MEMORY) * terms.weight)
    gradient = _gradient(known, draws, beams.f, heard.y, terms)
    direction = _solve(known, weight, gradient, num_users)
    f = beams.f + direction.scale(length)
    outside = jnp.square(
        jnp.sqrt(beams.outside) * (1.0 + length * _outside(known, draws, terms, weight))
    )
    return at_unit_power(f, outside), weight


def _terms(heard: Heard, objective: OverDraws, num_users: int) -> Terms:
    rate, wiretap = link_rates(heard, num_users)
    worst = jnp.max(wiretap, axis=1, initial=0.0)
    secrecy = rate - worst
    omega = objective.weights(jnp.sum(jnp.maximum(secrecy, 0.0), axis=1))
    c = omega[:, None] * jax.nn.sigmoid(secrecy / THRESHOLD)  # [D, K, B]
    interference = own(heard.rest, num_users)
    user_b = c / interference
    user_a = c / (interference + own(heard.power[:, :, :num_users], num_users))
    num_beams = heard.power.shape[2]
    not_own = (np.arange(num_users)[:, None] != np.arange(num_beams))[None, :, :, None]
    user = user_a[:, :, None] - user_b[:, :, None] * jnp.asarray(not_own, c.dtype)

    leaked = jax.nn.softmax(wiretap / SMOOTHING, axis=1) * c[:, None]  # p, [D, L, K, B]
    rest = heard.rest[:, num_users:]
    eve_b = jnp.sum(leaked, axis=2) / (rest[:, :, 0] + heard.power[:, num_users:, 0])
    parts = leaked / rest
    eve_a = jnp.sum(parts, axis=2)
    eve = [eve_a - parts[:, :, k] - eve_b for k in range(num_users)]
    eve += [eve_a - eve_b] * (num_beams - num_users)

    beta = jnp.sum(user_b, axis=(0, 1)) + jnp.sum(eve_b, axis=(0, 1))
    alpha = jnp.sum(user_a, axis=(0, 1)) + jnp.sum(eve_a, axis=(0, 1))
    weight = [jnp.sum(user_b, axis=0), jnp.sum(eve_b, axis=0), beta[None]]
    return Terms(
        jnp.concatenate([user, jnp.stack(eve, axis=2)], axis=1),
        alpha - beta,
        jnp.concatenate(weight),
    )


def _gradient(
    known: Uncertain, draws: Draws, f: SplitComplex, y: SplitComplex, terms: Terms
) -> SplitComplex:
    """(A − B)f over the draws, [S, N, B]."""
    weighed = SplitComplex(terms.change * y.re, terms.change * y.im)
    return combined(known, draws, weighed) + f.scale(terms.noise)


def _solve(
    known: Uncertain, weight: Float[Array, "R1 B"], gradient: SplitComplex, num_users: int
) -> SplitComplex:
    """B_n⁻¹ of every beam's gradient, B_n of second moments."""
    size, num_beams, batch = gradient.shape
    b, beta = weight[:-1], weight[-1]

    def matrix(weights: Float[Array, "R B"]) -> SplitComplex:
        return second_moment(known, weights, beta)

    # Each user's beam has a matrix of its own: users side by side in the batch.
    number = np.arange(b.shape[0])[:, None]
    each = [matrix(b * jnp.asarray(number != k, b.dtype)) for k in range(num_users)]
    users = jax.tree.map(lambda *x: jnp.concatenate(x, axis=-1), *each)
    right = jax.tree.map(lambda x: x[:, :num_users].reshape(size, 1, -1), gradient)
    found = solve_hermitian(users, right, jnp.tile(beta, num_users))
    found = jax.tree.map(lambda x: x.reshape(size, num_users, batch), found)
    if num_beams == num_users:
        return found
    noise = solve_hermitian(matrix(b), gradient[:, num_users:], beta)
    return algebra.concatenate([found, noise], axis=1)


def _outside(
    known: Uncertain, draws: Draws, terms: Terms, weight: Float[Array, "R1 B"]
) -> Float[Array, "B"]:
    """The step of the amplitude of the noise outside the span, over the amplitude."""
    change = terms.change[:, :, -1]  # of a noise beam; of any beam where there is none
    heard = jnp.sum(known.error[None] * draws.gamma[..., None] * change, axis=(0, 1))
    ridge = weight[-1] + jnp.sum(weight[:-1] * known.error, axis=0)
    return jnp.clip((terms.noise + heard) / ridge, MIN_CHANGE, MAX_CHANGE)

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
from jaxsec.precoding.batched.kernels import no_inline
from jaxsec.precoding.robust.draws import Draws, amplitudes, power, weighed_channels
from jaxsec.precoding.robust.heard import Heard, interference, noise_of
from jaxsec.precoding.robust.problem import Beams, Uncertain, at_unit_power, second_moment
from jaxsec.secrecy import MEAN, OverDraws

SHARPNESS = 16
"""Of the maximum over eavesdroppers: exp(R / smoothing) is (1 + SINR)^16 where the smoothing is
1/(16 ln 2) = 0.09 bit/s/Hz, and needs neither logarithm nor exponential."""
CARE = 8
"""Of users' rates at zero, below which a user's leakage no longer counts: a logistic function of
rates over 1/(8 ln 2) = 0.18 bit/s/Hz, likewise."""
MEMORY = 0.8
"""Part of the weights in B that stays from step to step."""
MIN_CHANGE, MAX_CHANGE = -0.9, 2.0
"""Relative step of the amplitude outside the span, before η."""


class Terms(NamedTuple):
    """Coefficients of A − B and of B."""

    users: Float[Array, "D R K B"]
    """Of h_r h_rᴴ in A_n − B_n, for users' beams n."""
    noise: Float[Array, "D R B"]
    """The same for noise beams, all alike."""
    ridge: Float[Array, "B"]
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
    gradient, terms = slopes(known, draws, beams, objective, num_users)
    weight = jnp.where(memory < 0, terms.weight, MEMORY * memory + (1 - MEMORY) * terms.weight)
    direction = _solve(known, weight, gradient.f, num_users)
    ridge = weight[-1] + jnp.sum(weight[:-1] * known.error, axis=0)
    change = jnp.clip(gradient.outside / ridge, MIN_CHANGE, MAX_CHANGE)
    f = beams.f + direction.scale(length)
    outside = jnp.square(jnp.sqrt(beams.outside) * (1.0 + length * change))
    return at_unit_power(f, outside), weight


def slopes(
    known: Uncertain, draws: Draws, beams: Beams, objective: OverDraws, num_users: int
) -> tuple[Beams, Terms]:
    """(A − B)f, and of the amplitude outside the span the same over the amplitude."""
    w, v = beams.f[:, :num_users], beams.f[:, num_users:]
    heard_w, heard_v = amplitudes(known, draws, w), amplitudes(known, draws, v)
    heard = Heard(power(heard_w), noise_of(known, draws, heard_v, beams.outside))
    terms = _terms(heard, objective)
    gradient = weighed_channels(known, draws, heard_w, terms.users)
    if v.shape[1]:
        shared = jnp.broadcast_to(terms.noise[:, :, None], (*heard_v.drawn.shape[:2], *v.shape[1:]))
        noise = weighed_channels(known, draws, heard_v, shared)
        gradient = algebra.concatenate([gradient, noise], axis=1)
    change = known.error[None] * draws.gamma[..., None] * terms.noise
    outside = terms.ridge + jnp.sum(change, axis=(0, 1))
    return Beams(gradient + beams.f.scale(terms.ridge), outside), terms


def _terms(heard: Heard, objective: OverDraws) -> Terms:
    own, rest = interference(heard)
    user, eve = _all_heard(heard)
    lost, worst = _lost(own, user, rest, eve)
    if objective == MEAN:
        omega = jnp.full_like(own[:, 0], 1.0 / own.shape[0])
    else:
        omega = objective.weights(jnp.sum(jnp.maximum(-jnp.log2(lost), 0.0), axis=1))
    c = omega[:, None] / (1.0 + lost**CARE)  # [D, K, B]
    user_b, user_a = c / own, c / user
    leaked = _leaked(rest, eve, worst, c)  # p, [D, K, L, B]
    parts = leaked / rest
    eve_b, eve_a = jnp.sum(leaked, axis=1) / eve, jnp.sum(parts, axis=1)
    beta = jnp.sum(user_b, axis=(0, 1)) + jnp.sum(eve_b, axis=(0, 1))
    alpha = jnp.sum(user_a, axis=(0, 1)) + jnp.sum(eve_a, axis=(0, 1))
    weight = [jnp.sum(user_b, axis=0), jnp.sum(eve_b, axis=0), beta[None]]
    noise = jnp.concatenate([user_a - user_b, eve_a - eve_b], axis=1)
    return Terms(_change(noise, user_b, parts), noise, alpha - beta, jnp.concatenate(weight))


@no_inline
def _all_heard(heard: Heard) -> tuple[Float[Array, "D K B"], Float[Array, "D L B"]]:
    """Everything that users and eavesdroppers hear."""
    num_users = heard.users.shape[2]
    total = heard.noise
    for k in range(num_users):
        total = total + heard.users[:, :, k]
    return total[:, :num_users], total[:, num_users:]


@no_inline
def _lost(
    own: Float[Array, "D K B"],
    user: Float[Array, "D K B"],
    rest: Float[Array, "D K L B"],
    eve: Float[Array, "D L B"],
) -> tuple[Float[Array, "D K B"], Float[Array, "D K B"]]:
    """2^−(R_k − max_l R^e_lk) of every user, and 2^(max_l R^e_lk)."""
    worst = jnp.ones_like(own)
    for l in range(eve.shape[1]):
        worst = jnp.maximum(worst, eve[:, None, l] / rest[:, :, l])
    return worst * own / user, worst


@no_inline
def _leaked(
    rest: Float[Array, "D K L B"],
    eve: Float[Array, "D L B"],
    worst: Float[Array, "D K B"],
    c: Float[Array, "D K B"],
) -> Float[Array, "D K L B"]:
    """p_lk."""
    loud = (eve[:, None] / (rest * worst[:, :, None])) ** SHARPNESS
    return loud * (c / sum(loud[:, :, l] for l in range(eve.shape[1])))[:, :, None]


@no_inline
def _change(
    noise: Float[Array, "D R B"], user_b: Float[Array, "D K B"], parts: Float[Array, "D K L B"]
) -> Float[Array, "D R K B"]:
    """Of users' beams: what they do not leak to themselves, and do to eavesdroppers."""
    num_users = user_b.shape[1]
    own = jnp.eye(num_users, dtype=noise.dtype)[None, :, :, None]
    users = noise[:, :num_users, None] + own * user_b[:, :, None]
    eves = noise[:, num_users:, None] - jnp.moveaxis(parts, 1, 2)
    return jnp.concatenate([users, eves], axis=1)


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

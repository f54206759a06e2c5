"""One step of the joint generalised power iteration (OPT), on a batch of reduced problems.

Notation, batch B last (`batchlast`): R = K + L receivers, users first; D dimensions of the span of
the channels; N = K + J beams f = [w_1 … w_K, v_1 … v_J]. Channels are divided by the receiver
noise and ‖f‖² = 1 throughout, so the noise at every receiver is ‖f‖².

The smooth weighted sum secrecy rate, with p_lk = weight_k·softmax_l(R^e_lk / smoothing), is
stationary where A_n f_n = B_n f_n for every beam n (Choi et al., IEEE TCOM 2023, Lemma 1; here for
P1 (6)):

    B_0 = β I + Σ_k weight_k/I_k·h_k h_kᴴ + Σ_l (Σ_k p_lk)/E_l·g_l g_lᴴ
    B_k = B_0 − weight_k/I_k·h_k h_kᴴ

with T_k, I_k user k's total power and interference, E_l, I^e_lk those of eavesdropper l, and
β = Σ_k weight_k/I_k + Σ_l (Σ_k p_lk)/E_l. (A_n − B_n)f_n is the rate's gradient times ln 2.

Deviations from the literature's iteration f ← B⁻¹A f, each with what it buys:
1. f ← f + η·B⁻¹(A − B)f with η by line search (η = 1 is the literature's). Gains are linear in f,
   so a trial costs no matrix work. The smooth rate never falls; the plain iteration oscillates.
2. One elimination of B_0 serves all beams; B_k differs from it by rank one. The textbook
   correction divides by 1 − h_kᴴB_0⁻¹h_k·weight_k/I_k ≈ 1/SINR, all cancellation in float32;
   it is computed as the quotient zᴴB_k z / zᴴh_k, z = B_0⁻¹h_k, a sum of positive terms.
3. Everything lives in the span of the channels: D = min(M, K + L).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding import batchlast as bl
from jaxsec.precoding.batchlast import Split
from jaxsec.precoding.stages import stage
from jaxsec.secrecy import LN2

STEP_SIZES = (0.3, 1.0, 2.0, 4.0)
"""Values of η tried at every step, besides 0; the large ones matter below 10 dB of link SNR."""


class Problem(NamedTuple):
    """What stays fixed during the iteration."""

    h: Split
    """[R, D, B] channels over receiver noise, users first."""
    norms2: Float[Array, "R B"]
    """Squared norms of the channels."""
    weights: Float[Array, "K B"]
    """User weights of the sum."""


class Iterate(NamedTuple):
    """Beams of unit total power and what every receiver hears of them."""

    f: Split
    """[D, N, B]."""
    y: Split
    """[R, N, B], y = hᴴf."""


class Rates(NamedTuple):
    """Weighted sum secrecy rates, bit/s/Hz."""

    smooth: Float[Array, "*trials B"]
    hard: Float[Array, "*trials B"]


def start_from(problem: Problem, f: Split) -> Iterate:
    """Scales beams to unit total power; all-zero beams stay."""
    norm2 = bl.sum_first(bl.norm2(f))
    f = f.scale(jax.lax.rsqrt(jnp.where(norm2 > 0, norm2, 1.0)))
    return Iterate(f, bl.gains(problem.h, f))


def rates(
    problem: Problem,
    power: Float[Array, "R N *trials B"],
    noise: Float[Array, "*trials B"],
    smoothing: Float[Array, ""],
) -> Rates:
    """P1 (5)–(7) from received powers, with `noise` = ‖f‖² at every receiver."""
    rate, wiretap = _link_rates(problem.weights, power, noise)
    return _secrecy(problem.weights, rate, wiretap, smoothing)


def plain_step(
    problem: Problem, iterate: Iterate, smoothing: Float[Array, ""]
) -> tuple[Iterate, Float[Array, "2 B"]]:
    """The literature's step f ← B⁻¹A f =: f + move, to unit power, and (Re⟨f, move⟩, ‖move‖²)."""
    move, _, lengths = _direction(problem, iterate, smoothing)
    return start_from(problem, iterate.f + move), lengths


def searched_step(
    problem: Problem, iterate: Iterate, smoothing: Float[Array, ""]
) -> tuple[Iterate, Rates, Float[Array, "2 B"]]:
    """Step along B⁻¹(A − B)f by the best of `STEP_SIZES`; stays if none raises the smooth rate.

    Returns the new iterate, its rates, and (Re⟨f, move⟩, ‖move‖²) of the full move at the old one.
    """
    move, y_move, lengths = _direction(problem, iterate, smoothing)
    power, noise = _trials(iterate.y, y_move, lengths)
    trial = rates(problem, power, noise, smoothing)
    reached, chosen = _best_trial(trial, lengths)
    return _move(iterate, move, y_move, chosen), reached, lengths


def _direction(
    problem: Problem, iterate: Iterate, smoothing: Float[Array, ""]
) -> tuple[Split, Split, Float[Array, "2 B"]]:
    """B⁻¹(A − B)f [D, N, B], its gains [R, N, B], and (Re⟨f, move⟩, ‖move‖²) [2, B]."""
    links = _links(problem.weights, iterate.y)
    leak = _leakage_weights(problem.weights, links.wiretap, smoothing)
    system = _system_weights(problem, iterate.y, links, leak)
    gradient = _gradient_gains(problem.weights, iterate.y, links, leak, system)
    solution = bl.solve_augmented(_augmented(problem, iterate.f, system, gradient), system.ridge)
    move = _correct(solution, _rank_one(problem, solution, system))
    return _reception(problem.h, iterate.f, move)


class _Links(NamedTuple):
    interference: Float[Array, "K B"]  # I_k
    eve_interference: Float[Array, "L K B"]  # I^e_lk
    wiretap: Float[Array, "L K B"]  # R^e_lk


class _System(NamedTuple):
    diagonal: Float[Array, "R B"]  # weight of each h_r h_rᴴ in B_0
    ridge: Float[Array, "B"]  # β
    shrink: Float[Array, "B"]  # α − β
    eve_gain: Float[Array, "L B"]  # Σ_k p_lk/I^e_lk


@stage
def _links(weights: Float[Array, "K B"], y: Split) -> _Links:
    num_users = weights.shape[0]
    power = y.abs2()
    noise = jnp.ones_like(weights[0])
    others = _others(power, num_users, noise)
    eve_interference = others[num_users:]
    wiretap = jnp.log1p(power[num_users:, :num_users] / eve_interference) / LN2
    return _Links(_own(others, num_users), eve_interference, wiretap)


@stage
def _leakage_weights(
    weights: Float[Array, "K B"], wiretap: Float[Array, "L K B"], smoothing: Float[Array, ""]
) -> Float[Array, "L K B"]:
    """p_lk = weight_k·softmax_l(R^e_lk / smoothing)."""
    if wiretap.shape[0] == 0:
        return wiretap
    share = jnp.exp((wiretap - bl.max_first(wiretap)[None]) / smoothing)
    return share * (weights / bl.sum_first(share))[None]


@stage
def _system_weights(
    problem: Problem, y: Split, links: _Links, leak: Float[Array, "L K B"]
) -> _System:
    num_users = problem.weights.shape[0]
    power = y.abs2()
    per_user = problem.weights / links.interference
    per_eve = _sum_second(leak) / (_sum_second(power[num_users:]) + 1.0)
    eve_gain = _sum_second(leak / links.eve_interference)
    received = _own(power, num_users) + links.interference  # T_k
    diagonal = jnp.concatenate([per_user, per_eve])
    ridge = bl.sum_first(diagonal)  # β
    total = bl.sum_first(jnp.concatenate([problem.weights / received, eve_gain]))  # α
    return _System(diagonal, ridge, total - ridge, eve_gain)


@stage
def _gradient_gains(
    weights: Float[Array, "K B"],
    y: Split,
    links: _Links,
    leak: Float[Array, "L K B"],
    system: _System,
) -> Split:
    """c[r, n]·y[r, n] with (A_n − B_n) f_n = (α − β) f_n + Σ_r c[r, n] y[r, n] h_r."""
    num_users, num_beams = weights.shape[0], y.shape[1]
    received = _own(y.abs2(), num_users) + links.interference  # T_k
    other = 1.0 - jnp.eye(num_users, num_beams, dtype=weights.dtype)[:, :, None]
    user = (weights / received)[:, None] - other * system.diagonal[:num_users, None]
    # A beam's power at an eavesdropper helps the other beams there, not itself.
    share = leak / links.eve_interference
    eve = [
        bl.total([share[:, k] for k in range(num_users) if k != n] or [jnp.zeros_like(share[:, 0])])
        for n in range(num_users)
    ] + [system.eve_gain] * (num_beams - num_users)
    eve = jnp.stack(eve, axis=1) - system.diagonal[num_users:, None]
    return y.scale(jnp.concatenate([user, eve]))


@stage
def _augmented(problem: Problem, f: Split, system: _System, gradient: Split) -> Split:
    """[B_0 | (A − B)f | h_1 … h_K], [D, D + N + K, B]."""
    num_users = problem.weights.shape[0]
    matrix = bl.weighted_gram(problem.h, system.diagonal, system.ridge)
    residual = bl.combine(problem.h, gradient) + f.scale(system.shrink)
    return bl.concatenate([matrix, residual, bl.swap(problem.h[:num_users])], axis=1)


@stage
def _rank_one(problem: Problem, solution: Split, system: _System) -> Split:
    """[K, B]: how much of z_k = B_0⁻¹h_k turns B_0⁻¹r_k into B_k⁻¹r_k."""
    num_users = problem.weights.shape[0]
    x, z = solution[:, :num_users], solution[:, -num_users:]
    z_gain = bl.gains(problem.h, z)  # [R, K, B]
    power = z_gain.abs2()
    own = jnp.eye(problem.h.shape[0], num_users, dtype=power.dtype)[:, :, None]
    rest = bl.sum_first(power * system.diagonal[:, None] * (1.0 - own))
    rest = rest + system.ridge[None] * bl.norm2(z)  # zᴴB_k z
    heard = bl.total([problem.h[:num_users, d].conj() * x[d] for d in range(x.shape[0])])
    zh = jnp.stack([z_gain.re[k, k] for k in range(num_users)])
    # weight/I_k·(h_kᴴx_k) / (zᴴB_k z / zᴴh_k); a user with a zero channel needs no correction.
    factor = system.diagonal[:num_users] * zh / jnp.where(rest > 0, rest, 1.0)
    return heard.scale(jnp.where(rest > 0, factor, 0.0))


@stage
def _correct(solution: Split, correction: Split) -> Split:
    num_users = correction.shape[0]
    z = solution[:, -num_users:]
    x = solution[:, : solution.shape[1] - num_users]
    users = x[:, :num_users] + correction[None] * z
    return bl.concatenate([users, x[:, num_users:]], axis=1)


@stage
def _reception(h: Split, f: Split, move: Split) -> tuple[Split, Split, Float[Array, "2 B"]]:
    along = bl.sum_first(bl.sum_first(f.re * move.re + f.im * move.im))
    length2 = bl.sum_first(bl.norm2(move))
    return move, bl.gains(h, move), jnp.stack([along, length2])


@stage
def _trials(
    y: Split, y_move: Split, lengths: Float[Array, "2 B"]
) -> tuple[Float[Array, "R N T B"], Float[Array, "T B"]]:
    """Received powers and noise ‖f + η·move‖² after each trial step, η = 0 first."""
    sizes = (0.0, *STEP_SIZES)
    power = jnp.stack(
        [(y + y_move.scale(jnp.asarray(s, y.re.dtype))).abs2() for s in sizes], axis=2
    )
    along, length2 = lengths
    return power, jnp.stack([1.0 + 2.0 * s * along + s * s * length2 for s in sizes])


@stage
def _link_rates(
    weights: Float[Array, "K B"],
    power: Float[Array, "R N *trials B"],
    noise: Float[Array, "*trials B"],
) -> tuple[Float[Array, "K *trials B"], Float[Array, "L K *trials B"]]:
    """R_k and R^e_lk of P1 (3), (4)."""
    num_users = weights.shape[0]
    others = _others(power, num_users, noise)
    rate = jnp.log1p(_own(power, num_users) / _own(others, num_users)) / LN2
    return rate, jnp.log1p(power[num_users:, :num_users] / others[num_users:]) / LN2


@stage
def _secrecy(
    weights: Float[Array, "K B"], rate: Array, wiretap: Array, smoothing: Float[Array, ""]
) -> Rates:
    weights = weights.reshape(-1, *(1,) * (rate.ndim - 2), rate.shape[-1])
    if wiretap.shape[0] == 0:
        hard = bl.sum_first(weights * rate)
        return Rates(hard, hard)
    worst = bl.max_first(wiretap)
    spread = bl.sum_first(jnp.exp((wiretap - worst[None]) / smoothing))
    smooth = rate - worst - smoothing * jnp.log(spread)  # the inside of P1 (6)
    hard = jnp.maximum(rate - worst, 0.0)  # P1 (5)
    return Rates(bl.sum_first(weights * smooth), bl.sum_first(weights * hard))


@stage
def _best_trial(trial: Rates, lengths: Float[Array, "2 B"]) -> tuple[Rates, Float[Array, "2 B"]]:
    """Rates of the trial of largest smooth rate; its step size and scale to unit power."""
    sizes = jnp.array((0.0, *STEP_SIZES), lengths.dtype)[:, None]
    smooth = bl.max_first(trial.smooth)
    best = trial.smooth == smooth[None]
    hard = bl.max_first(jnp.where(best, trial.hard, -jnp.inf))
    size = bl.max_first(jnp.where(best, sizes, 0.0))
    norm2 = 1.0 + 2.0 * size * lengths[0] + size * size * lengths[1]
    return Rates(smooth, hard), jnp.stack([size, jax.lax.rsqrt(norm2)])


@stage
def _move(iterate: Iterate, move: Split, y_move: Split, chosen: Float[Array, "2 B"]) -> Iterate:
    size, scale = chosen
    return Iterate(
        (iterate.f + move.scale(size)).scale(scale), (iterate.y + y_move.scale(size)).scale(scale)
    )


def _others(power: Array, num_users: int, noise: Array) -> Array:
    """[R, K, *trials, B]: noise and the power of all beams but k, a sum of non-negative terms."""
    receiver = jnp.broadcast_to(noise[None], (power.shape[0], *noise.shape))
    jamming = bl.total([receiver, *(power[:, n] for n in range(num_users, power.shape[1]))])
    return jnp.stack(
        [
            bl.total([jamming, *(power[:, i] for i in range(num_users) if i != k)])
            for k in range(num_users)
        ],
        axis=1,
    )


def _sum_second(x: Array) -> Array:
    """Sum over the second axis."""
    return bl.total([x[:, i] for i in range(x.shape[1])])


def _own(power: Array, num_users: int) -> Array:
    """[K, *trials, B]: entry [k, k] of [R, N, *trials, B]."""
    return jnp.stack([power[k, k] for k in range(num_users)])

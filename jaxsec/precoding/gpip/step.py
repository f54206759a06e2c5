"""One step of the joint generalised power iteration (OPT), on a batch of reduced problems.

Notation, batch B last (`batched`): R = K + L receivers, users first; D dimensions of the span of
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
   `elimination.downdate` has it without.
3. Everything lives in the span of the channels: D = min(M, K + L).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.elimination import downdate, solve_augmented
from jaxsec.precoding.batched.kernels import one_kernel
from jaxsec.precoding.problem import (
    Iterate,
    Problem,
    Rates,
    others,
    rates_of,
    start_from,
)
from jaxsec.secrecy import LN2

STEP_SIZES = (0.3, 1.0, 2.0, 4.0)
"""Values of η tried at every step, besides 0; the large ones matter below 10 dB of link SNR."""


def plain_step(
    problem: Problem, iterate: Iterate, smoothing: Float[Array, ""]
) -> tuple[Iterate, Float[Array, "2 B"]]:
    """The literature's step f ← B⁻¹A f =: f + move, to unit power, and (Re⟨f, move⟩, ‖move‖²)."""
    move, _, lengths = direction(problem, iterate, smoothing)
    return start_from(problem, iterate.f + move), lengths


def searched_step(
    problem: Problem, iterate: Iterate, smoothing: Float[Array, ""]
) -> tuple[Iterate, Rates, Float[Array, "2 B"]]:
    """Step along B⁻¹(A − B)f by the best of `STEP_SIZES`; stays if none raises the smooth rate.

    Returns the new iterate, its rates, and (Re⟨f, move⟩, ‖move‖²) of the full move at the old one.
    """
    move, y_move, lengths = direction(problem, iterate, smoothing)
    power, noise = _trials(iterate.y, y_move, lengths)
    trial = rates_of(problem, power, noise, smoothing)
    reached, chosen = _best_trial(trial, lengths)
    return _move(iterate, move, y_move, chosen), reached, lengths


def direction(
    problem: Problem, iterate: Iterate, smoothing: Float[Array, ""]
) -> tuple[SplitComplex, SplitComplex, Float[Array, "2 B"]]:
    """B⁻¹(A − B)f [D, N, B], its gains [R, N, B], and (Re⟨f, move⟩, ‖move‖²) [2, B]."""
    links = _links(problem.weights, iterate.y)
    leak = _leakage_weights(problem.weights, links.wiretap, smoothing)
    system = _system_weights(problem, iterate.y, links, leak)
    gradient = _gradient_gains(problem.weights, iterate.y, links, leak, system)
    solution = solve_augmented(_augmented(problem, iterate.f, system, gradient), system.ridge)
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


@one_kernel
def _links(weights: Float[Array, "K B"], y: SplitComplex) -> _Links:
    num_users = weights.shape[0]
    power = y.abs2()
    noise = jnp.ones_like(weights[0])
    rest = others(power, num_users, noise)
    eve_interference = rest[num_users:]
    wiretap = jnp.log1p(power[num_users:, :num_users] / eve_interference) / LN2
    return _Links(algebra.diagonal(rest, num_users), eve_interference, wiretap)


@one_kernel
def _leakage_weights(
    weights: Float[Array, "K B"], wiretap: Float[Array, "L K B"], smoothing: Float[Array, ""]
) -> Float[Array, "L K B"]:
    """p_lk = weight_k·softmax_l(R^e_lk / smoothing)."""
    if wiretap.shape[0] == 0:
        return wiretap
    share = jnp.exp((wiretap - algebra.max_first(wiretap)[None]) / smoothing)
    return share * (weights / algebra.sum_first(share))[None]


@one_kernel
def _system_weights(
    problem: Problem, y: SplitComplex, links: _Links, leak: Float[Array, "L K B"]
) -> _System:
    num_users = problem.weights.shape[0]
    power = y.abs2()
    per_user = problem.weights / links.interference
    per_eve = algebra.sum_second(leak) / (algebra.sum_second(power[num_users:]) + 1.0)
    eve_gain = algebra.sum_second(leak / links.eve_interference)
    received = algebra.diagonal(power, num_users) + links.interference  # T_k
    diagonal = jnp.concatenate([per_user, per_eve])
    ridge = algebra.sum_first(diagonal)  # β
    total = algebra.sum_first(jnp.concatenate([problem.weights / received, eve_gain]))  # α
    return _System(diagonal, ridge, total - ridge, eve_gain)


@one_kernel
def _gradient_gains(
    weights: Float[Array, "K B"],
    y: SplitComplex,
    links: _Links,
    leak: Float[Array, "L K B"],
    system: _System,
) -> SplitComplex:
    """c[r, n]·y[r, n] with (A_n − B_n) f_n = (α − β) f_n + Σ_r c[r, n] y[r, n] h_r."""
    num_users, num_beams = weights.shape[0], y.shape[1]
    received = algebra.diagonal(y.abs2(), num_users) + links.interference  # T_k
    other = 1.0 - jnp.eye(num_users, num_beams, dtype=weights.dtype)[:, :, None]
    user = (weights / received)[:, None] - other * system.diagonal[:num_users, None]
    # A beam's power at an eavesdropper helps the other beams there, not itself.
    share = leak / links.eve_interference
    noise_beams = (share.shape[0], num_beams - num_users, share.shape[2])
    eve = jnp.concatenate(
        [
            algebra.sum_others(share, jnp.zeros_like(share[:, 0])),
            jnp.broadcast_to(system.eve_gain[:, None], noise_beams),
        ],
        axis=1,
    )
    eve = eve - system.diagonal[num_users:, None]
    return y.scale(jnp.concatenate([user, eve]))


@one_kernel
def _augmented(
    problem: Problem, f: SplitComplex, system: _System, gradient: SplitComplex
) -> SplitComplex:
    """[B_0 | (A − B)f | h_1 … h_K], [D, D + N + K, B]."""
    num_users = problem.weights.shape[0]
    matrix = algebra.weighted_gram(problem.h, system.diagonal, system.ridge)
    residual = algebra.combine(problem.h, gradient) + f.scale(system.shrink)
    return algebra.concatenate([matrix, residual, algebra.transpose(problem.h[:num_users])], axis=1)


@one_kernel
def _rank_one(problem: Problem, solution: SplitComplex, system: _System) -> SplitComplex:
    """[K, B]: how much of z_k = B_0⁻¹h_k turns B_0⁻¹r_k into B_k⁻¹r_k."""
    num_users = problem.weights.shape[0]
    x, z = solution[:, :num_users], solution[:, -num_users:]
    heard = algebra.fold(x.shape[0], lambda d: problem.h[:num_users, d].conj() * x[d])
    return heard.scale(downdate(problem.h, z, system.diagonal, system.ridge))


@one_kernel
def _correct(solution: SplitComplex, correction: SplitComplex) -> SplitComplex:
    num_users = correction.shape[0]
    z = solution[:, -num_users:]
    x = solution[:, : solution.shape[1] - num_users]
    users = x[:, :num_users] + correction[None] * z
    return algebra.concatenate([users, x[:, num_users:]], axis=1)


@one_kernel
def _reception(
    h: SplitComplex, f: SplitComplex, move: SplitComplex
) -> tuple[SplitComplex, SplitComplex, Float[Array, "2 B"]]:
    along = algebra.sum_first(algebra.sum_first(f.re * move.re + f.im * move.im))
    length2 = algebra.sum_first(algebra.squared_norm(move))
    return move, algebra.hermitian_product(h, move), jnp.stack([along, length2])


@one_kernel
def _trials(
    y: SplitComplex, y_move: SplitComplex, lengths: Float[Array, "2 B"]
) -> tuple[Float[Array, "R N T B"], Float[Array, "T B"]]:
    """Received powers and noise ‖f + η·move‖² after each trial step, η = 0 first."""
    sizes = (0.0, *STEP_SIZES)
    power = jnp.stack(
        [(y + y_move.scale(jnp.asarray(s, y.re.dtype))).abs2() for s in sizes], axis=2
    )
    along, length2 = lengths
    return power, jnp.stack([_norm2(s, along, length2) for s in sizes])


def _norm2(size: Any, along: Float[Array, "B"], length2: Float[Array, "B"]) -> Float[Array, "..."]:
    """‖f + size·move‖² of unit f; not below its rounding, where a move takes all of f away."""
    least = jnp.finfo(along.dtype).eps * (1.0 + size * size * length2)
    return jnp.maximum(1.0 + 2.0 * size * along + size * size * length2, least)


@one_kernel
def _best_trial(trial: Rates, lengths: Float[Array, "2 B"]) -> tuple[Rates, Float[Array, "2 B"]]:
    """Rates of the trial of largest smooth rate; its step size and scale to unit power."""
    sizes = jnp.array((0.0, *STEP_SIZES), lengths.dtype)[:, None]
    smooth = algebra.max_first(trial.smooth)
    best = trial.smooth == smooth[None]
    hard = algebra.max_first(jnp.where(best, trial.hard, -jnp.inf))
    size = algebra.max_first(jnp.where(best, sizes, 0.0))
    norm2 = _norm2(size, lengths[0], lengths[1])
    return Rates(smooth, hard), jnp.stack([size, jax.lax.rsqrt(norm2)])


@one_kernel
def _move(
    iterate: Iterate, move: SplitComplex, y_move: SplitComplex, chosen: Float[Array, "2 B"]
) -> Iterate:
    size, scale = chosen
    return Iterate(
        (iterate.f + move.scale(size)).scale(scale), (iterate.y + y_move.scale(size)).scale(scale)
    )

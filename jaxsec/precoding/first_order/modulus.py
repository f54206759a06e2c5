"""A step of the ascent for beams of constant modulus: phases turn, and shares change.

With u_mk = a_k·e_mk, |e_mk| = 1, a step moves beam k along δu_mk = e_mk·(α_k + iψ_mk), of which
receiver r hears Σ_m q_rmk·(α_k + iψ_mk), q_rmk = h̄_rm e_mk. With the gradient ∇ = Σ_r h_r γ_r and
the harm b_r of `step`, z_mk = ∇̄_mk e_mk and the power spent, s = M·Σ_k a_k², it solves a quadratic
model under a linear one of the power, M·Σ_k a_k α_k ≤ (1 − s)/2:

    A_k (ψ_k, α_k) = (−Im z_k, Σ_m Re z_mk + 2·(∂v/∂s)·M·a_k − μ·M·a_k)
    (ψ, α)ᵀA_k(ψ, α) = Σ_{r≠k} b_r·|Σ_m q_rmk·(α + iψ_m)|² + Σ_m c_mk·(ψ_m² + α²)
    c_mk = max(Re z_mk/a_k, floor_k)

c is what the curvature of the circles costs (Boumal, An Introduction to Optimization on Smooth
Manifolds, 2023, chapter 5); for the share it stands for the multiplier of the power, which at a
maximum is the mean of c_mk over the antennas. Phases are eliminated first, then shares.

1. A trial of size t turns phases by arctan((t·ψ + t²·ψ″)/a). Along a straight ψ every receiver
   hears t²·ε_r more, ε_r = Σ_m q_rmk·(−ψ_mk²/2 + iα_k ψ_mk)/a_k, which spoils nulls; the path that
   keeps them has A_k ψ″_k = −Im Σ_r b_r q̄_rk ε_r (geodesic acceleration: Transtrum & Sethna,
   arXiv:1201.5885).
2. Starts are not tried at less power (`solve.SHARES`): where the modulus has spoilt their nulls,
   little power is worth more for the moment, and then takes many steps to grow.
"""

import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.elimination import solve_real
from jaxsec.precoding.batched.kernels import one_kernel
from jaxsec.precoding.first_order.step import STEP_SIZES, chosen, harm_of, slopes
from jaxsec.precoding.first_order.value import Beams, Task, Values, values

FLOOR = 0.03
"""Least of c over ‖∇_k‖/‖u_k‖."""
LEAST = 0.01
"""What a step leaves of a share at least: of nothing, nothing grows again."""


class Move(NamedTuple):
    """Where a step leads from u = a·e."""

    share: Float[Array, "N B"]
    """a."""
    phase: SplitComplex
    """e, [M, N, B]."""
    turn: Float[Array, "M N B"]
    """ψ."""
    growth: Float[Array, "N B"]
    """α."""
    bend: Float[Array, "M N B"]
    """ψ″."""


class _Model(NamedTuple):
    """The quadratic model at μ = 0."""

    matrix: Float[Array, "M M N B"]
    """Of A, the rows and columns of ψ."""
    right: Float[Array, "M 2 N B"]
    """Right side of ψ, and A's column of α in these rows."""
    corner: Float[Array, "N B"]
    """Of A, that of α."""
    pull: Float[Array, "N B"]
    """Right side of α."""
    floor: Float[Array, "N B"]
    """Least eigenvalue of A."""


def step(
    task: Task, beams: Beams, num_users: int, smoothing: Any
) -> tuple[Beams, Values, Float[Array, "B"]]:
    """The best trial along the move, its values [B], and the move's norm."""
    move = _move(task, beams, num_users, smoothing)
    sizes = jnp.asarray(STEP_SIZES, move.share.dtype)[:, None]
    trial, spent = _trials(move, jnp.broadcast_to(sizes, (len(STEP_SIZES), move.share.shape[1])))
    reached, size, _ = chosen(
        values(task, _heard(task.h, trial), spent, num_users, smoothing), spent
    )
    u = _trials(move, size[None])[0][:, :, 0]
    return Beams(u, algebra.hermitian_product(task.h, u)), reached, _norm(move)


def _move(task: Task, beams: Beams, num_users: int, smoothing: Any) -> Move:
    """The move from allowed beams."""
    share, phase = _polar(beams.u)
    spent = phase.shape[0] * algebra.sum_first(share * share)
    gain_y, gain_spent = slopes(task, beams.y, spent, num_users, smoothing)
    harm = _others(harm_of(beams.y, gain_y, gain_spent)[0], beams.y)
    model = _model(task.h, gain_y, gain_spent, phase, share, harm)
    solved = _solved(model, model.right)
    turn, growth = _within_power(model, solved, share, 0.5 * (1.0 - spent))
    spoilt = _spoilt(task.h, phase, share, harm, turn, growth)
    return Move(share, phase, turn, growth, _solved(model, spoilt[:, None])[:, 0])


@one_kernel
def _polar(u: SplitComplex) -> tuple[Float[Array, "N B"], SplitComplex]:
    """a [N, B], and e [M, N, B], which is one where a is zero."""
    length2 = u.abs2()
    there = length2 > 0
    inverse = jax.lax.rsqrt(jnp.where(there, length2, 1.0))
    modulus = jnp.where(there, length2 * inverse, 0.0)
    phase = SplitComplex(jnp.where(there, u.re * inverse, 1.0), u.im * inverse)
    return algebra.sum_first(modulus) / u.shape[0], phase


@one_kernel
def _others(harm: Float[Array, "R B"], y: SplitComplex) -> Float[Array, "R N B"]:
    """b_r of every beam, zero of a user's own."""
    own = jnp.eye(*y.shape[:2], dtype=harm.dtype)[:, :, None]
    return harm[:, None] * (1.0 - own)


@one_kernel
def _model(
    h: SplitComplex,
    gain_y: SplitComplex,
    gain_spent: Float[Array, "B"],
    phase: SplitComplex,
    share: Float[Array, "N B"],
    harm: Float[Array, "R N B"],
) -> _Model:
    size = phase.shape[0]
    gradient = algebra.combine(h, gain_y)
    z = gradient.conj() * phase
    inverse = _inverse(share)
    floor = FLOOR * jnp.sqrt(algebra.squared_norm(gradient) / size) * inverse
    cost = jnp.maximum(z.re * inverse[None], floor[None])

    def of_receiver(r: Any) -> tuple[Array, Array, Array]:
        """b·Re(q qᴴ): of phases, between them and the share, and of the share."""
        q = h[r].conj()[:, None] * phase
        both = SplitComplex(algebra.sum_first(q.re), algebra.sum_first(q.im))
        weighted = q.scale(harm[r])
        phases = weighted.re[:, None] * q.re[None] + weighted.im[:, None] * q.im[None]
        between = weighted.re * both.im[None] - weighted.im * both.re[None]
        return phases, between, harm[r] * both.abs2()

    def added(*parts: Any) -> Any:
        return jax.tree.map(operator.add, *parts)

    matrix, between, corner = algebra.fold(h.shape[0], of_receiver, added)
    eye = jnp.eye(size, dtype=share.dtype)[:, :, None, None]
    return _Model(
        matrix + eye * cost[:, None],
        jnp.stack([-z.im, between], axis=1),
        corner + algebra.sum_first(cost),
        algebra.sum_first(z.re) + 2.0 * size * gain_spent[None] * share,
        floor,
    )


def _solved(model: _Model, right: Float[Array, "M C N B"]) -> Float[Array, "M C N B"]:
    """A⁻¹ of phases times right sides; the beams are systems beside those of the batch."""
    size, count = right.shape[:2]
    system = jnp.concatenate([model.matrix, right], axis=1).reshape(size, size + count, -1)
    return solve_real(system, model.floor.reshape(-1)).reshape(right.shape)


@one_kernel
def _within_power(
    model: _Model,
    solved: Float[Array, "M 2 N B"],
    share: Float[Array, "N B"],
    room: Float[Array, "B"],
) -> tuple[Float[Array, "M N B"], Float[Array, "N B"]]:
    """ψ and α: with the phases eliminated, corner_k·α_k = pull_k − μ·M·a_k."""
    size = solved.shape[0]
    turn, along, between = solved[:, 0], solved[:, 1], model.right[:, 1]
    pull = model.pull - algebra.sum_first(between * turn)
    corner = jnp.maximum(model.corner - algebra.sum_first(between * along), size * model.floor)
    soft = _inverse(corner)
    over = jnp.maximum(size * algebra.sum_first(share * pull * soft) - room, 0.0)
    multiplier = over * _inverse(size * size * algebra.sum_first(share * share * soft))
    growth = (pull - multiplier[None] * size * share) * soft
    return turn - along * growth[None], growth


@one_kernel
def _spoilt(
    h: SplitComplex,
    phase: SplitComplex,
    share: Float[Array, "N B"],
    harm: Float[Array, "R N B"],
    turn: Float[Array, "M N B"],
    growth: Float[Array, "N B"],
) -> Float[Array, "M N B"]:
    """The right side of ψ″."""
    inverse = _inverse(share)[None]
    second = phase * SplitComplex(-0.5 * turn * turn * inverse, growth[None] * turn * inverse)
    heard = algebra.hermitian_product(h, second).scale(harm)
    return -(phase.conj() * algebra.combine(h, heard)).im


@one_kernel
def _trials(move: Move, sizes: Float[Array, "T B"]) -> tuple[SplitComplex, Float[Array, "T B"]]:
    """Beams [M, N, T, B] at multiples of the move, scaled back to what is allowed, and the power
    that they spend."""
    least = LEAST * move.share[:, None]
    share = jnp.maximum(move.share[:, None] + sizes[None] * move.growth[:, None], least)
    spent = move.phase.shape[0] * algebra.sum_first(share * share)
    scale = jax.lax.rsqrt(jnp.maximum(spent, 1.0))
    sizes, inverse = sizes[None, None], _inverse(move.share)[None, :, None]
    tangent = sizes * (move.turn[:, :, None] + sizes * move.bend[:, :, None]) * inverse
    cosine = jax.lax.rsqrt(1.0 + tangent * tangent)
    turned = move.phase[:, :, None] * SplitComplex(cosine, tangent * cosine)
    return turned.scale(share * scale[None]), spent * scale * scale


def _heard(h: SplitComplex, trial: SplitComplex) -> SplitComplex:
    """hᴴu [R, N, T, B] of beams [M, N, T, B]."""
    size, *count, batch = trial.shape
    flat = jax.tree.map(lambda x: x.reshape(size, -1, batch), trial)
    return jax.tree.map(lambda x: x.reshape(-1, *count, batch), algebra.hermitian_product(h, flat))


@one_kernel
def _norm(move: Move) -> Float[Array, "B"]:
    by_beam = algebra.sum_first(move.turn * move.turn) + move.turn.shape[0] * move.growth**2
    return jnp.sqrt(algebra.sum_first(by_beam))


def _inverse(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """1/x, zero of zero."""
    return jnp.where(x > 0, 1.0 / jnp.where(x > 0, x, 1.0), 0.0)

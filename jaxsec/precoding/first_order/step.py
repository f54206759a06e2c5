"""One step of the first-order ascent: a preconditioned direction, and a search along it.

The objective v depends on received amplitudes y = hᴴu and on the power spent, s = ‖u‖². With
γ = ∂v/∂y (ascent) its gradient is ∇ = Σ_r h_r γ_r + 2·(∂v/∂s)·u. The step solves a quadratic model
of v under linear models of the power constraints c, sums of antennas' powers over G_c (sequential
quadratic programming: Nocedal & Wright, Numerical Optimization, 18.1):

    d_n = B_n⁻¹ (∇ − Σ_c μ_c·G_c u)_n,  B_n = Σ_r b_rn·h_r h_rᴴ + β
    b_rn = max(−Re(γ̄_rn y_rn)/|y_rn|², 0),  β = Σ_r max_n b_rn + max(−2·∂v/∂s, 0)

μ ≥ 0 such that 2·Re⟨G_c u, d⟩ ≤ limit_c − ‖G_c u‖². For sums of rates b_rn are the weights of the
generalised power iteration's B_n (`gpip.step`): what a beam does harm with is divided by how much.
A trial along d is scaled back to what is allowed, all beams alike, so that what they null stays
nulled; the largest smooth value is kept, the present beams being one of the trials.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.elimination import solve_augmented
from jaxsec.precoding.batched.kernels import no_inline, one_kernel
from jaxsec.precoding.first_order.value import Task, Values, values
from jaxsec.secrecy import PowerConstraint, fitting_scale
from jaxsec.shapes import lift

STEP_SIZES = (0.0, 0.03, 0.1, 0.3, 1.0, 2.0, 4.0)
"""Multiples of the direction tried at every step, the present beams first."""
SWEEPS = 8
"""Of the multipliers' coordinate ascent."""
FLOOR = 0.5
"""Least of β over ‖∇‖/‖u‖: where no constraint is active and no beam does harm, a step is at most
twice as long as the beams."""


def step(
    task: Task, u: SplitComplex, num_users: int, smoothing: Any
) -> tuple[SplitComplex, Values, Float[Array, "B"]]:
    """The best trial along the direction [D, N, B], its values [B], and the direction's norm."""
    d = direction(task, u, num_users, smoothing)
    sizes = jnp.asarray(STEP_SIZES, u.re.dtype)[None, None, :, None]
    trial = jax.tree.map(lambda x, y: x[:, :, None] + sizes * y[:, :, None], u, d)
    trial = allowed(task.constraint, trial)
    reached = evaluate(task, trial, num_users, smoothing)
    best = jnp.argmax(reached.smooth, axis=0)

    def chosen(x: Array) -> Array:
        at = best.reshape((1,) * (x.ndim - 1) + best.shape)
        return jnp.take_along_axis(x, at, axis=-2)[..., 0, :]

    length = jnp.sqrt(algebra.sum_first(algebra.squared_norm(d)))
    return jax.tree.map(chosen, trial), jax.tree.map(chosen, reached), length


def direction(task: Task, u: SplitComplex, num_users: int, smoothing: Any) -> SplitComplex:
    """d [D, N, B] at allowed beams u."""

    def total(y: SplitComplex, spent: Float[Array, "B"]) -> Float[Array, ""]:
        trial = jax.tree.map(lambda x: x[:, :, None], y)
        return jnp.sum(values(task, trial, spent[None], num_users, smoothing).smooth)

    y = _received(task.h, u)
    sent = algebra.sum_second(u.abs2())
    gain_y, gain_spent = jax.grad(total, argnums=(0, 1))(y, algebra.sum_first(sent))
    gradient = _gradient(task.h, gain_y, u, gain_spent)
    heard = y.abs2()
    there = heard > 0
    harm = -(y.re * gain_y.re + y.im * gain_y.im) / jnp.where(there, heard, 1.0)
    harm = jnp.where(there, jnp.maximum(harm, 0.0), 0.0)  # b
    least = algebra.sum_first(jnp.max(harm, axis=1)) + jnp.maximum(-2.0 * gain_spent, 0.0)
    least = least + _floor(gradient, u)
    groups = jnp.asarray(task.constraint.groups(u.shape[0]), u.re.dtype)  # [C, D]
    normals = jax.tree.map(lambda x: x[:, None] * groups.T[:, :, None, None], u)  # [D, C, N, B]
    right = algebra.concatenate([gradient[:, None], normals], axis=1)
    solved = _solve(task.h, harm, least, right)
    bounds = jnp.broadcast_to(task.constraint.bounds(u.shape[0]), (u.shape[-1], groups.shape[0]))
    room = 0.5 * (bounds.T - jnp.matmul(groups, sent, precision="highest"))
    multiplier = _multipliers(_products(normals, solved), room)
    return solved[:, 0] - algebra.fold(
        groups.shape[0], lambda c: solved[:, c + 1].scale(multiplier[c])
    )


def _solve(
    h: SplitComplex, harm: Float[Array, "R N B"], ridge: Float[Array, "B"], right: SplitComplex
) -> SplitComplex:
    """(Σ_r harm_rn·h_r h_rᴴ + ridge)⁻¹ right_n for every beam n, as one batch of beams."""
    size, columns, num_beams, batch = right.shape
    system = _system(h, harm, ridge, right)
    flat = jax.tree.map(lambda x: x.reshape(size, size + columns, num_beams * batch), system)
    solved = solve_augmented(flat, jnp.tile(ridge, num_beams))
    return jax.tree.map(lambda x: x.reshape(right.shape), solved)


@one_kernel
def _system(
    h: SplitComplex, harm: Float[Array, "R N B"], ridge: Float[Array, "B"], right: SplitComplex
) -> SplitComplex:
    """[matrix | right], [D, D + C, N, B]."""
    size = right.shape[0]

    def term(r: Any) -> SplitComplex:
        left = h[r][:, None].scale(harm[r])  # [D, N, B]
        return left[:, None] * h[r].conj()[None, :, None]

    matrix = algebra.fold(h.shape[0], term)
    unit = jnp.eye(size, dtype=ridge.dtype)[:, :, None, None]
    matrix = SplitComplex(matrix.re + unit * lift(ridge, 4), matrix.im)
    return algebra.concatenate([matrix, right], axis=1)


@no_inline
def _products(normals: SplitComplex, solved: SplitComplex) -> Float[Array, "C C1 B"]:
    """Re⟨G_c u, B⁻¹∇⟩, and Re⟨G_c u, B⁻¹G_c' u⟩ beside it."""
    product = jnp.einsum("dcnb,dknb->ckb", normals.re, solved.re, precision="highest")
    return product + jnp.einsum("dcnb,dknb->ckb", normals.im, solved.im, precision="highest")


@one_kernel
def _multipliers(products: Float[Array, "C C1 B"], room: Float[Array, "C B"]) -> Array:
    """μ ≥ 0 of the quadratic programme, by coordinate ascent in its dual; exact for one of them."""
    wanted, matrix = products[:, 0] - room, products[:, 1:]
    count = wanted.shape[0]
    scale = jnp.stack([matrix[c, c] for c in range(count)])
    inverse = jnp.where(scale > 0, 1.0 / jnp.where(scale > 0, scale, 1.0), 0.0)

    def sweep(_: Any, found: Array) -> Array:
        for c in range(count):
            rest = wanted[c] - jnp.sum(matrix[c] * found, axis=0)
            found = found.at[c].set(jnp.maximum(found[c] + rest * inverse[c], 0.0))
        return found

    return jax.lax.fori_loop(0, 1 if count == 1 else SWEEPS, sweep, jnp.zeros_like(wanted))


def evaluate(task: Task, u: SplitComplex, num_users: int, smoothing: Any) -> Values:
    """Both forms of the objective of trials u [D, N, T, B]."""
    size, num_beams, trials, batch = u.shape
    flat = jax.tree.map(lambda x: x.reshape(size, num_beams * trials, batch), u)
    y = _received(task.h, flat)
    y = jax.tree.map(lambda x: x.reshape(-1, num_beams, trials, batch), y)
    spent = algebra.sum_first(algebra.squared_norm(u))
    return values(task, y, spent, num_users, smoothing)


def allowed(constraint: PowerConstraint, u: SplitComplex) -> SplitComplex:
    """Trials u [D, N, T, B] within the power constraint."""
    sent = jnp.moveaxis(algebra.sum_second(u.abs2()), 0, -1)  # [T, B, D]
    return u.scale(fitting_scale(constraint, sent))


def _floor(gradient: SplitComplex, u: SplitComplex) -> Float[Array, "B"]:
    steep, size = (algebra.sum_first(algebra.squared_norm(x)) for x in (gradient, u))
    return FLOOR * jnp.sqrt(steep / jnp.where(size > 0, size, 1.0))


@no_inline
def _received(h: SplitComplex, u: SplitComplex) -> SplitComplex:
    return algebra.hermitian_product(h, u)


@no_inline
def _gradient(
    h: SplitComplex, gain_y: SplitComplex, u: SplitComplex, gain_spent: Float[Array, "B"]
) -> SplitComplex:
    return algebra.combine(h, gain_y) + u.scale(2.0 * gain_spent)

"""One step of the first-order ascent: a preconditioned direction, and a search along it.

The objective v depends on received amplitudes y = hᴴu and on the power spent, s = ‖u‖². With
γ = ∂v/∂y (ascent) its gradient is ∇ = Σ_r h_r γ_r + 2·(∂v/∂s)·u. The step solves a quadratic model
of v under linear models of the power constraints c, sums of antennas' powers over G_c (sequential
quadratic programming: Nocedal & Wright, Numerical Optimization, 18.1):

    d_n = B_n⁻¹ (∇ − Σ_c μ_c·G_c u)_n,  B_0 = Σ_r b_r·h_r h_rᴴ + β,  B_k = B_0 − b_k·h_k h_kᴴ
    b_r = max_n max(−Re(γ̄_rn y_rn)/|y_rn|², 0),  β = Σ_r b_r + max(−2·∂v/∂s, 0)

μ ≥ 0 such that 2·Re⟨G_c u, d⟩ ≤ limit_c − ‖G_c u‖². For sums of rates these are the systems of the
generalised power iteration (`gpip.step`): what a beam does harm with is divided by how much, its
own user's channel apart, and one elimination serves all beams. Amplitudes are linear
and powers quadratic in the step size, so that a trial costs no matrix work. A trial is scaled back
to what is allowed, all beams alike, so that what they null stays nulled; the largest smooth value
is kept, the present beams being one of the trials.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.elimination import downdate, solve_augmented
from jaxsec.precoding.batched.kernels import one_kernel
from jaxsec.precoding.first_order.limits import columns, fitted, keep_to
from jaxsec.precoding.first_order.value import Beams, Task, Values, values

STEP_SIZES = (0.0, 0.03, 0.1, 0.3, 1.0, 2.0, 4.0)
"""Multiples of the direction tried at every step, the present beams first."""
FLOOR = 0.5
"""Least of β over ‖∇‖/‖u‖: where no constraint is active and no beam does harm, a step is at most
twice as long as the beams."""

Step = Callable[[Task, Beams, int, Any], tuple[Beams, Values, Float[Array, "B"]]]
"""Of a task, beams, K and the smoothing to the next beams, their values, and how far it leads."""


def step(
    task: Task, beams: Beams, num_users: int, smoothing: Any
) -> tuple[Beams, Values, Float[Array, "B"]]:
    """The best trial along the direction, its values [B], and the direction's norm."""
    sent = power_by_antenna(beams.u)
    move = direction(task, beams, sent, num_users, smoothing)
    y_move, along, length2 = _along(task.h, beams.u, move)
    trial_sent = _sent_at(sent, along, length2)
    scale = fitted(task.constraint, trial_sent)
    trial_y, spent = _trials(beams.y, y_move, scale, trial_sent)
    reached, size, scale = chosen(values(task, trial_y, spent, num_users, smoothing), scale)
    return _moved(beams, move, y_move, size, scale), reached, jnp.sqrt(algebra.sum_first(length2))


def direction(
    task: Task, beams: Beams, sent: Float[Array, "D B"], num_users: int, smoothing: Any
) -> SplitComplex:
    """d [D, N, B] at allowed beams, of which each antenna's power is `sent`."""
    u, y = beams
    gain_y, gain_spent = slopes(task, y, algebra.sum_first(sent), num_users, smoothing)
    gradient = _gradient(task.h, gain_y, u, gain_spent)
    harm, least = harm_of(y, gain_y, gain_spent)
    ridge = _ridge(gradient, u, least)
    own = task.h[:num_users]
    system = _augmented(task.h, gradient, columns(task.constraint, u), harm, ridge, own)
    solved = solve_augmented(system, ridge)
    ends = u.shape[1], u.shape[1] + num_users
    parts = solved[:, : ends[0]], solved[:, ends[0] : ends[1]], solved[:, ends[1] :]
    factor = _factor(task.h, parts[1], harm, ridge)
    return keep_to(task.constraint, u, sent, parts, factor, own)


def slopes(
    task: Task, y: SplitComplex, spent: Float[Array, "B"], num_users: int, smoothing: Any
) -> tuple[SplitComplex, Float[Array, "B"]]:
    """γ [R, N, B] and ∂v/∂s."""

    def total(y: SplitComplex, spent: Float[Array, "B"]) -> Float[Array, ""]:
        trial = jax.tree.map(lambda x: x[:, :, None], y)
        return jnp.sum(values(task, trial, spent[None], num_users, smoothing).smooth)

    return jax.grad(total, argnums=(0, 1))(y, spent)


_factor = one_kernel(downdate)


@one_kernel
def harm_of(
    y: SplitComplex, gain_y: SplitComplex, gain_spent: Float[Array, "B"]
) -> tuple[Float[Array, "R B"], Float[Array, "B"]]:
    """b, and the least that β may be."""
    heard = y.abs2()
    there = heard > 0
    harm = -(y.re * gain_y.re + y.im * gain_y.im) / jnp.where(there, heard, 1.0)
    harm = jnp.maximum(jnp.where(there, harm, 0.0), 0.0)
    harm = algebra.fold(y.shape[1], lambda n: harm[:, n], jnp.maximum)
    return harm, algebra.sum_first(harm) + jnp.maximum(-2.0 * gain_spent, 0.0)


@one_kernel
def _ridge(gradient: SplitComplex, u: SplitComplex, least: Float[Array, "B"]) -> Array:
    """β."""
    steep, size = (algebra.sum_first(algebra.squared_norm(x)) for x in (gradient, u))
    return least + FLOOR * jnp.sqrt(steep / jnp.where(size > 0, size, 1.0))


@one_kernel
def _augmented(
    h: SplitComplex,
    gradient: SplitComplex,
    normals: SplitComplex,
    harm: Float[Array, "R B"],
    ridge: Float[Array, "B"],
    own: SplitComplex,
) -> SplitComplex:
    """[B_0 | ∇ | h_1 … h_K | normals]."""
    matrix = algebra.weighted_gram(h, harm, ridge)
    return algebra.concatenate([matrix, gradient, algebra.transpose(own), normals], axis=1)


@one_kernel
def _gradient(
    h: SplitComplex, gain_y: SplitComplex, u: SplitComplex, gain_spent: Float[Array, "B"]
) -> SplitComplex:
    return algebra.combine(h, gain_y) + u.scale(2.0 * gain_spent)


@one_kernel
def power_by_antenna(u: SplitComplex) -> Float[Array, "D B"]:
    """Σ_n |u_dn|²."""
    return algebra.sum_second(u.abs2())


@one_kernel
def _along(
    h: SplitComplex, u: SplitComplex, move: SplitComplex
) -> tuple[SplitComplex, Float[Array, "D B"], Float[Array, "D B"]]:
    """hᴴd, and by antenna Σ_n Re(ū_n d_n) and Σ_n |d_n|²."""
    along = algebra.sum_second(u.re * move.re + u.im * move.im)
    return algebra.hermitian_product(h, move), along, algebra.sum_second(move.abs2())


@one_kernel
def _sent_at(
    sent: Float[Array, "D B"], along: Float[Array, "D B"], length2: Float[Array, "D B"]
) -> Float[Array, "D T B"]:
    """Power by antenna of every trial; not below its rounding, where a move takes all away."""
    found = []
    for size in STEP_SIZES:
        power = sent + 2.0 * size * along + size * size * length2
        least = jnp.finfo(sent.dtype).eps * (sent + size * size * length2)
        found.append(jnp.maximum(power, least))
    return jnp.stack(found, axis=1)


@one_kernel
def _trials(
    y: SplitComplex, y_move: SplitComplex, scale: Float[Array, "T B"], sent: Float[Array, "D T B"]
) -> tuple[SplitComplex, Float[Array, "T B"]]:
    """Amplitudes and power of every trial, scaled back."""
    trial = [
        (y + y_move.scale(jnp.asarray(size, y.re.dtype))).scale(scale[t])
        for t, size in enumerate(STEP_SIZES)
    ]
    return algebra.stack(trial, axis=2), scale * scale * algebra.sum_first(sent)


@one_kernel
def chosen(
    reached: Values, scale: Float[Array, "T B"]
) -> tuple[Values, Float[Array, "B"], Float[Array, "B"]]:
    """Values of the trial of largest smooth value, its step size and its scale."""
    sizes = jnp.asarray(STEP_SIZES, scale.dtype)[:, None]
    smooth = jnp.where(jnp.isnan(reached.smooth), -jnp.inf, reached.smooth)
    largest = algebra.max_first(smooth)
    size = algebra.max_first(jnp.where(smooth == largest[None], sizes, 0.0))
    best = sizes == size[None]
    hard = algebra.max_first(jnp.where(best, reached.hard, -jnp.inf))
    return Values(largest, hard), size, algebra.max_first(jnp.where(best, scale, 0.0))


@one_kernel
def _moved(
    beams: Beams,
    move: SplitComplex,
    y_move: SplitComplex,
    size: Float[Array, "B"],
    scale: Float[Array, "B"],
) -> Beams:
    return Beams(
        (beams.u + move.scale(size)).scale(scale), (beams.y + y_move.scale(size)).scale(scale)
    )

"""N steps of OPT's iteration, each with scalars of its own: the layers of an unfolded network.

Algorithm unrolling (V. Monga, Y. Li, Y. C. Eldar, IEEE Signal Processing Magazine 38(2), 2021; for
precoding by WMMSE, Q. Hu et al., IEEE TWC 20(2), 2021) takes a fixed number of an iteration's steps
for the layers of a network and learns what was set by hand. A step of `gpip.step` has the smoothing
that directs it, τ, and the sizes η that its line search tries. To these a momentum β is added, as
in the heavy-ball method (B. T. Polyak, 1964): with d = f − f_before the trials are

    f,  f + η_i·B⁻¹(A − B)f,  f + η_i·B⁻¹(A − B)f + β·d.

Gains are linear in f, so that the second kind costs no matrix work either. The best trial by the
smooth rate is taken, and at the end the best iterate by the true rate, as in `gpip.iterate`. The
smoothing of that comparison has no gradient: it stays as it was, or, where the smoothing is learned
alone, follows that of the direction.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.kernels import no_inline, one_kernel
from jaxsec.precoding.gpip import step as gpip_step
from jaxsec.precoding.problem import Iterate, Problem, Rates, rates_of


class Scalars(NamedTuple):
    """Of every step."""

    smoothing: Float[Array, "N"]
    """log τ of its direction."""
    search: Float[Array, "N"]
    """log τ of the rate by which trials are compared; no gradient reaches it."""
    sizes: Float[Array, "N S"]
    """log η_i."""
    momentum: Float[Array, "N"]
    """β; of the first step, which has nothing before it, without effect."""


class State(NamedTuple):
    """What a step hands on."""

    iterate: Iterate
    change: Iterate
    """d of beams and of gains."""
    best: SplitComplex
    """[D, N, B], the best iterate so far by true rate."""
    rate: Float[Array, "B"]
    """Its rate."""


def unchanged(smoothing: Float[ArrayLike, "N"], momentum: float = 0.0) -> Scalars:
    """The library's own steps down a smoothing schedule, but for a momentum."""
    tau = jnp.log(jnp.asarray(smoothing, jnp.float32))
    sizes = jnp.log(jnp.asarray(gpip_step.STEP_SIZES, jnp.float32))
    return Scalars(tau, tau, jnp.tile(sizes[None], (tau.size, 1)), jnp.full_like(tau, momentum))


def begin(problem: Problem, start: Iterate) -> State:
    """The state before the first step."""
    noise = jnp.ones_like(problem.weights[0])
    rate = rates_of(problem, start.y.abs2(), noise, jnp.ones((), noise.dtype)).hard
    return State(start, jax.tree.map(jnp.zeros_like, start), start.f, rate)


def advance(problem: Problem, state: State, at: Scalars) -> State:
    """One step, by its row of the scalars."""
    move, y_move, lengths = gpip_step.direction(problem, state.iterate, jnp.exp(at.smoothing))
    trials = _trials_of(at.sizes, at.momentum)
    products = _products(state.iterate.f, state.change.f, move, lengths)
    power, noise = _heard(state.iterate.y, y_move, state.change.y, trials, products)
    rates = rates_of(problem, power, noise, jnp.exp(at.search))
    return _taken(state, Iterate(move, y_move), trials, noise, rates)


def run(
    problem: Problem, start: Iterate, scalars: Scalars, num_steps: Int[Array, ""] | None = None
) -> State:
    """All steps of the scalars, or the first `num_steps`: one program for every number of them."""

    @no_inline
    def step(state: State, at: Scalars) -> State:
        return advance(problem, state, at)

    def turn(state: State, at: tuple[Array, Scalars]) -> tuple[State, None]:
        number, row = at
        if num_steps is None:
            return step(state, row), None
        return jax.lax.cond(number < num_steps, step, lambda state, _: state, state, row), None

    numbers = jnp.arange(scalars.smoothing.shape[0])
    return jax.lax.scan(turn, begin(problem, start), (numbers, scalars))[0]


def _trials_of(sizes: Float[Array, "S"], momentum: Float[Array, ""]) -> Float[Array, "2 T"]:
    """η and β of every trial: none, then without momentum, then with it."""
    eta = jnp.exp(sizes)
    none, beta = jnp.zeros_like(eta), jnp.full_like(eta, momentum)
    return jnp.stack(
        [jnp.concatenate([none[:1], eta, eta]), jnp.concatenate([none[:1], none, beta])]
    )


@one_kernel
def _products(
    f: SplitComplex, change: SplitComplex, move: SplitComplex, lengths: Float[Array, "2 B"]
) -> Float[Array, "5 B"]:
    """Re⟨f, move⟩, ‖move‖², Re⟨f, d⟩, ‖d‖², Re⟨move, d⟩."""

    def inner(a: SplitComplex, b: SplitComplex) -> Float[Array, "B"]:
        return algebra.sum_first(algebra.sum_first(a.re * b.re + a.im * b.im))

    return jnp.stack(
        [lengths[0], lengths[1], inner(f, change), inner(change, change), inner(move, change)]
    )


@one_kernel
def _heard(
    y: SplitComplex,
    y_move: SplitComplex,
    y_change: SplitComplex,
    trials: Float[Array, "2 T"],
    products: Float[Array, "5 B"],
) -> tuple[Float[Array, "R N T B"], Float[Array, "T B"]]:
    """Received powers and noise ‖f + η·move + β·d‖² after each trial, of unit f."""
    power, noise = [], []
    along, move2, before, change2, both = products
    for t in range(trials.shape[1]):
        eta, beta = trials[0, t], trials[1, t]
        power.append((y + y_move.scale(eta) + y_change.scale(beta)).abs2())
        square = eta * eta * move2 + beta * beta * change2
        norm2 = 1.0 + 2.0 * (eta * along + beta * before + eta * beta * both) + square
        # Not below its rounding, where a move takes all of f away.
        noise.append(jnp.maximum(norm2, jnp.finfo(y.re.dtype).eps * (1.0 + square)))
    return jnp.stack(power, axis=2), jnp.stack(noise)


@one_kernel
def _taken(
    state: State,
    move: Iterate,
    trials: Float[Array, "2 T"],
    noise: Float[Array, "T B"],
    rates: Rates,
) -> State:
    """The state after the first of the trials of largest smooth rate; after none, if none is."""
    best = rates.smooth == algebra.max_first(rates.smooth)[None]
    chosen, free = [], ~best[0]
    for t in range(1, noise.shape[0]):
        chosen.append(best[t] & free)
        free = free & ~best[t]
    only = jnp.stack([best[0] | free, *chosen])

    def of_chosen(x: Float[Array, "T ..."]) -> Float[Array, "B"]:
        return algebra.sum_first(jnp.where(only, x, 0.0))

    eta, beta = (of_chosen(row[:, None]) for row in trials)
    scale = jax.lax.rsqrt(of_chosen(noise))
    hard = of_chosen(rates.hard)

    def after(x: SplitComplex, step: SplitComplex, change: SplitComplex) -> SplitComplex:
        return (x + step.scale(eta) + change.scale(beta)).scale(scale)

    old = state.iterate
    new = Iterate(after(old.f, move.f, state.change.f), after(old.y, move.y, state.change.y))
    better = hard > state.rate
    return State(
        new,
        Iterate(new.f - old.f, new.y - old.y),
        algebra.where(better, new.f, state.best),
        jnp.where(better, hard, state.rate),
    )

"""The iteration behind `gpip` on one chunk of channels: into their span, its steps, and back.

Beside the beams it says what it did: rates before, after and at every step.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.basis import orthonormal_basis
from jaxsec.precoding.batched.kernels import no_inline, one_kernel, single_kernels
from jaxsec.precoding.gpip import start as gpip_start
from jaxsec.precoding.gpip import step as gpip_step
from jaxsec.precoding.problem import Iterate, Problem, Rates, rates_of, start_from


class GpipInfo(NamedTuple):
    """What the iteration did, for the start that was kept."""

    rate: Float[Array, "..."]
    """(Weighted) sum secrecy rate of the design, as seen by the solver."""
    start_rate: Float[Array, "..."]
    """The same of what the iteration started from."""
    residual: Float[Array, "..."]
    """‖B⁻¹(A − B)f‖ at the last step, ‖f‖ = 1; 0 at a stationary point."""
    converged: Array
    """[...] bool: the residual is within the tolerance."""
    iterations: Int[Array, "..."]
    """Step that found the best iterate; 0 if the start was not improved."""
    rate_history: Float[Array, "num_steps ..."]
    """Hard rate after each step."""
    smooth_history: Float[Array, "num_steps ..."]
    """Smooth rate after each step, at that step's smoothing."""


def solve_chunk(h, weights, initial, *, smoothing, num_beams: int, plain: bool, kernels: bool):
    """h [B, R, M] complex and weights [B, K] to beams [B, M, N] and info.

    From `initial` [B, M, N], or without it from the closed-form start.
    """
    basis, problem = reduced(h, weights)
    if initial is not None:
        start = started(problem, basis, initial)
    else:
        start = gpip_start.start(problem, num_beams, h.shape[2])
    with single_kernels(kernels):
        f, info = (_iterate_plain if plain else _iterate)(problem, start, smoothing)
        if initial is not None:
            f = _no_worse(problem, start, f, smoothing[-1])
    return beams_of(basis, f), jax.tree.map(lambda x: jnp.moveaxis(x, -1, 0), info)


def reduced(
    h: Complex[Array, "B R M"], weights: Float[Array, "B K"]
) -> tuple[SplitComplex | None, Problem]:
    """The problem in the span of the channels, and that span's basis [M, R, B] where it is smaller
    than the antennas' space."""
    channels, basis = algebra.split(h), None  # [R, M, B]
    if h.shape[1] < h.shape[2]:
        basis, channels = orthonormal_basis(channels)
    return basis, Problem(channels, algebra.squared_norm(algebra.transpose(channels)), weights.T)


def started(problem: Problem, basis: SplitComplex | None, u: Complex[Array, "B M N"]) -> Iterate:
    """The iterate of beams at the antennas, of what lies in the span of the channels."""
    f = algebra.split(u)
    return start_from(problem, f if basis is None else algebra.hermitian_product(basis, f))


def beams_of(basis: SplitComplex | None, f: SplitComplex) -> Complex[Array, "B M N"]:
    """Beams f [D, N, B] of a reduced problem at the antennas."""
    return algebra.join(f if basis is None else algebra.combine(basis, f))


def _iterate(problem: Problem, start: Iterate, smoothing: Float[Array, "num_steps"]):
    """Searched steps down the smoothing schedule; the best iterate by true rate."""
    noise = jnp.ones_like(problem.weights[0])
    first = rates_of(problem, start.y.abs2(), noise, smoothing[0]).hard

    @no_inline
    def advance(best: _Best, iterate: Iterate, alpha, number):
        iterate, reached, lengths = gpip_step.searched_step(problem, iterate, alpha)
        return _keep_best(best, iterate, reached, number, lengths), iterate

    def step(carry, at):
        (best, trace), iterate = advance(*carry, *at)
        return (best, iterate), trace

    numbers = jnp.arange(1, smoothing.shape[0] + 1, dtype=smoothing.dtype)
    best = _Best(start.f, first, jnp.zeros_like(noise))
    (best, _), trace = jax.lax.scan(step, (best, start), (smoothing, numbers))
    return best.f, _info(best.rate, first, best.step, trace)


class _Best(NamedTuple):
    """The best iterate so far, by true rate."""

    f: SplitComplex  # [D, N, B]
    rate: Float[Array, "B"]
    step: Float[Array, "B"]


@one_kernel
def _keep_best(
    best: _Best, iterate: Iterate, reached: Rates, number, lengths: Float[Array, "2 B"]
) -> tuple[_Best, Float[Array, "3 B"]]:
    better = reached.hard > best.rate
    best = _Best(
        algebra.where(better, iterate.f, best.f),
        jnp.where(better, reached.hard, best.rate),  # which a step to nowhere leaves as it is
        jnp.where(better, number, best.step),
    )
    return best, jnp.stack([reached.hard, reached.smooth, lengths[1]])


def _info(rate, start_rate, iterations, trace: Float[Array, "num_steps 3 B"]) -> GpipInfo:
    residual2 = trace[-1, 2]
    residual = jnp.where(residual2 > 0, jnp.sqrt(jnp.where(residual2 > 0, residual2, 1.0)), 0.0)
    return GpipInfo(
        rate,
        start_rate,
        residual,
        residual <= 0,
        iterations.astype(jnp.int32),
        trace[:, 0],
        trace[:, 1],
    )


def _no_worse(
    problem: Problem, start: Iterate, f: SplitComplex, smoothing: Float[Array, ""]
) -> SplitComplex:
    """The start where it is better once the gains of f are computed from f: those that steps have
    carried along are off by what float32 has lost on the way."""
    noise = jnp.ones_like(problem.weights[0])
    end = start_from(problem, f)
    first, last = (rates_of(problem, x.y.abs2(), noise, smoothing).hard for x in (start, end))
    return algebra.where(last >= first, end.f, start.f)


def _iterate_plain(problem: Problem, start: Iterate, smoothing: Float[Array, "num_steps"]):
    """Full steps; the last iterate."""
    noise = jnp.ones_like(problem.weights[0])
    first = rates_of(problem, start.y.abs2(), noise, smoothing[0]).hard

    def step(iterate, alpha):
        iterate, lengths = gpip_step.plain_step(problem, iterate, alpha)
        reached = rates_of(problem, iterate.y.abs2(), noise, alpha)
        return iterate, jnp.stack([reached.hard, reached.smooth, lengths[1]])

    last, trace = jax.lax.scan(step, start, smoothing)
    steps = jnp.full_like(noise, smoothing.shape[0])
    return last.f, _info(trace[-1, 0], first, steps, trace)

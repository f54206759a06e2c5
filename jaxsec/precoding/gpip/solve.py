"""The compiled solver behind `gpip`: batches dealt out, starts made, steps iterated.

Flat batches go to the cores in shares (`chunks`), each share in chunks that stay in cache; a chunk
is brought into the span of its channels, iterated there, and brought back.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.basis import orthonormal_basis
from jaxsec.precoding.batched.chunks import chunk_size, deal, fits, map_chunks
from jaxsec.precoding.batched.kernels import no_inline, one_kernel, single_kernels
from jaxsec.precoding.gpip import start as gpip_start
from jaxsec.precoding.gpip import step as gpip_step
from jaxsec.precoding.problem import Iterate, Problem, Rates, rates_of, start_from
from jaxsec.secrecy import normalise_power
from jaxsec.strategy import Strategy


class GpipInfo(NamedTuple):
    """What the iteration did, for the start that was kept."""

    rate: Float[Array, "..."]
    """(Weighted) sum secrecy rate of the design, as seen by the solver."""
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


class GpipResult(NamedTuple):
    """A design and how it was reached."""

    strategy: Strategy
    info: GpipInfo


def solve(
    h_user, h_eve, noise_power, user_weights, smoothing, key, tolerance, initial=None, **options
) -> GpipResult:
    """Flattens the batch, deals it to the cores, and puts the shape back."""
    real = jnp.result_type(h_user.dtype, h_eve.dtype, jnp.complex64)
    real = jnp.finfo(real).dtype
    num_users = h_user.shape[-2]
    noise_power = jnp.asarray(noise_power, real)
    weights = jnp.ones(num_users, real) if user_weights is None else jnp.asarray(user_weights, real)
    batch = jnp.broadcast_shapes(
        h_user.shape[:-2], h_eve.shape[:-2], noise_power.shape, weights.shape[:-1]
    )
    n = math.prod(batch)

    def flat(x, rest: int):
        tail = x.shape[x.ndim - rest :]
        return jnp.broadcast_to(x, (*batch, *tail)).reshape(n, *tail)

    if initial is None:  # no beams: the closed-form start
        initial = jnp.zeros((*h_user.shape[:-2], h_user.shape[-1], 0), h_user.dtype)
    inputs = (
        flat(h_user, 2),
        flat(h_eve, 2),
        flat(noise_power, 0),
        flat(weights, 1),
        jnp.arange(n),
        flat(initial, 2),
    )
    solve = functools.partial(
        _solve_flat,
        smoothing=jnp.asarray(smoothing, real),
        key=key,
        tolerance=tolerance,
        **options,
    )
    result: GpipResult = deal(solve, inputs)
    strategy, info = jax.tree.map(lambda x: x.reshape(*batch, *x.shape[1:]), result)
    return GpipResult(
        strategy,
        info._replace(
            rate_history=jnp.moveaxis(info.rate_history, -1, 0),
            smooth_history=jnp.moveaxis(info.smooth_history, -1, 0),
        ),
    )


def _solve_flat(*inputs, **options) -> GpipResult:
    """One compiled program; single-threaded kernels only where nothing but this is compiled."""
    if any(isinstance(x, Tracer) for x in jax.tree.leaves(inputs)):
        return _solve_compiled(*inputs, **options, kernels=False)
    try:
        return _solve_compiled(*inputs, **options, kernels=True)
    except jax.errors.JaxRuntimeError:
        # A compiler that cannot build them; if something else is wrong, this raises it again.
        return _solve_compiled(*inputs, **options, kernels=False)


@functools.partial(jax.jit, static_argnames=("num_noise_beams", "num_starts", "plain", "kernels"))
def _solve_compiled(*inputs, kernels: bool, **options) -> GpipResult:
    return _solve_batch(*inputs, **options, kernels=kernels)


def _solve_batch(
    h_user,
    h_eve,
    noise_power,
    weights,
    index,
    initial,
    *,
    smoothing,
    key,
    tolerance,
    num_noise_beams: int,
    num_starts: int,
    plain: bool,
    kernels: bool,
) -> GpipResult:
    """One batch axis throughout: n channels, the histories' steps last."""
    n, num_users, num_antennas = h_user.shape
    h = jnp.concatenate([h_user, h_eve], axis=1) / jnp.sqrt(noise_power)[:, None, None]
    dimensions = min(num_antennas, h.shape[1])
    num_beams = num_users + num_noise_beams

    # Starts join the batch. The first is closed-form, marked by zeros here; a channel's random
    # ones depend on its index alone, not on how the batch is dealt.
    size = gpip_start.random_size(num_users, h_eve.shape[1], num_noise_beams)

    def draw(i):
        return jax.random.normal(
            jax.random.fold_in(key, i), (num_starts - 1, size), noise_power.dtype
        )

    variates = jnp.zeros((1, n, size), noise_power.dtype)
    if num_starts > 1:
        variates = jnp.concatenate([variates, jax.vmap(draw, out_axes=1)(index)])

    def repeat(x):
        rows = num_starts * x.shape[0]
        return jnp.broadcast_to(x, (num_starts, *x.shape)).reshape(rows, *x.shape[1:])

    inputs = (repeat(h), repeat(weights), variates.reshape(-1, size), repeat(initial))
    rows, columns = dimensions, dimensions + num_beams + num_users
    chunk = chunk_size(rows, columns)
    # What does not fit is worth several cores to XLA, and what it splits can't be a single kernel.
    kernels = kernels and fits(chunk, rows, columns)
    solve = functools.partial(
        _solve_chunk,
        smoothing=smoothing,
        num_beams=num_beams,
        plain=plain,
        draw=num_starts > 1,
        kernels=kernels,
    )
    u, info = jax.tree.map(
        lambda x: x.reshape(num_starts, n, *x.shape[1:]), map_chunks(solve, inputs, chunk)
    )
    best = jnp.argmax(info.rate, axis=0)
    u, info = jax.tree.map(lambda x: x[best, jnp.arange(n)], (u, info))
    return GpipResult(
        Strategy(*normalise_power(u[..., :num_users], u[..., num_users:])),
        info._replace(converged=info.residual <= tolerance),
    )


def _solve_chunk(
    h, weights, variates, initial, *, smoothing, num_beams: int, plain: bool, draw: bool, kernels
):
    """h [B, R, M] complex, weights [B, K], variates [B, V] to beams [B, M, N] and info.

    From `initial` [B, M, N], or if that holds no beams, from the closed-form or random start.
    """
    channels = algebra.split(h)  # [R, M, B]
    if h.shape[1] < h.shape[2]:
        basis, reduced = orthonormal_basis(channels)
    else:
        basis, reduced = None, channels
    problem = Problem(reduced, algebra.squared_norm(algebra.transpose(reduced)), weights.T)
    if initial.shape[2]:
        u = algebra.split(initial)
        start = start_from(problem, u if basis is None else algebra.hermitian_product(basis, u))
    else:
        start = gpip_start.start(problem, num_beams, h.shape[2], variates.T if draw else None)
    with single_kernels(kernels):
        f, info = (_iterate_plain if plain else _iterate)(problem, start, smoothing)
    u = f if basis is None else algebra.combine(basis, f)
    return algebra.join(u), jax.tree.map(lambda x: jnp.moveaxis(x, -1, 0), info)


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
    return best.f, _info(best.rate, best.step, trace)


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
        jnp.maximum(best.rate, reached.hard),
        jnp.where(better, number, best.step),
    )
    return best, jnp.stack([reached.hard, reached.smooth, lengths[1]])


def _info(rate, iterations, trace: Float[Array, "num_steps 3 B"]) -> GpipInfo:
    residual2 = trace[-1, 2]
    residual = jnp.where(residual2 > 0, jnp.sqrt(jnp.where(residual2 > 0, residual2, 1.0)), 0.0)
    return GpipInfo(
        rate, residual, residual <= 0, iterations.astype(jnp.int32), trace[:, 0], trace[:, 1]
    )


def _iterate_plain(problem: Problem, start: Iterate, smoothing: Float[Array, "num_steps"]):
    """Full steps; the last iterate."""
    noise = jnp.ones_like(problem.weights[0])

    def step(iterate, alpha):
        iterate, lengths = gpip_step.plain_step(problem, iterate, alpha)
        reached = rates_of(problem, iterate.y.abs2(), noise, alpha)
        return iterate, jnp.stack([reached.hard, reached.smooth, lengths[1]])

    last, trace = jax.lax.scan(step, start, smoothing)
    return last.f, _info(trace[-1, 0], jnp.full_like(noise, smoothing.shape[0]), trace)

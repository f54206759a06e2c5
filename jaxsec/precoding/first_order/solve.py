"""The compiled ascent on a batch: from several starts, down the smoothing, the best kept."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.basis import orthonormal_basis
from jaxsec.precoding.batched.chunks import chunk_size, map_chunks
from jaxsec.precoding.first_order.step import allowed, evaluate, step
from jaxsec.precoding.first_order.value import Task
from jaxsec.secrecy import Objective, PowerConstraint, TotalPower

SHARES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.001)
"""Powers at which a start is tried, of which it takes the one of largest value."""


class Found(NamedTuple):
    """The best beams of a channel, and how they were reached."""

    u: Complex[Array, "n M N"]
    value: Float[Array, "n"]
    """The objective, as seen by the solver."""
    iterations: Int[Array, "n"]
    """Step that found the design; 0 if its start was not improved."""
    residual: Float[Array, "n"]
    """Norm of the direction at the last step; 0 at a stationary point."""


def ascend(
    h: Complex[Array, "n R M"],
    starts: Complex[Array, "n S M N"],
    objective: Objective,
    constraint: PowerConstraint,
    smoothing: Float[Array, "num_steps"],
    *,
    num_users: int,
) -> Found:
    """Ascends from every start and keeps each channel's best.

    Args:
      h: channels over the receiver noise, users first.
      starts: beams [w v] to start from; scaled back where the constraint does not allow them.
      objective: its numbers are [n] or [n, K].
      constraint: its numbers are [n, M].
      smoothing: one value a step, bit/s/Hz.
      num_users: K.
    """
    n, num_starts, num_antennas, num_beams = starts.shape
    repeated = jax.tree.map(lambda x: jnp.repeat(x, num_starts, axis=0), (h, objective, constraint))
    rows = (*repeated[:1], starts.reshape(n * num_starts, num_antennas, num_beams), *repeated[1:])
    dimensions = min(h.shape[1:]) if isinstance(constraint, TotalPower) else num_antennas
    chunk = chunk_size(dimensions, num_beams * (dimensions + 1))
    solve = functools.partial(_ascend_chunk, smoothing=smoothing, num_users=num_users)
    found = map_chunks(solve, rows, chunk)
    each = jax.tree.map(lambda x: x.reshape(n, num_starts, *x.shape[1:]), found)
    best = jnp.argmax(jnp.where(jnp.isfinite(each.value), each.value, -jnp.inf), axis=1)
    return jax.tree.map(lambda x: x[jnp.arange(n), best], each)


def _ascend_chunk(h, start, objective, constraint, *, smoothing, num_users: int) -> Found:
    """h [B, R, M], start [B, M, N]."""
    channels, u = algebra.split(h), algebra.split(start)
    basis = None
    if isinstance(constraint, TotalPower) and h.shape[1] < h.shape[2]:
        basis, channels = orthonormal_basis(channels)
        u = algebra.hermitian_product(basis, u)
    task = Task(channels, objective, constraint)
    u, first = _start(task, u, num_users, smoothing[0])

    def advance(carry: Any, at: Any) -> tuple[Any, None]:
        u, best = carry
        alpha, number = at
        u, reached, length = step(task, u, num_users, alpha)
        better = reached.hard > best.value
        beams: Any = algebra.where(better, u, best.u)
        value = jnp.where(better, reached.hard, best.value)
        return (u, Found(beams, value, jnp.where(better, number, best.iterations), length)), None

    beams: Any = u
    zero = jnp.zeros(first.shape, jnp.int32)
    begun = (u, Found(beams, first, zero, jnp.zeros_like(first)))
    numbers = jnp.arange(1, smoothing.shape[0] + 1, dtype=jnp.int32)
    (_, best), _ = jax.lax.scan(advance, begun, (smoothing, numbers))
    beams = best.u if basis is None else algebra.combine(basis, best.u)
    return best._replace(u=algebra.join(beams))


def _start(
    task: Task, u: SplitComplex, num_users: int, smoothing: Any
) -> tuple[SplitComplex, Float[Array, "B"]]:
    """A start at the best of `SHARES` of its power, and its true value."""
    amplitude = jnp.sqrt(jnp.asarray(SHARES, u.re.dtype))[None, None, :, None]
    trial = allowed(task.constraint, jax.tree.map(lambda x: x[:, :, None] * amplitude, u))
    hard = evaluate(task, trial, num_users, smoothing).hard
    best = jnp.argmax(hard, axis=0)
    at = best.reshape(1, 1, 1, *best.shape)
    chosen = jax.tree.map(lambda x: jnp.take_along_axis(x, at, axis=2)[:, :, 0], trial)
    return chosen, jnp.max(hard, axis=0)

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
from jaxsec.precoding.first_order.limits import fitted
from jaxsec.precoding.first_order.step import power_by_antenna, step
from jaxsec.precoding.first_order.value import Beams, Task, values
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
    beams, first = _start(task, u, num_users, smoothing[0])

    def advance(carry: Any, at: Any) -> tuple[Any, None]:
        beams, best = carry
        alpha, number = at
        beams, reached, length = step(task, beams, num_users, alpha)
        better = reached.hard > best.value
        u: Any = algebra.where(better, beams.u, best.u)
        value = jnp.where(better, reached.hard, best.value)
        return (beams, Found(u, value, jnp.where(better, number, best.iterations), length)), None

    u: Any = beams.u
    zero = jnp.zeros(first.shape, jnp.int32)
    begun = (beams, Found(u, first, zero, jnp.zeros_like(first)))
    numbers = jnp.arange(1, smoothing.shape[0] + 1, dtype=jnp.int32)
    (_, best), _ = jax.lax.scan(advance, begun, (smoothing, numbers))
    found: Any = best.u if basis is None else algebra.combine(basis, best.u)
    return best._replace(u=algebra.join(found))


def _start(
    task: Task, u: SplitComplex, num_users: int, smoothing: Any
) -> tuple[Beams, Float[Array, "B"]]:
    """A start at the best of `SHARES` of its power, and its true value."""
    shares = jnp.asarray(SHARES, u.re.dtype)[:, None]
    y, sent = algebra.hermitian_product(task.h, u), power_by_antenna(u)
    trial_sent = sent[:, None] * shares
    scale = fitted(task.constraint, trial_sent) * jnp.sqrt(shares)  # [T, B]
    trial = jax.tree.map(lambda x: x[:, :, None] * scale, y)
    spent = scale * scale * algebra.sum_first(sent)
    hard = values(task, trial, spent, num_users, smoothing).hard
    best = jnp.take_along_axis(scale, jnp.argmax(hard, axis=0)[None], axis=0)[0]
    return Beams(u.scale(best), y.scale(best)), jnp.max(hard, axis=0)

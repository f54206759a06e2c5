"""The compiled ascent on a batch: from several starts, down the smoothing, the best kept."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.basis import orthonormal_basis
from jaxsec.precoding.batched.chunks import (
    Piece,
    chunk_size,
    deal,
    fill,
    fits,
    map_chunks,
    pieces,
)
from jaxsec.precoding.batched.kernels import single_kernels
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.precoding.first_order import modulus
from jaxsec.precoding.first_order import step as sums
from jaxsec.precoding.first_order.least_power import lower, share_out
from jaxsec.precoding.first_order.limits import fitted
from jaxsec.precoding.first_order.value import Beams, Task, values
from jaxsec.secrecy import ConstantModulus, LeastPower, Objective, PowerConstraint, TotalPower

TIGHTENING = tuple(np.geomspace(1.0, 1e-7 ** (7.0**-n), 8).tolist() for n in range(5))
"""The same for `LeastPower`, each finer than the last, to a thousandth of the least that serves."""
SHARES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.001)
"""Powers at which a start is tried, of which it takes the one of largest value."""


class Found(NamedTuple):
    """The best beams of a channel, and how they were reached."""

    u: Any
    """[n, M, N]; in a chunk as `SplitComplex` of its coordinates."""
    value: Float[Array, "n"]
    """The objective, as seen by the solver."""
    iterations: Int[Array, "n"]
    """Step that found the design; 0 if its start was not improved."""
    residual: Float[Array, "n"]
    """Norm of the direction at the last step; 0 at a stationary point."""


class Rows(NamedTuple):
    """A batch of problems and where to start."""

    h: Any
    """[n, R, M] channels over the receiver noise, users first."""
    starts: Any
    """[n, S, M, N] beams [w v]; scaled back where the constraint does not allow them."""
    objective: Objective
    """Its numbers are [n] or [n, K]."""
    constraint: PowerConstraint
    """Its numbers are [n, M]."""


def solve(rows: Rows, smoothing: Float[Array, "num_steps"], num_users: int) -> Found:
    """Ascends from every start and keeps each channel's best.

    Concrete batches go to the cores in pieces (`chunks`), as those of `gpip.solve` do.

    Args:
      rows: arrays, or tracers.
      smoothing: one value a step, bit/s/Hz.
      num_users: K.
    """
    traced = any(isinstance(x, Tracer) for x in jax.tree.leaves((rows, smoothing)))
    n, num_starts = rows.starts.shape[:2]
    chunk = _chunk(rows)
    cuts = [Piece(0, n, n)] if traced else pieces(n, chunk, num_starts)
    single = jax.default_backend() == "cpu" and not traced and _single_kernels_for(rows, num_users)
    instead = (("kernels", False),) if single else ()
    static: dict[str, Any] = {"num_users": num_users, "kernels": single}

    def run(part: Rows) -> Found:
        args = part, smoothing
        program = PROGRAMS.get(_ascend, args, instead=instead, together=True, **static)
        return program(*args)

    if len(cuts) == 1 and cuts[0].length == n:
        return run(rows)
    host = jax.tree.map(np.asarray, rows)
    found = deal(lambda piece: run(jax.tree.map(lambda x: fill(x, piece), host)), cuts)
    counts = [piece.stop - piece.start for piece in cuts]

    def together(*parts: Any) -> Array:
        kept = [np.asarray(x)[:count] for x, count in zip(parts, counts, strict=True)]
        return jnp.asarray(np.concatenate(kept))

    return jax.tree.map(together, *found)


def _shape(rows: Rows) -> tuple[int, int]:
    """Rows and columns of the largest system of a start, [B_0 | ∇ | h_1 … h_K | normals]."""
    num_antennas, num_beams = rows.starts.shape[2:]
    if isinstance(rows.constraint, TotalPower):
        size = min(rows.h.shape[1], num_antennas)
        return size, size + 3 * num_beams
    if isinstance(rows.constraint, ConstantModulus):
        return num_antennas, (num_antennas + 2) * num_beams
    return num_antennas, 2 * num_antennas + 2 * num_beams


def _chunk(rows: Rows) -> int:
    return chunk_size(*_shape(rows))


def _single_kernels_for(rows: Rows, num_users: int) -> bool:
    """Whether a chunk may ask for single kernels: as `gpip.solve.single_kernels_for`."""
    full = rows.h.shape[1] > num_users and rows.starts.shape[3] > num_users
    return full and fits(_chunk(rows), *_shape(rows))


def _ascend(
    rows: Rows, smoothing: Float[Array, "num_steps"], *, num_users: int, kernels: bool
) -> Found:
    """The program: a batch and its starts, as rows of one axis."""
    n, num_starts, *shape = rows.starts.shape
    repeated = jax.tree.map(lambda x: jnp.repeat(x, num_starts, axis=0), rows._replace(starts=()))
    repeated = repeated._replace(starts=rows.starts.reshape(n * num_starts, *shape))
    solve_chunk = functools.partial(
        _ascend_chunk, smoothing=smoothing, num_users=num_users, kernels=kernels
    )
    found = map_chunks(solve_chunk, tuple(repeated), _chunk(rows))
    each = jax.tree.map(lambda x: x.reshape(n, num_starts, *x.shape[1:]), found)
    best = jnp.argmax(jnp.where(jnp.isfinite(each.value), each.value, -jnp.inf), axis=1)
    return jax.tree.map(lambda x: x[jnp.arange(n), best], each)


def _ascend_chunk(
    h, start, objective, constraint, *, smoothing, num_users: int, kernels: bool
) -> Found:
    """h [B, R, M], start [B, M, N]."""
    channels, u = algebra.split(h), algebra.split(start)
    basis = None
    if isinstance(constraint, TotalPower) and h.shape[1] < h.shape[2]:
        basis, channels = orthonormal_basis(channels)
        u = algebra.hermitian_product(basis, u)
    task = Task(channels, objective, constraint)
    least = isinstance(objective, LeastPower)
    tried = TIGHTENING if least else (SHARES,)
    step, at_first = sums.step, tried
    if isinstance(constraint, ConstantModulus):
        step, at_first = modulus.step, ((1.0,),)
    beams, first = _start(task, u, num_users, smoothing[0], at_first)
    advance_by = functools.partial(lower, step) if least else step

    def advance(carry: Any, at: Any) -> tuple[Any, None]:
        beams, best = carry
        alpha, number = at
        beams, reached, length = advance_by(task, beams, num_users, alpha)
        number = jnp.full(length.shape, number)
        return (beams, _better(best, Found(beams.u, reached.hard, number, length))), None

    zero = jnp.zeros(first.shape, jnp.int32)
    begun = (beams, Found(beams.u, first, zero, jnp.zeros_like(first)))
    numbers = jnp.arange(1, smoothing.shape[0] + 1, dtype=jnp.int32)
    with single_kernels(kernels):
        (last, best), _ = jax.lax.scan(advance, begun, (smoothing, numbers))
    if least:
        last = share_out(task, last, num_users)
        beams, value = _start(task, last.u, num_users, smoothing[-1], tried)
        end = jnp.full(first.shape, smoothing.shape[0], jnp.int32)
        best = _better(best, Found(beams.u, value, end, best.residual))
    u = best.u if basis is None else algebra.combine(basis, best.u)
    return best._replace(u=algebra.join(u))


def _better(best: Found, other: Found) -> Found:
    """For each channel the one of larger value, with the residual of the second."""
    better = other.value > best.value
    return Found(
        algebra.where(better, other.u, best.u),
        jnp.where(better, other.value, best.value),
        jnp.where(better, other.iterations, best.iterations),
        other.residual,
    )


def _start(
    task: Task,
    u: SplitComplex,
    num_users: int,
    smoothing: Any,
    tried: Sequence[Sequence[float]],
) -> tuple[Beams, Float[Array, "B"]]:
    """A start at the best of the shares of its power that are tried, and its true value."""
    first, *finer = tried
    beams = Beams(u, algebra.hermitian_product(task.h, u))
    beams, value = _best_share(task, beams, first, num_users, smoothing)
    for shares in finer:
        beams, value = _best_share(task, beams, shares, num_users, smoothing)
    return beams, value


def _best_share(
    task: Task, beams: Beams, of_power: Sequence[float], num_users: int, smoothing: Any
) -> tuple[Beams, Float[Array, "B"]]:
    """Beams at that of the shares of their power which is worth most, and its true value."""
    u, y = beams
    shares = jnp.asarray(of_power, u.re.dtype)[:, None]
    sent = sums.power_by_antenna(u)
    trial_sent = sent[:, None] * shares[None]
    scale = fitted(task.constraint, trial_sent) * jnp.sqrt(shares)  # [T, B]
    trial = y[:, :, None].scale(scale)
    spent = scale * scale * algebra.sum_first(sent)[None]
    hard = values(task, trial, spent, num_users, smoothing).hard
    best = jnp.take_along_axis(scale, jnp.argmax(hard, axis=0)[None], axis=0)[0]
    return Beams(u.scale(best), y.scale(best)), jnp.max(hard, axis=0)

"""The compiled solver behind `gpip`: batches cut and dealt out, starts drawn, the best kept.

Concrete batches go to the cores in pieces of a few lengths (`chunks`), each a call of one compiled
program (`programs`); under a transformation such a program takes the batch whole. Inside, chunks
that stay in cache are iterated one after another (`iterate`).
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer, eval_context
from jaxtyping import Array

from jaxsec import checks
from jaxsec.channels import normalise
from jaxsec.precoding.batched.chunks import Piece, chunk_size, deal, fill, fits, map_chunks, pieces
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.precoding.gpip.iterate import GpipInfo, solve_chunk
from jaxsec.precoding.gpip.starts import several_starts
from jaxsec.secrecy import normalise_power
from jaxsec.shapes import over_noise
from jaxsec.strategy import Strategy


class Inputs(NamedTuple):
    """What a design is made from; None where something is not asked for."""

    h_user: Any
    """[..., K, M]."""
    h_eve: Any
    """[..., L, M]."""
    noise_power: Any
    """[...]."""
    weights: Any
    """[..., K], of the users; None is all one."""
    initial: Any
    """[..., M, N], beams to start from; None is the closed-form start."""
    smoothing: Any
    """[num_steps]."""
    tolerance: Any
    """[]."""
    key: Any
    """For random starts; None where there are none."""
    index: Any = None
    """[...], number of the channel in the batch, by which its random starts are drawn."""


_TAILS = {"h_user": 2, "h_eve": 2, "noise_power": 0, "weights": 1, "initial": 2, "index": 0}
"""Axes after those of the batch."""


class GpipResult(NamedTuple):
    """A design and how it was reached."""

    strategy: Strategy
    info: GpipInfo


def solve(inputs: Inputs, **options: Any) -> GpipResult:
    """Designs for a batch of any shape.

    Args:
      inputs: arrays of Python, NumPy or JAX, or tracers; `index` is filled in here.
      options: as `_solve_rows` has them, but for `kernels`.
    """
    batch = _batch(inputs)
    checks.require(
        math.prod(batch) > 0,
        f"`h_user` must hold at least one channel, but has shape {np.shape(inputs.h_user)}",
    )
    if options["num_starts"] > 1:
        inputs = inputs._replace(index=np.arange(math.prod(batch)).reshape(batch))
    # Whatever is traced counts: a key or a smoothing under `vmap` or `grad` as much as channels.
    if any(isinstance(x, Tracer) for x in jax.tree.leaves(inputs)):
        return PROGRAMS.get(_solve_rows, inputs, **options, kernels=False)(inputs)
    # Inside `jit` too, where this is a constant. `jax.ensure_compile_time_eval` would reach into
    # the program that is traced here, and compile its constants one by one, for seconds.
    with eval_context():
        return _solve_pieces(inputs, batch, **options)


def _solve_pieces(inputs: Inputs, batch: tuple[int, ...], **options: Any) -> GpipResult:
    """A concrete batch, cut into pieces that compiled programs exist for."""
    inputs = _prepared(inputs, batch)
    num_users, num_antennas = inputs.h_user.shape[-2:]
    num_eves, beams = inputs.h_eve.shape[-2], options["num_noise_beams"]
    chunk = chunk_size(*_shape(num_users, num_eves, num_antennas, beams))
    n = math.prod(batch)
    cuts = pieces(n, chunk, options["num_starts"])
    if len(batch) <= 1 and cuts[0].length == n:  # nothing to cut, fill or put together
        return _run(inputs, **options)
    arrays = {name: np.asarray(getattr(inputs, name)) for name in _given(inputs)}
    flat = {name: x.reshape(n, *x.shape[len(batch) :]) for name, x in arrays.items()}

    def solve_piece(piece: Piece) -> GpipResult:
        parts = {name: fill(x, piece) for name, x in flat.items()}
        return _run(inputs._replace(**parts), **options)

    return _together(deal(solve_piece, cuts), cuts, batch)


def _batch(inputs: Inputs) -> tuple[int, ...]:
    """The batch shape."""
    batches = set()
    for name in _given(inputs):
        shape = np.shape(getattr(inputs, name))
        batches.add(shape[: len(shape) - _TAILS[name]])
    return batches.pop() if len(batches) == 1 else np.broadcast_shapes(*batches)


def _given(inputs: Inputs) -> list[str]:
    """Names of the arrays with batch axes that are there."""
    return [name for name in _TAILS if getattr(inputs, name) is not None]


def _prepared(inputs: Inputs, batch: tuple[int, ...]) -> Inputs:
    """Concrete inputs of full batch shape, in the precision of the channels.

    JAX's channels go as they are; those of NumPy are divided by the noise here, in float64, and so
    are all where the noise is too small for their precision.
    """
    real = jnp.finfo(jnp.result_type(inputs.h_user, inputs.h_eve)).dtype
    h_user, h_eve, noise = inputs.h_user, inputs.h_eve, inputs.noise_power
    on_device = isinstance(h_user, jax.Array) and isinstance(h_eve, jax.Array)
    if not isinstance(noise, jax.Array):
        done = isinstance(noise, float | int) and noise == 1  # by `jaxsec.design`, for one
        small = not done and np.min(noise, initial=1.0) < np.finfo(real).tiny
    else:
        done = small = False
    if small or not (on_device or done):
        rows = np.asarray(noise)[..., None]
        h_user = normalise.over_noise("h_user", h_user, rows, math.inf)
        h_eve = normalise.over_noise("h_eve", h_eve, rows, math.inf)
        noise = 1.0
    inputs = inputs._replace(
        h_user=h_user,
        h_eve=h_eve,
        noise_power=_host(noise, real),
        weights=_host(inputs.weights, real),
        smoothing=_host(inputs.smoothing, real, constant=True),
        tolerance=_host(inputs.tolerance, real, constant=True),
    )

    full = {}
    for name in _given(inputs):
        x = getattr(inputs, name)
        shape = (*batch, *x.shape[x.ndim - _TAILS[name] :])
        full[name] = x if x.shape == shape else np.broadcast_to(x, shape)
    return inputs._replace(**full)


def _host(x: Any, dtype: np.dtype, *, constant: bool = False) -> Any:
    """Numbers and NumPy arrays in the given precision; JAX's, and None, as they are."""
    if x is None or isinstance(x, jax.Array):
        return x
    x = np.asarray(x, dtype)
    return _on_device(x.tobytes(), x.shape, dtype) if constant else x


@functools.lru_cache(maxsize=32)
def _on_device(content: bytes, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """A constant of many calls, put on the device once: that takes longer than a call."""
    return jnp.asarray(np.frombuffer(content, dtype).reshape(shape))


def _together(results: list[GpipResult], cuts: list[Piece], batch: tuple[int, ...]) -> GpipResult:
    """Results of pieces, of channels that are in them, as one of the batch's shape."""
    counts = [piece.stop - piece.start for piece in cuts]

    def first(*parts: Any) -> Array:
        x = np.concatenate([np.asarray(x)[:n] for x, n in zip(parts, counts, strict=True)])
        return jnp.asarray(x.reshape(*batch, *x.shape[1:]))

    def last(*parts: Any) -> Array:
        cut = [np.asarray(x)[..., :n] for x, n in zip(parts, counts, strict=True)]
        x = np.concatenate(cut, axis=-1)
        return jnp.asarray(x.reshape(*x.shape[:-1], *batch))

    return GpipResult(
        jax.tree.map(first, *[result.strategy for result in results]),
        jax.tree.map(last, *[result.info for result in results]),
    )


def _run(inputs: Inputs, **options: Any) -> GpipResult:
    """One compiled program; single-threaded kernels only where nothing but this is compiled, and
    the compiler can build them."""
    kernels = jax.default_backend() == "cpu"
    instead = (("kernels", False),) if kernels else ()
    forms = {"instead": instead, "together": True, "kernels": kernels}
    return PROGRAMS.get(_solve_rows, inputs, **forms, **options)(inputs)


def _solve_rows(
    inputs: Inputs, *, num_noise_beams: int, num_starts: int, plain: bool, kernels: bool
) -> GpipResult:
    """The program: a batch of any shape and its starts, as rows of one axis."""
    real = jnp.finfo(jnp.result_type(inputs.h_user, inputs.h_eve)).dtype
    batch = _batch(inputs)
    n = math.prod(batch)

    def flat(x: Array, tail: int) -> Array:
        rest = x.shape[x.ndim - tail :]
        return jnp.broadcast_to(x, (*batch, *rest)).reshape(n, *rest)

    def repeat(x: Array) -> Array:
        rows = (num_starts * n, *x.shape[1:])
        return jnp.broadcast_to(x, (num_starts, *x.shape)).reshape(rows)

    h_user, h_eve = (
        flat(over_noise(h, inputs.noise_power), 2) for h in (inputs.h_user, inputs.h_eve)
    )
    h = jnp.concatenate([h_user, h_eve], axis=1)
    num_users, num_antennas = h_user.shape[1:]
    ones = jnp.ones(num_users) if inputs.weights is None else inputs.weights
    weights = flat(jnp.asarray(ones, real), 1)
    sizes = (num_users, h_eve.shape[1], num_antennas, num_noise_beams)
    chunk = chunk_size(*_shape(*sizes))
    num_beams = num_users + num_noise_beams
    initial = None if inputs.initial is None else flat(inputs.initial, 2)
    if num_starts > 1:
        options = {"num_starts": num_starts, "num_beams": num_beams, "chunk": chunk}
        initial = several_starts(h, weights, inputs.key, flat(inputs.index, 0), **options)
    rows = repeat(h), repeat(weights), initial
    solve = functools.partial(
        solve_chunk,
        smoothing=jnp.asarray(inputs.smoothing, real),
        num_beams=num_beams,
        plain=plain,
        kernels=kernels and single_kernels_for(chunk, *sizes),
    )
    u, info = _best_start(map_chunks(solve, rows, chunk), num_starts)
    w, v = normalise_power(u[..., :num_users], u[..., num_users:])
    info = info._replace(converged=info.residual <= inputs.tolerance)
    return GpipResult(
        Strategy(w.reshape(*batch, *w.shape[1:]), v.reshape(*batch, *v.shape[1:])),
        jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1).reshape(*x.shape[1:], *batch), info),
    )


def _shape(
    num_users: int, num_eves: int, num_antennas: int, num_noise_beams: int
) -> tuple[int, int]:
    """Rows and columns of a row's largest system, [B_0 | (A − B)f | h_1 … h_K]."""
    dimensions = min(num_antennas, num_users + num_eves)
    return dimensions, dimensions + num_users + num_noise_beams + num_users


def single_kernels_for(
    rows: int, num_users: int, num_eves: int, num_antennas: int, num_noise_beams: int
) -> bool:
    """Whether a chunk of that many rows may ask for single kernels (`batched.kernels`).

    What does not fit the cache is worth several cores to XLA, and what it splits is no single
    kernel. And an array without entries, where there is no eavesdropper or no noise beam, can end
    the compiler, and the process with it: such sizes do without.
    """
    shape = _shape(num_users, num_eves, num_antennas, num_noise_beams)
    return fits(rows, *shape) and num_eves > 0 and num_noise_beams > 0


def _best_start(result: Any, num_starts: int) -> Any:
    """[n, ...]: of each channel's starts, [num_starts·n, ...], the one of largest finite rate."""
    if num_starts == 1:
        return result
    starts = jax.tree.map(lambda x: x.reshape(num_starts, -1, *x.shape[1:]), result)
    rate = starts[1].rate
    best = jnp.argmax(jnp.where(jnp.isfinite(rate), rate, -jnp.inf), axis=0)
    return jax.tree.map(lambda x: x[best, jnp.arange(x.shape[1])], starts)

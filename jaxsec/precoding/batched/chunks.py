"""Large batches: cut into pieces of a few lengths, dealt to the cores, each small enough for cache.

A compiled program serves one length. Programs take seconds to compile, so batches share them: a
batch is cut into whole pieces of the longest length and a last round of shorter ones, filled up to
the next of `LENGTHS`. What a channel gets depends on neither.
"""

import concurrent.futures
import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsec.cores import usable_cores

LENGTHS = (1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256)
"""Lengths of pieces on CPU; from 64 on, filling up costs a third of a piece at most."""
MAX_ROWS = 2**14
"""Longest piece, in rows, where no cache says less; powers of two below it are lengths too."""
CACHE_BYTES = 2**17
"""What the largest array of a chunk should not exceed, on CPU."""
VECTOR = 16
"""Chunks are multiples of it: numbers that a vector unit takes at once."""
MIN_SHARE = 64
"""Rows below which another core is not worth its hand-over."""


class Piece(NamedTuple):
    """Channels `start` to `stop` of a batch, filled up to `length`."""

    start: int
    stop: int
    length: int


@functools.cache
def chunk_size(rows: int, columns: int) -> int:
    """Channels a chunk: on CPU, [rows, columns] complex float32 systems that fit the cache.

    Never fewer than 32, for the vector units, even where those do not fit.
    """
    if jax.default_backend() != "cpu":
        return MAX_ROWS
    fit = CACHE_BYTES // (8 * rows * columns)
    return int(2 ** np.clip(np.floor(np.log2(max(fit, 1))), 5, 8))


def fits(chunk: int, rows: int, columns: int) -> bool:
    """Whether that many systems are within the cache."""
    return 8 * chunk * rows * columns <= CACHE_BYTES


def map_chunks(solve: Callable[..., Any], inputs: Any, chunk: int) -> Any:
    """`solve(*inputs)` over the leading axis of every leaf, at most about `chunk` at a time.

    Entries must be independent of each other. The last chunk is filled up with zeros.
    """
    n = jax.tree.leaves(inputs)[0].shape[0]
    if n <= chunk:
        return solve(*inputs)
    chunk = _even_chunk(n, chunk)
    chunks = -(-n // chunk)
    padded = chunks * chunk

    def pad(x: jax.Array) -> jax.Array:
        x = jnp.pad(x, [(0, padded - n)] + [(0, 0)] * (x.ndim - 1))
        return x.reshape(chunks, chunk, *x.shape[1:])

    outputs = jax.lax.map(lambda part: solve(*part), jax.tree.map(pad, inputs))
    return jax.tree.map(lambda x: x.reshape(padded, *x.shape[2:])[:n], outputs)


def _even_chunk(n: int, chunk: int) -> int:
    """The multiple of `VECTOR` from half of `chunk` to just above it that leaves least to be filled
    up; the longest of equals."""
    most, least = -(-chunk // VECTOR), max(chunk // (2 * VECTOR), 1)
    lengths = range(most * VECTOR, (least - 1) * VECTOR, -VECTOR)
    return min(lengths, key=lambda length: -n % length)


def pieces(n: int, chunk: int, repeats: int = 1) -> list[Piece]:
    """How to cut a batch of n channels, each of which is `repeats` rows of work.

    Args:
      n: channels, at least 1.
      chunk: rows that a piece may have, if a single channel does not have more.
      repeats: rows of a channel, such as its starts.
    """
    lengths = _lengths(chunk // repeats)
    longest = lengths[-1]
    lanes = max(1, n * repeats // MIN_SHARE)
    if lanes > 1:
        lanes = min(lanes, usable_cores() if jax.default_backend() == "cpu" else 1)
    whole = n // (lanes * longest) * lanes  # rounds in which every core has a whole piece
    cuts = [Piece(i * longest, (i + 1) * longest, longest) for i in range(whole)]
    start = whole * longest
    share = -(-(n - start) // lanes)  # the last round
    while start < n:
        stop = min(start + share, n)
        length = next(length for length in lengths if length >= stop - start)
        cuts.append(Piece(start, stop, length))
        start = stop
    return cuts


@functools.cache
def _lengths(longest: int) -> tuple[int, ...]:
    """Lengths of pieces, of at most `longest` channels; one channel always is a piece."""
    doubling = tuple(2**i for i in range(MAX_ROWS.bit_length()))
    lengths = LENGTHS if jax.default_backend() == "cpu" else doubling
    return tuple(length for length in lengths if length <= max(longest, 1))


def fill(x: np.ndarray, piece: Piece) -> np.ndarray:
    """A piece of x [n, ...], filled up with its last entry."""
    part = x[piece.start : piece.stop]
    missing = piece.length - part.shape[0]
    if not missing:
        return part
    return np.concatenate([part, np.broadcast_to(part[-1:], (missing, *part.shape[1:]))])


def deal(solve: Callable[[Piece], Any], cuts: list[Piece]) -> list[Any]:
    """`solve(piece)` of every piece, in order and ready, the pieces shared out to the cores.

    A compiled solver on CPU runs on one core (`kernels`), so each core has a thread.
    """
    if len(cuts) == 1 or jax.default_backend() != "cpu":
        return jax.block_until_ready([solve(piece) for piece in cuts])
    # A setting of this thread, which others do not have.
    wide = jnp.result_type(float) == jnp.float64

    def run(piece: Piece) -> Any:
        with jax.enable_x64(wide):
            return jax.block_until_ready(solve(piece))

    return list(_threads(usable_cores()).map(run, cuts))


@functools.cache
def _threads(count: int) -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(count, thread_name_prefix="jaxsec")


os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked process has no threads

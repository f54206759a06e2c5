"""Large batches: dealt to the cores, then worked off in chunks that stay in cache."""

import concurrent.futures
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

SMALLEST_SHARE = 64
"""Channels below which another core is not worth its hand-over."""


CACHE_BYTES = 2**17
"""What the largest array of a chunk should not exceed."""


def chunk_size(rows: int, columns: int) -> int:
    """Channels a chunk: one [rows, columns] complex float32 system for each fits the cache.

    Never fewer than 32, for the vector units, even where those do not fit.
    """
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
    chunks = -(-n // chunk)
    chunk = -(-n // (chunks * 16)) * 16  # equal chunks, a multiple of the vector width
    padded = chunks * chunk

    def pad(x: jax.Array) -> jax.Array:
        x = jnp.pad(x, [(0, padded - n)] + [(0, 0)] * (x.ndim - 1))
        return x.reshape(chunks, chunk, *x.shape[1:])

    outputs = jax.lax.map(lambda part: solve(*part), jax.tree.map(pad, inputs))
    return jax.tree.map(lambda x: x.reshape(padded, *x.shape[2:])[:n], outputs)


def deal(solve: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    """`solve(*inputs)`, the leading axis shared out to the cores, a thread each.

    A compiled solver on CPU runs on one core (`stages`). Inside another transformation, or where
    the work is small, this is a plain call.
    """
    leaves = jax.tree.leaves(inputs)
    n = leaves[0].shape[0]
    lanes = min(os.cpu_count() or 1, n // SMALLEST_SHARE)
    traced = any(isinstance(leaf, Tracer) for leaf in leaves)
    if traced or lanes <= 1 or jax.default_backend() != "cpu":
        return solve(*inputs)
    share = -(-n // lanes)
    starts = [min(i * share, n - share) for i in range(lanes)]  # equal shares; the last overlaps
    parts = [jax.tree.map(lambda x, s=s: x[s : s + share], inputs) for s in starts]
    # The first compiles, the others then run the same program.
    wide = (
        jnp.result_type(float) == jnp.float64
    )  # a setting of this thread, which new ones do not have

    def run(part: tuple[Any, ...]) -> Any:
        with jax.enable_x64(wide):
            return jax.block_until_ready(solve(*part))

    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        done = list(pool.map(run, parts))
    drop = [i * share - start for i, start in enumerate(starts)]

    def gather(*shares: jax.Array) -> jax.Array:
        return jnp.concatenate([x[d:] for x, d in zip(shares, drop, strict=True)])

    return jax.tree.map(gather, *done)

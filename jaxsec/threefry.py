"""Random words as `jax.random.bits` draws them, in less time on CPU.

There JAX compiles the generator as a loop, between whose rounds all words go through memory; here
the rounds are written out, and are one kernel. Many small draws, such as an environment's, spend
most of their time on it.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, UInt32

from jaxsec.precoding.batched import kernels

PARITY = np.uint32(0x1BD11BDA)
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def bits(key: Key[Array, "*batch"], number: int) -> UInt32[Array, "{number} *batch"]:
    """Words of each key, keys as the last axes: the same as `jax.random.bits(key, (number,))`.

    Threefry-2x32 of 20 rounds, J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
    SC 2011, in the order of counters of JAX's `jax_threefry_partitionable`; with keys of another
    kind, or on another device than a CPU, `jax.random.bits` itself.
    """
    partitionable = getattr(jax.config, "jax_threefry_partitionable", False)
    if (
        not partitionable
        or jax.random.key_impl(key) != "threefry2x32"
        or jax.default_backend() != "cpu"
    ):
        draw = functools.partial(jax.random.bits, shape=(number,), dtype=jnp.uint32)
        for _ in key.shape:
            draw = jax.vmap(draw, in_axes=-1, out_axes=-1)
        return draw(key)
    data = jax.random.key_data(key)[None]
    count = jnp.arange(number, dtype=jnp.uint32).reshape(-1, *(1,) * key.ndim)
    return _words(data[..., 0], data[..., 1], count)


@kernels.no_inline
def _words(
    first: UInt32[Array, "1 *batch"],
    second: UInt32[Array, "1 *batch"],
    count: UInt32[Array, "n *one"],
) -> UInt32[Array, "n *batch"]:
    schedule = (first, second, first ^ second ^ PARITY)
    x, y = jnp.broadcast_to(first, count.shape[:1] + first.shape[1:]), second + count
    for i in range(5):
        for turn in ROTATIONS[i % 2]:
            x = x + y
            y = x ^ ((y << turn) | (y >> (32 - turn)))
        x, y = x + schedule[(i + 1) % 3], y + schedule[(i + 2) % 3] + np.uint32(i + 1)
    return x ^ y

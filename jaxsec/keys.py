"""Random keys: a named stream of a seed for every use, so that no two uses draw the same numbers.

In JAX `split(key, n)[i]` and `fold_in(key, i)` are the same key. Code that splits a key in one
place and folds an index into it in another uses the same numbers twice without a warning: that is
how an estimation error once was the very fading that it should have disturbed. So a seed is never
indexed. Each use folds in the hash of its name (`stream`); loops fold in their number under a name
of its own (`step`). Hashes have their highest bit set, so none is an index that `split` gives.
"""

import zlib

import jax
import numpy as np
from jaxtyping import Array, Int, Key

HIGHEST_BIT = 1 << 31


def tag(name: str) -> int:
    """A hash of 32 bits, the same on every machine and at least 2³¹."""
    return zlib.crc32(name.encode()) | HIGHEST_BIT


def stream(source: int | Key[Array, ""], name: str) -> Key[Array, ""]:
    """The key of one use.

    Args:
      source: a seed, or a key that several uses share.
      name: of the use, such as "compare/estimation"; equal names give equal keys.
    """
    key = jax.random.key(source) if isinstance(source, int) else source
    return jax.random.fold_in(key, tag(name))


def step(key: Key[Array, ""], index: int | Int[Array, ""]) -> Key[Array, ""]:
    """The key of one turn of a loop; none of those that `split` makes of the same key."""
    return jax.random.fold_in(stream(key, "step"), index)


def channels(seed: int) -> Key[Array, ""]:
    """The channels of a seed, the same in `jaxsec sample` and `jaxsec compare`.

    The one use that takes an index of a seed, 0, so that channels drawn before streams had names
    can be drawn again.
    """
    return jax.random.split(jax.random.key(seed), 1)[0]


def generator(seed: int, name: str, *indices: int) -> np.random.Generator:
    """NumPy's random numbers for one use, and for one turn of its loop."""
    return np.random.default_rng([seed, tag(name), *indices])

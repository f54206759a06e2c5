"""Spectrum waterfalls, with and without a jammer: pure functions of a key.

A waterfall is a table of power over 16 times and 16 frequencies, in dB over the noise. Four users
of a band have four bins each, side by side, so that no bin is always idle. In each of four frames
of four rows a user sends or not, at a level of its own for the whole waterfall: the sum of energy
says little of a jammer. Every bin is the mean of `NUM_LOOKS` periodograms (M. Bartlett, 1948), each
the expected power times an exponential variable.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Key

from jaxsec.compiled import compiled

SIDE = 16
NUM_USERS, NUM_FRAMES = 4, 4
BLOCK = SIDE // NUM_USERS
"""Bins of a user, and rows of a frame."""
MIN_LEVEL_DB, MAX_LEVEL_DB = 5.0, 20.0
"""Of a user's signal over the noise, in each of its bins."""
ACTIVITY = 0.6
"""Probability that a user sends in a frame."""
NUM_LOOKS = 8
"""Periodograms that a bin is the mean of."""
Jammer = Literal["sweep", "comb", "pulse", "tone"]
JAMMERS: tuple[Jammer, ...] = ("sweep", "comb", "pulse", "tone")
"""A line through time and frequency and back; every fourth bin; the whole band in one of eight
rows; one bin."""


@compiled("n", "jammer")
def sample(
    key: Key[Array, ""], n: int, jammer: Jammer | None = None, ratio_db: Float[ArrayLike, ""] = 0.0
) -> Float[Array, "n 16 16"]:
    """Waterfalls in dB over the noise, rows being times.

    The users' signals and the noise are those of the same key without a jammer.

    Args:
      key: of all that is random.
      n: how many.
      jammer: its pattern; None for none.
      ratio_db: the jammer's energy over that of all users' signals, summed over the waterfall.
    """
    key_users, key_looks, key_jammer = jax.random.split(key, 3)
    power = signals(key_users, n)
    if jammer is not None:
        pattern = patterns(key_jammer, n, jammer)
        energy = jnp.sum(power, axis=(1, 2)) * 10 ** (ratio_db / 10)
        power += pattern * (energy / jnp.sum(pattern, axis=(1, 2)))[:, None, None]
    looks = jax.random.exponential(key_looks, (NUM_LOOKS, *power.shape))
    return 10 * jnp.log10((1 + power) * jnp.mean(looks, axis=0))


def signals(key: Key[Array, ""], n: int) -> Float[Array, "n 16 16"]:
    """Expected power of the users' signals over the noise; one of them at least sends."""
    key_level, key_active, key_one = jax.random.split(key, 3)
    level = jax.random.uniform(
        key_level, (n, 1, NUM_USERS), minval=MIN_LEVEL_DB, maxval=MAX_LEVEL_DB
    )
    active = jax.random.bernoulli(key_active, ACTIVITY, (n, NUM_FRAMES * NUM_USERS))
    one = jax.random.randint(key_one, (n,), 0, NUM_FRAMES * NUM_USERS)
    active |= jax.nn.one_hot(one, NUM_FRAMES * NUM_USERS, dtype=bool)
    sent = active.reshape(n, NUM_FRAMES, NUM_USERS) * 10 ** (level / 10)
    return jnp.repeat(jnp.repeat(sent, BLOCK, axis=1), BLOCK, axis=2)


def patterns(key: Key[Array, ""], n: int, jammer: Jammer) -> Float[Array, "n 16 16"]:
    """Where a jammer is, 1, and is not, 0."""
    row, column = jnp.arange(SIDE)[None, :, None], jnp.arange(SIDE)[None, None]
    start = jax.random.randint(key, (n, 1, 1), 0, 2 * SIDE)
    if jammer == "sweep":
        phase = (start + row) % (2 * SIDE)
        found = column == jnp.minimum(phase, 2 * SIDE - 1 - phase)
    elif jammer == "comb":
        found = (column - start) % BLOCK == 0
    elif jammer == "pulse":
        found = (row - start) % (SIDE // 2) == 0
    else:
        found = column == start % SIDE
    return jnp.broadcast_to(found, (n, SIDE, SIDE)).astype(jnp.float32)

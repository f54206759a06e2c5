"""What of a waterfall is sensed: masks [T, F], true where a power is known, and false in the hole.

- pixels: each power is lost with the same probability;
- blocks: a rectangle is lost, of half the slots and half the channels;
- rows: slots are sensed as a whole, as many as in "regular", at random times;
- regular: every eighth slot is sensed, the rest of the time goes to transmission.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from jaxsec import checks

MaskKind = Literal["pixels", "blocks", "rows", "regular"]
STRIDE = 8
"""Slots from one that is sensed to the next: a sweep of the default scenario."""
LOST = 0.7
"""Share of the pixels that are lost."""


def sample(
    key: Key[Array, ""], kind: MaskKind, num_slots: int, num_channels: int
) -> Bool[Array, "T F"]:
    """A random mask.

    Args:
      key: of the mask.
      kind: pixels, blocks, rows or regular.
      num_slots: T, a multiple of 8.
      num_channels: F.

    Returns:
      True where powers are sensed.

    Raises:
      InputError: there is no such kind, or the slots are no multiple of 8.

    >>> mask = sample(jax.random.key(0), "regular", 32, 32)
    >>> float(mask.mean())
    0.125
    """
    checks.require(kind in KINDS, f"`kind` must be one of {', '.join(KINDS)}, but is {kind!r}")
    checks.require(
        num_slots % STRIDE == 0,
        f"`num_slots` must be a multiple of {STRIDE}, but is {num_slots}",
    )
    return KINDS[kind](key, num_slots, num_channels)


def pixels(key: Key[Array, ""], num_slots: int, num_channels: int) -> Bool[Array, "T F"]:
    """Powers lost one by one."""
    return jax.random.uniform(key, (num_slots, num_channels)) >= LOST


def blocks(key: Key[Array, ""], num_slots: int, num_channels: int) -> Bool[Array, "T F"]:
    """One rectangle lost, half as long and half as wide as the waterfall."""
    inside = []
    for k, size in zip(jax.random.split(key), (num_slots, num_channels), strict=True):
        start = jax.random.randint(k, (), 0, size - size // 2 + 1)
        at = jnp.arange(size)
        inside.append((at >= start) & (at < start + size // 2))
    return ~(inside[0][:, None] & inside[1][None, :])


def rows(key: Key[Array, ""], num_slots: int, num_channels: int) -> Bool[Array, "T F"]:
    """Slots sensed at random times."""
    order = jax.random.permutation(key, num_slots)
    return jnp.broadcast_to((order < num_slots // STRIDE)[:, None], (num_slots, num_channels))


def regular(key: Key[Array, ""], num_slots: int, num_channels: int) -> Bool[Array, "T F"]:
    """Slots sensed at equal distances from a random first one."""
    first = jax.random.randint(key, (), 0, STRIDE)
    sensed = jnp.arange(num_slots) % STRIDE == first
    return jnp.broadcast_to(sensed[:, None], (num_slots, num_channels))


KINDS = {"pixels": pixels, "blocks": blocks, "rows": rows, "regular": regular}


def complete(
    power: Float[Array, "*B T F"], mask: Bool[Array, "*B T F"], guess: Float[Array, "*B T F"]
) -> Float[Array, "*B T F"]:
    """The sensed powers where there are any, the guess in the hole."""
    return jnp.where(mask, power, guess)

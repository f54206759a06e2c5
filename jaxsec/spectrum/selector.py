"""Selection of a channel to transmit on in the slots after the last one that was sensed.

Those slots are the end of the hole, so that nothing of the future is used: a completed waterfall is
a forecast there.

Shapes: B waterfalls, T slots, F channels.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from jaxsec import keys
from jaxsec.spectrum.source import Waterfall


class Hits(NamedTuple):
    """Shares of the slots after the last sensed one, by waterfall; NaN where there are none."""

    jammed: Float[Array, "B"]
    """The jammer was met."""
    collided: Float[Array, "B"]
    """A user was met."""


def ahead(mask: Bool[Array, "B T F"]) -> Bool[Array, "B T"]:
    """Slots after the last one in which anything is sensed."""
    sensed = jnp.any(mask, axis=2)
    return jnp.cumsum(sensed[:, ::-1], axis=1)[:, ::-1] == 0


def least(power: Float[Array, "B T F"]) -> Int[Array, "B T"]:
    """The channel of least power in each slot."""
    return jnp.argmin(power, axis=2)


def held(
    key: Key[Array, ""], power: Float[Array, "B T F"], mask: Bool[Array, "B T F"], idle: float
) -> Int[Array, "B T"]:
    """A channel that was idle when last sensed, drawn anew each slot: no completion.

    Args:
      key: of the draw.
      power: dBm.
      mask: true where it is sensed; of whole slots.
      idle: dBm, below which a channel counts as idle.
    """
    slots = power.shape[1]
    last = slots - 1 - jnp.argmax(jnp.any(mask, axis=2)[:, ::-1], axis=1)
    row = jnp.take_along_axis(power, last[:, None, None], axis=1)  # [B, 1, F]
    return _draw(key, jnp.broadcast_to(row < idle, power.shape))


def clear(key: Key[Array, ""], waterfall: Waterfall) -> Int[Array, "B T"]:
    """A channel that is idle in truth: the oracle."""
    return _draw(key, ~waterfall.occupied)


def anywhere(key: Key[Array, ""], shape: tuple[int, ...]) -> Int[Array, "B T"]:
    """A channel at random."""
    return _draw(key, jnp.ones(shape, bool))


def hits(chosen: Int[Array, "B T"], waterfall: Waterfall, mask: Bool[Array, "B T F"]) -> Hits:
    """What is met on the chosen channels in the slots ahead."""
    wanted = ahead(mask)

    def share(met: Bool[Array, "B T F"]) -> Float[Array, "B"]:
        here = jnp.take_along_axis(met, chosen[..., None], axis=2)[..., 0]
        return jnp.sum(here & wanted, axis=1) / jnp.sum(wanted, axis=1)

    return Hits(share(waterfall.jammed), share(waterfall.used))


def _draw(key: Key[Array, ""], allowed: Bool[Array, "B T F"]) -> Int[Array, "B T"]:
    """One of the allowed channels; of all where none is."""
    chance = jax.random.uniform(keys.stream(key, "draw"), allowed.shape)
    return jnp.argmax(chance + allowed, axis=2)

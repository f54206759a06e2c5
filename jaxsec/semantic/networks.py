"""Encoder, decoder and adversary: dense networks.

Shapes: B pictures, N code bits, V = 16·16·3 values of a picture.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.semantic.source import NUM_CLASSES, NUM_VALUES

SURE = 6.0
"""Root mean square of a channel's logits: at 6 a bit is as meant with probability 0.998."""


class Dense(nn.Module):
    """A dense network with hidden layers of these widths."""

    widths: tuple[int, ...]
    num_outputs: int

    @nn.compact
    def __call__(self, x: Float[Array, "*B I"]) -> Float[Array, "*B O"]:
        for width in self.widths:
            x = nn.gelu(nn.Dense(width)(x))
        return nn.Dense(self.num_outputs)(x)


class Encoder(nn.Module):
    """A dense network a channel, each with logits of a length: √bits times `SURE`.

    Apart, since what moves the bits that Eve hears well away from the secret would also shake those
    that only Bob hears. Of a length, since bits that are sure have no straight-through gradient,
    and an adversary makes all of them sure before they mean anything.
    """

    widths: tuple[int, ...]
    num_channels: int
    bits: int

    @nn.compact
    def __call__(self, picture: Float[Array, "*B V"]) -> Float[Array, "*B N"]:
        logits = [Dense(self.widths, self.bits)(picture) for _ in range(self.num_channels)]
        length = nn.LayerNorm(use_bias=False, use_scale=False)
        return jnp.concatenate([SURE * length(each) for each in logits], axis=-1)


class Networks(NamedTuple):
    """Who talks to whom."""

    encoder: Encoder
    """Picture to N logits of code bits."""
    decoder: Dense
    """What Bob receives of the bits, to logits of the picture's values."""
    adversary: Dense
    """What Eve receives of them, to logits of the secret classes."""


def run(
    network: nn.Module, params: Any, x: Float[Array | np.ndarray, "*B I"]
) -> Float[Array, "*B O"]:
    """What a network makes of x."""
    output: Any = network.apply(params, x)
    return output


def make(num_channels: int, bits: int, width: int, adversary_width: int) -> Networks:
    """Networks of two hidden layers each."""
    return Networks(
        encoder=Encoder((width // 2, width // 2), num_channels, bits),
        decoder=Dense((width, width), NUM_VALUES),
        adversary=Dense((adversary_width, adversary_width), NUM_CLASSES),
    )

"""Encoder, decoder and adversary: dense networks.

Shapes: B pictures, N code bits, V = 16·16·3 values of a picture.
"""

from typing import NamedTuple

import flax.linen as nn
from jaxtyping import Array, Float

from jaxsec.semantic.source import NUM_CLASSES, NUM_VALUES


class Dense(nn.Module):
    """A dense network with hidden layers of these widths."""

    widths: tuple[int, ...]
    num_outputs: int

    @nn.compact
    def __call__(self, x: Float[Array, "*B I"]) -> Float[Array, "*B O"]:
        for width in self.widths:
            x = nn.gelu(nn.Dense(width)(x))
        return nn.Dense(self.num_outputs)(x)


class Networks(NamedTuple):
    """Who talks to whom."""

    encoder: Dense
    """Picture to N logits of code bits."""
    decoder: Dense
    """Bits that Bob receives to logits of the picture's values."""
    adversary: Dense
    """Bits that Eve receives to logits of the secret classes."""


def make(num_bits: int, width: int, adversary_width: int) -> Networks:
    """Networks of two hidden layers each."""
    return Networks(
        encoder=Dense((width, width), num_bits),
        decoder=Dense((width, width), NUM_VALUES),
        adversary=Dense((adversary_width, adversary_width), NUM_CLASSES),
    )

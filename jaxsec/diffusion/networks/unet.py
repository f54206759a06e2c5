"""P1's U-Net (Section III-A and IV): convolutions on the table as an image, attention to channels.

The image has a row a table row and a column a real part or an imaginary part, beside each other:
8×8 at P1's 8 antennas, 2 users and 2 noise beams, then 4×4, then 2×2. Every level has residual
convolution blocks and cross-attention blocks, features asking, channel embeddings (11) answering;
the way up sees what the way down had at its size. What P1 leaves open: group normalisation, SiLU,
one token a receiver, four heads, convolutions (not pooling) between the levels.
"""

import dataclasses
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxsec.diffusion.condition import Condition
from jaxsec.diffusion.networks.convolution import Conv
from jaxsec.diffusion.networks.embedding import time_features
from jaxsec.diffusion.networks.tokens import tokens

MULTIPLE = 4
"""Sides of the image are filled up to a multiple of this."""
GROUPS = 4
HEADS = 4


@dataclasses.dataclass(frozen=True)
class UNetSize:
    """Widths of the network; the defaults are the `small` size."""

    width: int = 16
    """Channels of the first level; the second has twice, the third four times as many."""
    num_blocks: int = 2
    """Residual blocks, each with cross-attention, a level and way."""
    num_skips: int = 3
    """Levels, from the first, whose features on the way down join those on the way up."""
    num_embedding: int = 256
    """d_c, width of the channel embedding."""
    num_rows: int = 16
    num_columns: int = 10
    """The largest table."""


PAPER = UNetSize(width=64, num_blocks=1, num_skips=2)
"""P1's own, Section IV: 64 → 128 → 256, two residual and two cross-attention blocks a level, one on
the way down and one on the way up; the lowest level would pass its features to itself."""


class UNet(nn.Module):
    """Noisy table, time and condition to a table."""

    size: UNetSize
    conv: Callable[..., nn.Module] = Conv
    """Makes a 3×3 convolution from its features, as `flax.linen.Conv` would."""

    @nn.compact
    def __call__(
        self, z: Float[Array, "B 2 R N"], t: Int[Array, "B"], condition: Condition
    ) -> Float[Array, "B 2 R N"]:
        size = self.size
        known, there = tokens(condition, size.num_rows, size.num_columns)
        embedding = nn.Dense(size.num_embedding, name="channels_1")(known)
        embedding = nn.Dense(size.num_embedding, name="channels_2")(nn.silu(embedding))  # (11)
        time = nn.Dense(2 * size.width, name="time_1")(time_features(t, 128))
        time = nn.silu(nn.Dense(2 * size.width, name="time_2")(nn.silu(time)))

        def level(x: Array, name: str, width: int) -> Array:
            for i in range(size.num_blocks):
                x = Residual(width, self.conv, name=f"{name}_residual_{i}")(x, time)
                x = CrossAttention(width, name=f"{name}_attention_{i}")(x, embedding, there)
            return x

        x = self.conv(size.width, name="first")(_image(z))
        widths = [size.width, 2 * size.width, 4 * size.width]
        passed = []
        for i, width in enumerate(widths):
            if i:
                x = _shrink(x, width, f"shrink_{i}")
            x = level(x, f"down_{i}", width)
            passed.append(x)
        x = CrossAttention(widths[-1], name="bottleneck")(x, embedding, there)
        for i, width in reversed(list(enumerate(widths))):
            if i < size.num_skips:
                x = jnp.concatenate([x, passed[i]], axis=-1)
            x = level(x, f"up_{i}", width)
            if i:
                x = _grow(x, widths[i - 1], f"grow_{i}")
        x = nn.silu(nn.GroupNorm(GROUPS, name="norm_out")(x))
        zeros = nn.initializers.zeros
        x = self.conv(1, kernel_init=zeros, name="last")(x)
        return _table(x, z.shape) * condition.mask


class Residual(nn.Module):
    """Two convolutions behind normalisation, the time between them, added to what came in."""

    width: int
    conv: Callable[..., nn.Module]

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"], time: Float[Array, "B E"]) -> Array:
        out = nn.silu(nn.GroupNorm(GROUPS, name="norm_1")(x))
        out = self.conv(self.width, name="conv_1")(out)
        out = out + nn.Dense(self.width, name="time")(time)[:, None, None]
        out = nn.silu(nn.GroupNorm(GROUPS, name="norm_2")(out))
        small = nn.initializers.variance_scaling(0.1, "fan_in", "truncated_normal")
        out = self.conv(self.width, kernel_init=small, name="conv_2")(out)
        if x.shape[-1] != self.width:
            x = nn.Dense(self.width, name="skip")(x)
        return x + out


class CrossAttention(nn.Module):
    """Pixels ask, tokens that exist answer.

    There are fewer tokens than pixels: the linear maps of question and answer are multiplied into
    the tokens' keys and values, head by head, and pixels meet tokens in two matrix products.
    """

    width: int

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B H W C"],
        embedding: Float[Array, "B T D"],
        there: Bool[Array, "B T"],
    ) -> Array:
        batch, height, width, channels = x.shape
        flat = nn.GroupNorm(GROUPS, name="norm")(x).reshape(batch, height * width, channels)

        def heads(name: str) -> Array:
            y = nn.Dense(self.width, name=name)(embedding)
            return y.reshape(*y.shape[:2], HEADS, -1)

        key, value = heads("key"), heads("value")
        size = key.shape[-1]
        kernel = nn.initializers.lecun_normal()
        question = self.param("question", kernel, (channels, self.width)) / np.sqrt(size)
        ask = jnp.einsum("bthd,chd->bcht", key, question.reshape(channels, HEADS, size))
        logits = flat @ ask.reshape(batch, channels, -1)
        logits = logits.reshape(*logits.shape[:2], HEADS, -1)
        weights = jax.nn.softmax(logits, where=there[:, None, None], axis=-1)
        answer = self.param("answer", kernel, (self.width, channels))
        tell = jnp.einsum("bthd,hdc->bhtc", value, answer.reshape(HEADS, size, channels))
        told = weights.reshape(*flat.shape[:2], -1) @ tell.reshape(batch, -1, channels)
        return x + told.reshape(x.shape)


def _image(z: Float[Array, "B 2 R N"]) -> Float[Array, "B H W 1"]:
    """Real and imaginary parts beside each other, filled up with zeros."""
    batch, _, rows, columns = z.shape
    x = jnp.moveaxis(z, 1, -1).reshape(batch, rows, 2 * columns)
    fill = ((0, 0), (0, -rows % MULTIPLE), (0, -2 * columns % MULTIPLE))
    return jnp.pad(x, fill)[..., None]


def _table(x: Float[Array, "B H W 1"], shape: tuple[int, ...]) -> Float[Array, "B 2 R N"]:
    batch, _, rows, columns = shape
    x = x[:, :rows, : 2 * columns, 0].reshape(batch, rows, columns, 2)
    return jnp.moveaxis(x, -1, 1)


def _shrink(x: Float[Array, "B H W C"], width: int, name: str) -> Array:
    """Half the sides: 2×2 pixels become one by a linear map."""
    batch, height, wide, channels = x.shape
    x = x.reshape(batch, height // 2, 2, wide // 2, 2, channels)
    x = jnp.moveaxis(x, 2, 3).reshape(batch, height // 2, wide // 2, 4 * channels)
    return nn.Dense(width, name=name)(x)


def _grow(x: Float[Array, "B H W C"], width: int, name: str) -> Array:
    """Twice the sides: the inverse arrangement of `_shrink`."""
    batch, height, wide, _ = x.shape
    x = nn.Dense(4 * width, name=name)(x).reshape(batch, height, wide, 2, 2, width)
    return jnp.moveaxis(x, 3, 2).reshape(batch, 2 * height, 2 * wide, width)

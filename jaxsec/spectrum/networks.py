"""The four networks: completer, classifier, and a local and a global discriminator.

All see a waterfall by its channels: what is sensed of a channel over all slots is one vector, which
a dense layer codes; a channel's code is read together with those of its neighbours. The band closes
to a ring, so a pattern means the same wherever it lies. Products are of flat matrices, since XLA's
gradient of three-axis ones is ten times slower on a CPU.

Shapes: B waterfalls, T slots, F channels, P patterns, C numbers of a code, H hidden ones.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

PATCH = 8
"""Slots and channels of what the local discriminator looks at."""


def features(power: Float[Array, "B T F"], mask: Bool[Array, "B T F"]) -> Float[Array, "B T F 2"]:
    """Standardised powers, 0 in the hole, and where they are sensed."""
    return jnp.stack([jnp.where(mask, power, 0.0), mask.astype(power.dtype)], axis=-1)


class Codes(nn.Module):
    """Codes of all channels, each beside those of its neighbours: [B, T, F, 2] to [B·F, n·C].

    Neighbours are those up to 7 channels below: a comb repeats after 8.
    """

    width: int
    below: int = 7

    @nn.compact
    def __call__(self, x: Float[Array, "B T F 2"]) -> Float[Array, "BF nC"]:
        batch, _, channels, _ = x.shape
        flat = jnp.swapaxes(x, 1, 2).reshape(batch * channels, -1)
        code = nn.Dense(self.width)(flat).reshape(batch, channels, -1)
        near = [jnp.roll(code, k, axis=1) for k in range(self.below + 1)]
        return jnp.concatenate(near, axis=-1).reshape(batch * channels, -1)


class Completer(nn.Module):
    """The generator: what is sensed, and a label, to powers everywhere.

    An auto-encoder of channels' histories. The label adds to the first hidden layer and scales the
    second; of zeros, it says nothing.
    """

    code: int
    hidden: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "B T F 2"], label: Float[Array, "B P"]
    ) -> Float[Array, "B T F"]:
        batch, slots, channels, _ = x.shape
        h = Codes(self.code)(x)

        def told(name: str) -> Float[Array, "BF H"]:
            return jnp.repeat(nn.Dense(self.hidden, name=name)(label), channels, axis=0)

        h = nn.gelu(nn.Dense(self.hidden)(h) + told("shift"))
        h = nn.gelu(nn.Dense(self.hidden)(h) * (1.0 + told("scale")))
        return jnp.swapaxes(nn.Dense(slots)(h).reshape(batch, channels, slots), 1, 2)


class Pooled(nn.Module):
    """Channels read one by one, then in the mean: the classifier, and the global discriminator."""

    code: int
    hidden: int
    outputs: int

    @nn.compact
    def __call__(self, x: Float[Array, "B T F 2"]) -> Float[Array, "B outputs"]:
        batch, _, channels, _ = x.shape
        h = nn.gelu(nn.Dense(self.hidden)(Codes(self.code)(x)))
        h = nn.gelu(nn.Dense(self.hidden)(h)).reshape(batch, channels, -1)
        h = nn.gelu(nn.Dense(self.hidden)(jnp.mean(h, axis=1)))
        return nn.Dense(self.outputs)(h)


class Local(nn.Module):
    """The local discriminator: whether each patch of 8 x 8 is real, and its share of the hole."""

    hidden: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "B T F 2"]
    ) -> tuple[Float[Array, "B patches"], Float[Array, "B patches"]]:
        batch, slots, channels, _ = x.shape
        patches = x.reshape(batch, slots // PATCH, PATCH, channels // PATCH, PATCH, 2)
        patches = jnp.swapaxes(patches, 2, 3).reshape(-1, PATCH * PATCH * 2)
        h = nn.gelu(nn.Dense(self.hidden)(patches))
        h = nn.gelu(nn.Dense(self.hidden)(h))
        hole = 1.0 - jnp.mean(patches.reshape(batch, -1, PATCH * PATCH, 2)[..., 1], axis=-1)
        return nn.Dense(1)(h).reshape(batch, -1), hole


class Discriminator(nn.Module):
    """The local and the global one: logits of being real, the local ones averaged over the hole."""

    code: int
    hidden: int

    @nn.compact
    def __call__(self, x: Float[Array, "B T F 2"]) -> Float[Array, "B 2"]:
        logits, hole = Local(self.hidden)(x)
        local = jnp.sum(logits * hole, axis=1) / jnp.maximum(jnp.sum(hole, axis=1), 1e-6)
        overall = Pooled(self.code, self.hidden, 1)(x)[:, 0]
        return jnp.stack([local, overall], axis=1)

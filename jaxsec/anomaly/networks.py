"""Mixture of variational auto-encoders that encode, decode and encode again.

Q. Yu, M. S. Kavitha and T. Kurita, Applied Intelligence 51, 2021 (MEx-CVAEC). Expert k encodes an
image into a normal distribution of codes, decodes a code, and encodes what it has decoded, by an
encoder of its own:

    z ~ N(μ_k(x), diag σ²_k(x)),    x̂_k = D_k(z),    ẑ_k = A_k(x̂_k)

A gate, which sees the image, weighs the experts.
"""

import math
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.learning import experts

NUM_PATCHES = 4
"""Patches along a side of an image."""


class Passed(NamedTuple):
    """An image's way through all experts: E experts, B images, Z entries of a code."""

    mean: Float[Array, "E B Z"]
    """μ."""
    log_variance: Float[Array, "E B Z"]
    """log σ²."""
    reconstruction: Float[Array, "E B H W"]
    """x̂."""
    again: Float[Array, "E B Z"] | None
    """ẑ; None where images are encoded once."""
    log_scale: Float[Array, "E 2"]
    """log s and log t: how far images, and codes, are from their models."""
    logits: Float[Array, "B E"]
    """Of the gate."""


class Encoder(nn.Module):
    """From an image to `num_outputs` numbers: a strided convolution, then dense layers."""

    width: int
    hidden: int
    num_outputs: int

    @nn.compact
    def __call__(self, x: Float[Array, "B H W"]) -> Float[Array, "B num_outputs"]:
        features = nn.silu(nn.Dense(self.width)(patches(x)))
        features = nn.silu(nn.Dense(self.hidden)(features.reshape(len(x), -1)))
        return nn.Dense(self.num_outputs)(features)


class Decoder(nn.Module):
    """From a code to an image of `side` pixels a side: the encoder's layers turned round."""

    width: int
    hidden: int
    side: int

    @nn.compact
    def __call__(self, z: Float[Array, "B Z"]) -> Float[Array, "B side side"]:
        features = nn.silu(nn.Dense(self.hidden)(z))
        features = nn.silu(nn.Dense(NUM_PATCHES**2 * self.width)(features))
        features = features.reshape(len(z), NUM_PATCHES**2, self.width)
        return image(nn.Dense((self.side // NUM_PATCHES) ** 2)(features))


class Expert(nn.Module):
    """One auto-encoder; of two encodings the second has weights of its own."""

    width: int
    hidden: int
    latent: int
    side: int
    num_encodings: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "B H W"], noise: Float[Array, "B Z"]
    ) -> tuple[Array, Array, Array, Array | None, Array]:
        codes = Encoder(self.width, self.hidden, 2 * self.latent, name="encoder")(x)
        mean, log_variance = jnp.split(codes, 2, axis=-1)
        z = mean + jnp.exp(0.5 * log_variance) * noise
        decoded = Decoder(self.width, self.hidden, self.side, name="decoder")(z)
        again = None
        if self.num_encodings == 2:
            again = Encoder(self.width, self.hidden, self.latent, name="again")(decoded)
        log_scale = self.param("log_scale", nn.initializers.zeros, (2,))
        return mean, log_variance, decoded, again, log_scale


class Mixture(nn.Module):
    """All experts on all images, and what the gate says of whom to believe."""

    num_experts: int
    width: int
    hidden: int
    latent: int
    side: int
    num_encodings: int

    @nn.compact
    def __call__(self, x: Float[Array, "B H W"], noise: Float[Array, "E B Z"]) -> Passed:
        every = nn.vmap(
            Expert,
            in_axes=(None, 0),  # pyright: ignore[reportArgumentType]
            axis_size=self.num_experts,
            variable_axes={"params": 0},
            split_rngs={"params": True},
        )
        sizes = (self.width, self.hidden, self.latent, self.side, self.num_encodings)
        passed = every(*sizes, name="experts")(x, noise)
        return Passed(*passed, experts.gate(self.num_experts)(x.reshape(len(x), -1)))


def patches(x: Float[Array, "B H W"]) -> Float[Array, "B 16 P"]:
    """The image cut into 4×4 patches: a dense layer on them is a convolution whose stride is as
    wide as its kernel."""
    batch, height, width = x.shape
    rows, columns = height // NUM_PATCHES, width // NUM_PATCHES
    cut = x.reshape(batch, NUM_PATCHES, rows, NUM_PATCHES, columns).transpose(0, 1, 3, 2, 4)
    return cut.reshape(batch, NUM_PATCHES**2, rows * columns)


def image(x: Float[Array, "B 16 P"]) -> Float[Array, "B H W"]:
    """The inverse of `patches`."""
    batch, _, pixels = x.shape
    side = math.isqrt(pixels)
    cut = x.reshape(batch, NUM_PATCHES, NUM_PATCHES, side, side).transpose(0, 1, 3, 2, 4)
    return cut.reshape(batch, NUM_PATCHES * side, NUM_PATCHES * side)

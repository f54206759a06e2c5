"""Coder, decoder and denoiser of symbols: small dense networks.

Complex symbols [B, k] enter and leave as 2k real numbers, real parts first. All three begin as
linear maps, to which a hidden layer adds nothing yet: coder and decoder as the best linear code
(`linear_code`), the denoiser as the MMSE equaliser.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

PIXELS = 64
"""Of an image of 8 × 8."""
LOG_SCALE = 0.25
"""Of the logarithm of noise over signal as a network sees it."""


class Encoder(nn.Module):
    """An image to k symbols: a linear map, and what one hidden layer adds."""

    num_symbols: int
    width: int

    @nn.compact
    def __call__(self, images: Float[Array, "B 64"]) -> Complex[Array, "B k"]:
        size = 2 * self.num_symbols
        hidden = nn.silu(nn.Dense(self.width, name="hidden")(images))
        return to_complex(nn.Dense(size, name="linear")(images) + added(size)(hidden))


class Decoder(nn.Module):
    """Symbols and their noise over signal ν to an image, built as the encoder is.

    Of ν the hidden layer alone is told.
    """

    width: int

    @nn.compact
    def __call__(self, x: Complex[Array, "B k"], nu: Float[Array, "B k"]) -> Float[Array, "B 64"]:
        real = to_real(x)
        seen = jnp.concatenate([real, level(nu)], axis=-1)
        hidden = nn.silu(nn.Dense(self.width, name="hidden")(seen))
        return nn.Dense(PIXELS, name="linear")(real) + added(PIXELS)(hidden)


def added(size: int) -> nn.Dense:
    """What a hidden layer adds to a linear map, nothing at first."""
    return nn.Dense(size, use_bias=False, kernel_init=nn.initializers.zeros, name="added")


class SymbolDenoiser(nn.Module):
    """Noisy symbols x + √ν·ε to an estimate of x, E|x|² = E|ε|² = 1.

    That of each symbol alone, x/(1 + ν), to which is added what the network puts out on the scale
    √(ν/(1 + ν)) of its error, and a linear map of all, which can take away what no codeword has, up
    to that scale. Both begin at zero: fresh, it is the MMSE equaliser.
    """

    width: int
    num_layers: int

    @nn.compact
    def __call__(
        self, noisy: Complex[Array, "B k"], nu: Float[Array, "B k"]
    ) -> Complex[Array, "B k"]:
        linear = noisy / (1.0 + nu)
        seen = to_real(linear)
        x = nn.Dense(self.width)(jnp.concatenate([seen, level(nu)], axis=-1))
        for _ in range(self.num_layers):
            x = x + nn.Dense(self.width)(nn.silu(nn.LayerNorm()(x)))
        size, zeros = seen.shape[-1], nn.initializers.zeros
        scale = jnp.concatenate([error_scale(nu)] * 2, axis=-1)
        mapped = jnp.tanh(nn.Dense(size, use_bias=False, kernel_init=zeros)(seen) / scale)
        added = nn.Dense(size, kernel_init=zeros)(nn.silu(x))
        return linear + to_complex(scale * (mapped + added))


def error_scale(nu: Float[Array, "*B k"]) -> Float[Array, "*B k"]:
    """√(ν/(1 + ν)): root mean square error of x/(1 + ν)."""
    return jnp.sqrt(nu / (1.0 + nu))


def level(nu: Float[Array, "*B k"]) -> Float[Array, "*B k"]:
    """Noise over signal as a network sees it."""
    return LOG_SCALE * jnp.log(nu)


def to_real(x: Complex[Array, "*B k"]) -> Float[Array, "*B K2"]:
    """Real parts, then imaginary ones."""
    return jnp.concatenate([x.real, x.imag], axis=-1)


def to_complex(x: Float[Array, "*B K2"]) -> Complex[Array, "*B k"]:
    """What `to_real` took apart."""
    half = x.shape[-1] // 2
    return jax.lax.complex(x[..., :half], x[..., half:])

"""Linear MMSE of a block of symbols: what their covariance alone tells, the noise of each given.

Of y = x + √ν·ε, symbol by symbol, with x of mean μ and covariance C as training images have it, the
best linear estimate is x̂ = μ + C(C + N)⁻¹(y − μ), and that of the image s is
E[s] + Cov(s, x)(C + N)⁻¹(y − μ), N diagonal (Wiener; S. M. Kay, Fundamentals of Statistical Signal
Processing: Estimation Theory, 1993, (12.20)). Nothing is trained.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from jaxsec.channel_denoising.symbols.networks import to_complex, to_real


class Moments(NamedTuple):
    """Of images and of their symbols, 2k real numbers."""

    image: Float[Array, "P"]
    symbols: Float[Array, "K2"]
    covariance: Float[Array, "K2 K2"]
    """Of the symbols."""
    cross: Float[Array, "P K2"]
    """Of images and symbols."""


def moments(images: Float[Array, "N P"], x: Complex[Array, "N k"]) -> Moments:
    """Means and covariances over the training images and their symbols."""
    real = to_real(x)
    image, symbols = jnp.mean(images, axis=0), jnp.mean(real, axis=0)
    images, real = images - image[None], real - symbols[None]
    count = images.shape[0]
    return Moments(image, symbols, real.T @ real / count, images.T @ real / count)


def estimate(
    of: Moments, noisy: Complex[Array, "B k"], nu: Float[Array, "B k"]
) -> tuple[Complex[Array, "B k"], Float[Array, "B P"]]:
    """Symbols and images.

    Args:
      of: moments.
      noisy: x + √ν·ε.
      nu: ν, of the complex noise.
    """

    def one(y: Float[Array, "K2"], noise: Float[Array, "K2"]) -> tuple[Array, Array]:
        factor = jax.scipy.linalg.cho_factor(of.covariance + jnp.diag(noise))
        solved = jax.scipy.linalg.cho_solve(factor, y - of.symbols)
        return of.symbols + of.covariance @ solved, of.image + of.cross @ solved

    x, images = jax.vmap(one)(to_real(noisy), jnp.concatenate([nu, nu], axis=-1) / 2)
    return to_complex(x), images

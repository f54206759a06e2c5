"""The best linear code of a source for a channel of white noise, where coders begin.

A source of covariance UΛUᵀ, sent as g_i·u_iᵀ(s − mean) in real noise of variance n and decoded by
linear MMSE, is left with λ_i/(1 + p_i/n) of component i, p_i = g_i²·λ_i. Least in sum at a given
power is p_i = (√(λ_i·n)·c − n)⁺: little power for what is nearly known, and none for what is less
than the noise (K.-H. Lee and D. P. Petersen, Optimal linear coding for vector channels, IEEE
Transactions on Communications, 1976).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

LEAST = 1e-9
"""Variance of a component that counts as constant."""


class LinearCode(NamedTuple):
    """Maps of rows: images to symbols, 2k real numbers, and behind the equaliser back."""

    encode: Float[Array, "P K2"]
    encode_bias: Float[Array, "K2"]
    decode: Float[Array, "K2 P"]
    decode_bias: Float[Array, "P"]
    error: Float[Array, ""]
    """Mean squared error of a pixel without fading."""


def best(
    key: Key[Array, ""],
    images: Float[Array, "N P"],
    num_symbols: int,
    variance: Float[Array, ""],
) -> LinearCode:
    """Of images like these, in k complex symbols of mean power 1.

    A random rotation spreads what is sent over all symbols, so that all have the same power, and no
    component is lost in a single fade.

    Args:
      key: consumed once.
      images: samples of the source.
      num_symbols: k.
      variance: σ² of the complex noise.
    """
    size, pixels = 2 * num_symbols, images.shape[-1]
    mean = jnp.mean(images, axis=0)
    centred = images - mean[None]
    spread, axes = jnp.linalg.eigh(centred.T @ centred / images.shape[0])
    spread, axes = spread[::-1][:size], axes[:, ::-1][:, :size]  # the largest first
    noise = variance / 2
    power = allot(spread, noise, jnp.asarray(size / 2.0))
    gain = jnp.sqrt(power / jnp.maximum(spread, LEAST))
    rotation, _ = jnp.linalg.qr(jax.random.normal(key, (size, size)))
    rotation = rotation[: spread.size]
    encode = (axes * gain[None]) @ rotation
    back = jnp.where(power > 0, gain * spread / (power + noise), 0.0)
    kept = jnp.trace(centred.T @ centred) / images.shape[0] - jnp.sum(spread)
    left = (jnp.sum(spread / (1.0 + power / noise)) + kept) / pixels
    # the equaliser's symbols are y/(1 + σ²)
    decode = (1.0 + variance) * (rotation.T @ (axes * back[None]).T)
    return LinearCode(encode, -mean @ encode, decode, mean, left)


def allot(
    spread: Float[Array, "r"], noise: Float[Array, ""], total: Float[Array, ""]
) -> Float[Array, "r"]:
    """Powers p_i = (√(λ_i·n)·c − n)⁺ whose sum is `total`.

    Args:
      spread: λ, falling.
      noise: n.
      total: power in all.
    """
    spread = jnp.where(spread > LEAST, spread, 0.0)
    wanted = jnp.sqrt(spread * noise)
    count = jnp.arange(1, spread.size + 1)
    level = (total + count * noise) / jnp.maximum(jnp.cumsum(wanted), LEAST)
    used = jnp.max(jnp.where(wanted * level > noise, count, 1))
    return jnp.maximum(0.0, wanted * level[used - 1] - noise)

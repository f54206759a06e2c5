"""The channel that symbols go through, its MMSE equaliser, and what the diffusion sees of it.

A symbol x, E|x|² = 1, arrives as y = h·x + σ·n, n ~ CN(0, 1), with h = 1 (AWGN) or h ~ CN(0, 1),
known to the receiver and independent from symbol to symbol (Rayleigh). The MMSE equaliser gives

    y_r = h*·y/(|h|² + σ²) = W_s·x + W_n·σ·n'     W_s = |h|²/(|h|² + σ²)     W_n = |h|/(|h|² + σ²)

and the forward process with the channel's own statistics, z_t = √ᾱ_t·W_s·x + √(1−ᾱ_t)·W_n·ε, is at
y_r/√(1 + σ²) where ᾱ_t = 1/(1 + σ²) (T. Wu et al., CDDM, 2023). Steps of the chain are linear in z,
x and ε, symbol by symbol: it may as well run on z/W_s = √ᾱ_t·x + √(1−ᾱ_t)·ε/|h|, in which σ is left
in t alone. Every symbol has there, at every step, a ratio of noise to signal ν = (1−ᾱ)/(ᾱ|h|²).
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Key

from jaxsec.shapes import abs2

Fading = Literal["awgn", "rayleigh"]


class Received(NamedTuple):
    """Symbols behind the equaliser, and its two weights."""

    y: Complex[Array, "*B k"]
    signal: Float[Array, "*B k"]
    """W_s."""
    noise: Float[Array, "*B k"]
    """W_n."""


def gains(
    key: Key[Array, ""], shape: tuple[int, ...], rayleigh: Float[Array, ""]
) -> Complex[Array, "..."]:
    """h of every symbol.

    Args:
      key: consumed once.
      shape: of the symbols.
      rayleigh: 1 for fading, 0 for none.
    """
    fading = jax.random.normal(key, shape, jnp.complex64)
    return jnp.where(rayleigh > 0, fading, jnp.ones_like(fading))


def transmit(
    key: Key[Array, ""],
    x: Complex[Array, "*B k"],
    h: Complex[Array, "*B k"],
    variance: Float[Array, ""],
) -> Received:
    """Symbols through the channel and its equaliser.

    Args:
      key: consumed once.
      x: symbols.
      h: gains.
      variance: σ².
    """
    y = h * x + jnp.sqrt(variance) * jax.random.normal(key, x.shape, x.dtype)
    power = abs2(h)
    total = power + variance
    return Received(h.conj() * y / total, power / total, jnp.sqrt(power) / total)

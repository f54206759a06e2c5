"""The denoiser of links: a filter over directions, whose gains depend on what it filters.

Given its directions of arrival a link is Gaussian, and its best estimate a matrix times the pilots;
which matrix, the pilots themselves tell (D. Neumann, T. Wiese, W. Utschick, Learning the MMSE
Channel Estimator, IEEE TSP 2018). For an array of even spacing such a matrix is nearly diagonal
over directions, finer by two than the array resolves:

    output = Qᴴ·(g ⊙ Qz)      g = MLP(log |Qz|², t)

with Q the first M columns of the 2M-point DFT, QᴴQ = I. A phase of the link passes through.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int

from jaxsec.diffusion.networks.embedding import time_features

TIME = 32
"""Features of the step."""
LONGEST_PERIOD = 1000.0
"""Of these features, in steps."""
FLOOR = 1e-3
"""Power of a direction below which the network sees none."""


class LinkDenoiser(nn.Module):
    """Noisy links [B, 2, M], real and imaginary parts first, and their steps to an output alike."""

    width: int
    num_layers: int

    @nn.compact
    def __call__(self, z: Float[Array, "B 2 M"], t: Int[Array, "B"]) -> Float[Array, "B 2 M"]:
        dft = oversampled_dft(z.shape[-1])
        seen = jax.lax.complex(z[:, 0], z[:, 1]) @ jnp.asarray(dft.T)  # [B, 2M]
        power = jnp.square(seen.real) + jnp.square(seen.imag)
        time = nn.silu(nn.Dense(self.width)(time_features(t, TIME, LONGEST_PERIOD)))
        x = nn.Dense(self.width)(jnp.log(FLOOR + power))
        for _ in range(self.num_layers):
            shift = nn.Dense(self.width)(time)
            x = x + nn.Dense(self.width)(nn.silu(nn.LayerNorm()(x) + shift))
        last = nn.Dense(seen.shape[-1], kernel_init=nn.initializers.zeros)
        out = (last(nn.silu(x)) * seen) @ jnp.asarray(dft.conj())
        return to_real(out)


def oversampled_dft(num_antennas: int) -> np.ndarray:
    """Q [2M, M], complex64."""
    row, column = np.arange(2 * num_antennas), np.arange(num_antennas)
    phase = np.pi * np.outer(row, column) / num_antennas
    return (np.exp(-1j * phase) / np.sqrt(2 * num_antennas)).astype(np.complex64)


def to_real(h: Complex[Array, "B M"]) -> Float[Array, "B 2 M"]:
    """Real and imaginary parts."""
    return jnp.stack([h.real, h.imag], axis=1)


def to_complex(x: Float[Array, "B 2 M"]) -> Complex[Array, "B M"]:
    """What `to_real` took apart."""
    return jax.lax.complex(x[:, 0], x[:, 1])

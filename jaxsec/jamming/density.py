"""How likely a level is, given the mean of its path: fading, and an error of the observation.

With κ the Rician factor, a link's gain over its path's is x = |√κ + h|²/(κ + 1), h of CN(0, 1); its
level ℓ = 10·log10 x has the density, a dB,

    p(ℓ) = ln 10/10 · x (κ + 1) exp(−(√κ − √(x(κ + 1)))²) · e^−t I_0(t),   t = 2√(κ(κ + 1)x).

With a normal error of σ dB it is that density in the mean over the error. Both are read from
tables, at the nearest entry.

Shapes: T entries of a table, K Rician factors.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

FIRST_DB, LAST_DB, STEP_DB = -60.0, 20.0, 0.03125
"""Levels of a table without an error; beyond them they count as the first and the last."""
MAX_DEVIATIONS, NUM_NODES = 6.0, 241
"""Errors that a density is averaged over: standard deviations, and how many within these."""


class Table(NamedTuple):
    """Log-densities a dB at even steps."""

    values: Float[np.ndarray, "K T"]
    first_db: float

    def __call__(
        self, factor: Int[Array, "*#any"], level_db: Float[Array, "*#any"]
    ) -> Float[Array, "*any"]:
        """Log-density of levels, each with the Rician factor of its index."""
        size = self.values.shape[1]
        place = jnp.clip((level_db - self.first_db) / STEP_DB + 0.5, 0.0, size - 1.0)
        return jnp.asarray(self.values.ravel(), jnp.float32)[
            factor * size + place.astype(jnp.int32)
        ]


def table(rician_factors: tuple[float, ...], error_db: float) -> Table:
    """Of levels with a normal error of this standard deviation, 0 for none."""
    from scipy.special import logsumexp  # takes a moment to import

    margin = MAX_DEVIATIONS * error_db
    levels = np.arange(FIRST_DB - margin, LAST_DB + margin, STEP_DB)
    error = np.linspace(-MAX_DEVIATIONS, MAX_DEVIATIONS, NUM_NODES)
    weights = np.exp(-(error**2) / 2.0)
    values = [
        logsumexp(
            log_density(levels[:, None] - error_db * error, factor),
            axis=1,
            b=weights / weights.sum(),
        )
        for factor in rician_factors
    ]
    return Table(np.stack(values), float(levels[0]))


def log_density(level_db: np.ndarray, rician_factor: float) -> np.ndarray:
    """log p(ℓ)."""
    from scipy.special import i0e

    scattered = (rician_factor + 1.0) * 10.0 ** (level_db / 10.0)
    bessel = np.log(i0e(2.0 * np.sqrt(rician_factor * scattered)))
    exponent = (np.sqrt(rician_factor) - np.sqrt(scattered)) ** 2
    return np.log(np.log(10.0) / 10.0 * scattered) - exponent + bessel

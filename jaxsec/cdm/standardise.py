"""Feature-wise standardisation of strategies (P1, Section III-C), fitted on data.

A strategy is a table, a row a receiver or antenna and a column a beam. Its mean is zero by
symmetry, or after the reference is taken off. Its spread is shared by entries of a kind, never
found by position: users are a set, and so are eavesdroppers.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int

MAX_USERS = 8
MAX_EAVESDROPPERS = 8
USER_DISTANCE = 2.0
"""Eavesdroppers more or fewer that make as much of a difference as a user does."""


class Standardiser(NamedTuple):
    """Spread of a model's tables, fitted on its training data."""

    spread: Float[np.ndarray, "Kmax Lmax1 kinds"]
    """Root mean square at [K − 1, L] of every kind of entry."""


def fit(
    tables: dict[tuple[int, int], tuple[Complex[np.ndarray, "n R N"], Int[np.ndarray, "R N"]]],
    least: tuple[float, ...],
) -> Standardiser:
    """Spreads at every (K, L); between the pairs with data they are interpolated.

    Args:
      tables: the tables of every (K, L), and the kind of each entry.
      least: smallest spread of each kind.
    """
    spread = np.full((MAX_USERS, MAX_EAVESDROPPERS + 1, len(least)), np.nan)
    for (num_users, num_eves), (table, kind) in tables.items():
        for i in range(len(least)):
            entries = np.abs(table[:, kind == i])
            if entries.size:
                # Without the largest percent: strategies that serve other users than the reference.
                trimmed = np.minimum(entries, np.quantile(entries, 0.99))
                spread[num_users - 1, num_eves, i] = np.sqrt(np.mean(np.square(trimmed)))
    return Standardiser(_fill(np.fmax(spread, np.where(np.isnan(spread), np.nan, least))))


def spreads(
    standardiser: Standardiser, num_users: int, num_eves: int, kind: Int[np.ndarray, "R N"]
) -> Float[np.ndarray, "R N"]:
    """Spread of every entry of a table."""
    return np.asarray(standardiser.spread, np.float32)[num_users - 1, num_eves][kind]


def to_sample(
    table: Complex[Array, "n R N"], spread: Float[np.ndarray, "R N"]
) -> Float[Array, "n 2 R N"]:
    """A table as a sample of the diffusion: standardised, real and imaginary parts."""
    scaled = table / jnp.asarray(spread)[None]
    return jnp.stack([scaled.real, scaled.imag], axis=1)


def from_sample(
    z: Float[Array, "n 2 R N"], spread: Float[Array | np.ndarray, "R N"]
) -> Complex[Array, "n R N"]:
    """Inverse of `to_sample`."""
    return jax.lax.complex(z[:, 0], z[:, 1]) * jnp.asarray(spread)[None]


def _fill(spread: np.ndarray) -> np.ndarray:
    """Geometric means of the known, weighed by the inverse square of the distance."""
    users, eves = np.meshgrid(*[np.arange(s) for s in spread.shape[:2]], indexing="ij")
    filled = spread.copy()
    for i in range(spread.shape[2]):
        there = ~np.isnan(spread[..., i]) & (spread[..., i] > 0)
        if not there.any():
            filled[..., i] = 1.0
            continue
        known = np.argwhere(there)
        distance = USER_DISTANCE * np.abs(users[~there][:, None] - known[:, 0])
        distance = distance + np.abs(eves[~there][:, None] - known[:, 1])
        weight = distance**-2.0
        level = weight @ np.log(spread[..., i][there]) / weight.sum(axis=1)
        filled[..., i][~there] = np.exp(level)
    return filled

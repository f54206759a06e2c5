"""Conversions between decibels and linear units; the only place they are written."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float


def db_to_linear(value_db: ArrayLike) -> Float[Array, "..."]:
    """Power ratio of a value in dB."""
    return 10.0 ** (jnp.asarray(value_db) / 10.0)


def linear_to_db(ratio: ArrayLike) -> Float[Array, "..."]:
    """Value in dB of a power ratio; −inf for zero."""
    return 10.0 * jnp.log10(jnp.asarray(ratio))


def noise_over_power(noise_power_dbm: float, transmit_power_dbm: float) -> float:
    """`noise_power` = σ0²/P, receiver noise over transmit power (P1 (3)), linear.

    Computed on the host in double precision: at 30 dBm and −110 dBm it is 1e-14.
    """
    return float(10.0 ** ((noise_power_dbm - transmit_power_dbm) / 10.0))


def dbm_to_watt(power_dbm: float) -> float:
    """Power in watt of a level in dBm."""
    return float(10.0 ** ((power_dbm - 30.0) / 10.0))

"""Random channels of the wiretap downlink, P1, Section IV: fading on top of path loss."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Key

from jaxsec import checks
from jaxsec.channels.clustered import fade_clustered
from jaxsec.channels.geometry import large_scale_gain, sample_geometry
from jaxsec.channels.scenario import Channels, Geometry, Scenario
from jaxsec.compiled import compiled
from jaxsec.shapes import lift


def sample_channels(key: Key[Array, ""], scenario: Scenario, n: int) -> Channels:
    """Draws `n` independent channels: a geometry each (P1, Section IV), then fading.

    Same key, same channels. Safe under `jit` and `vmap` over `key`.

    >>> channels = sample_channels(jax.random.key(0), jaxsec.Scenario(num_users=3), 5)
    >>> channels.h_user.shape, channels.h_eve.shape, channels.noise_power.shape
    ((5, 3, 8), (5, 4, 8), (5,))

    Args:
      key: consumed once.
      scenario: what to draw from.
      n: number of channels.

    Returns:
      `h_user` [n, K, M], `h_eve` [n, L, M] and `noise_power` [n], σ0²/P.

    Raises:
      InputError: `n` is below 1.
    """
    checks.check_at_least("n", n, 1)
    key_geometry, key_fading = jax.random.split(key)
    geometry = sample_geometry(key_geometry, scenario, n)
    return fade(key_fading, scenario, geometry)


def fade(key: Key[Array, ""], scenario: Scenario, geometry: Geometry) -> Channels:
    """Small-scale fading on top of the large-scale gains of a geometry.

    Rayleigh, Rician with a random phase of the line of sight, and exponentially correlated antennas
    as the scenario says (D. Tse and P. Viswanath, Fundamentals of Wireless Communication, 2.4.2);
    clustered multipath, `fade_clustered`, where the scenario's `fading` is that.

    >>> scenario = jaxsec.Scenario(rician_factor=10.0)
    >>> places = sample_geometry(jax.random.key(0), scenario, 3)
    >>> fade(jax.random.key(1), scenario, places).h_user.shape
    (3, 2, 8)

    Args:
      key: consumed once.
      scenario: path loss, fading, power and noise.
      geometry: positions in metres.

    Returns:
      `h_user` [n, K, M], `h_eve` [n, L, M] and `noise_power` [n], σ0²/P.
    """
    if scenario.fading == "clustered":
        return fade_clustered(key, scenario, geometry)
    positions = jnp.concatenate([geometry.users, geometry.eavesdroppers], axis=1)
    h = _fade_links(
        key,
        large_scale_gain(positions, scenario),
        positions,
        scenario.num_antennas,
        scenario.antenna_correlation or None,
        scenario.rician_factor or None,
    )
    num_users = geometry.users.shape[1]
    noise_power = jnp.full(h.shape[0], scenario.noise_power, positions.dtype)
    return Channels(h[:, :num_users], h[:, num_users:], noise_power)


@compiled("num_antennas")
def _fade_links(
    key: Key[Array, ""],
    gain: Float[Array, "n R"],
    positions_m: Float[Array, "n R 2"],
    num_antennas: int,
    correlation: Any,
    rician_factor: Any,
) -> Complex[Array, "n R M"]:
    """Links of a mean gain; None is no correlation, and no line of sight."""
    key_scatter, key_phase = jax.random.split(key)
    gain = gain[..., None]
    antennas = jnp.arange(num_antennas)
    shape = (*positions_m.shape[:-1], num_antennas)
    h = jax.random.normal(key_scatter, shape, jnp.result_type(gain, jnp.complex64))
    if correlation is not None:
        lag = jnp.abs(antennas[:, None] - antennas[None, :])
        covariance = correlation ** lag.astype(gain.dtype)
        h = h @ jnp.linalg.cholesky(covariance).T.astype(h.dtype)
    if rician_factor is not None:
        # Steering vector of the array towards the receiver, with a random common phase.
        x_m, y_m = positions_m[..., 0], positions_m[..., 1]
        at_origin = (x_m == 0) & (y_m == 0)  # where an angle has no gradient
        sine = jnp.sin(jnp.arctan2(y_m, jnp.where(at_origin, 1.0, x_m)))
        phase = jax.random.uniform(key_phase, sine.shape, maxval=2.0 * jnp.pi)
        line_of_sight = jnp.exp(
            1j * (phase[..., None] + jnp.pi * sine[..., None] * lift(antennas, 3))
        )
        share = rician_factor / (1.0 + rician_factor)
        h = jnp.sqrt(share) * line_of_sight + jnp.sqrt(1.0 - share) * h
    return gain * h

"""Random channels of the wiretap downlink, P1, Section IV: fading on top of path loss."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Key

from jaxsec import checks
from jaxsec.channels.clustered import fade_clustered
from jaxsec.channels.geometry import large_scale_gain, sample_geometry
from jaxsec.channels.scenario import Channels, Geometry, Scenario
from jaxsec.compiled import compiled
from jaxsec.shapes import lift


@compiled("scenario", "n")
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


@compiled("scenario")
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
    h = _fade_links(key, scenario, positions)
    num_users = geometry.users.shape[1]
    noise_power = jnp.full(h.shape[0], scenario.noise_power, positions.dtype)
    return Channels(h[:, :num_users], h[:, num_users:], noise_power)


def _fade_links(
    key: Key[Array, ""], scenario: Scenario, positions_m: Float[Array, "n R 2"]
) -> Complex[Array, "n R M"]:
    key_scatter, key_phase = jax.random.split(key)
    gain = large_scale_gain(positions_m, scenario)[..., None]
    antennas = jnp.arange(scenario.num_antennas)
    h = jax.random.normal(
        key_scatter,
        (*positions_m.shape[:-1], scenario.num_antennas),
        jnp.result_type(gain, jnp.complex64),
    )
    if scenario.antenna_correlation > 0.0:
        lag = jnp.abs(antennas[:, None] - antennas[None, :])
        covariance = scenario.antenna_correlation ** lag.astype(gain.dtype)
        h = h @ jnp.linalg.cholesky(covariance).T.astype(h.dtype)
    if scenario.rician_factor > 0.0:
        # Steering vector of the array towards the receiver, with a random common phase.
        x_m, y_m = positions_m[..., 0], positions_m[..., 1]
        at_origin = (x_m == 0) & (y_m == 0)  # where an angle has no gradient
        sine = jnp.sin(jnp.arctan2(y_m, jnp.where(at_origin, 1.0, x_m)))
        phase = jax.random.uniform(key_phase, sine.shape, maxval=2.0 * jnp.pi)
        line_of_sight = jnp.exp(
            1j * (phase[..., None] + jnp.pi * sine[..., None] * lift(antennas, 3))
        )
        share = scenario.rician_factor / (1.0 + scenario.rician_factor)
        h = math.sqrt(share) * line_of_sight + math.sqrt(1.0 - share) * h
    return gain * h

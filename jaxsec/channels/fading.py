"""Random channels of the wiretap downlink, P1, Section IV: geometry, path loss, fading."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Key

from jaxsec import checks
from jaxsec.channels.scenario import Channels, Geometry, Scenario
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


def sample_geometry(key: Key[Array, ""], scenario: Scenario, n: int) -> Geometry:
    """Users uniform (by area) on the ring, eavesdroppers uniform in a disc around a random user.

    P1, Section IV.

    >>> places = sample_geometry(jax.random.key(0), jaxsec.Scenario(), 100)
    >>> distance = jnp.hypot(*jnp.moveaxis(places.users, -1, 0))
    >>> bool(((distance >= 50) & (distance <= 80)).all())
    True

    Args:
      key: consumed once.
      scenario: numbers and distances.
      n: number of geometries.

    Returns:
      Positions in metres, users [n, K, 2] and eavesdroppers [n, L, 2].
    """
    key_place, key_target = jax.random.split(key)
    num_users, num_eves = scenario.num_users, scenario.num_eavesdroppers
    # One draw for all, so that little is compiled: squared radius and angle, each uniform.
    place = jax.random.uniform(key_place, (n, num_users + num_eves, 2))
    users = _uniform_ring(place[:, :num_users], scenario.min_distance_m, scenario.max_distance_m)
    offsets = _uniform_ring(place[:, num_users:], 0.0, scenario.eavesdropper_radius_m)
    target = jax.random.randint(key_target, (n, num_eves), 0, num_users)
    return Geometry(users, jnp.take_along_axis(users, target[..., None], axis=1) + offsets)


def fade(key: Key[Array, ""], scenario: Scenario, geometry: Geometry) -> Channels:
    """Small-scale fading on top of the large-scale gains of a geometry.

    Rayleigh, Rician with a random phase of the line of sight, and exponentially correlated antennas
    as the scenario says (D. Tse and P. Viswanath, Fundamentals of Wireless Communication, 2.4.2).

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
    positions = jnp.concatenate([geometry.users, geometry.eavesdroppers], axis=1)
    h = _fade_links(key, scenario, positions)
    num_users = geometry.users.shape[1]
    noise_power = jnp.full(h.shape[0], scenario.noise_power, positions.dtype)
    return Channels(h[:, :num_users], h[:, num_users:], noise_power)


def large_scale_gain(positions_m: Float[Array, "... 2"], scenario: Scenario) -> Float[Array, "..."]:
    """Amplitude gain of a link, P1's path loss law; E‖h‖² is M times its square.

    Receivers closer than the law's reference distance of 1 m count as standing at 1 m.

    >>> gain = large_scale_gain(jnp.array([10.0, 0.0]), jaxsec.Scenario())
    >>> round(20 * float(jnp.log10(gain)), 3)  # −30 − 22·log10(10 m / 1 m) dB
    -52.0

    Args:
      positions_m: [..., 2], metres from the base station.
      scenario: gain at 1 m and path loss exponent.

    Returns:
      [...], linear amplitude.
    """
    # By the square: a distance has no gradient at the origin, where NaN would come of it.
    square_m2 = jnp.maximum(jnp.sum(jnp.square(positions_m), axis=-1), 1.0)
    # L = L0 − 10 ξ log10(d / 1 m), in dB of power.
    gain_db = scenario.reference_gain_db - 5.0 * scenario.path_loss_exponent * jnp.log10(square_m2)
    return 10.0 ** (gain_db / 20.0)


def _uniform_ring(
    place: Float[Array, "n R 2"], inner_m: float, outer_m: float
) -> Float[Array, "n R 2"]:
    """Points uniform by area between two radii, from uniform variates in [0, 1)."""
    radius_m = jnp.sqrt(inner_m**2 + (outer_m**2 - inner_m**2) * place[..., 0])
    angle = 2.0 * jnp.pi * place[..., 1]
    return radius_m[..., None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)


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

"""The wiretap downlink of P1, Section IV: geometry, path loss, fading and channel estimates.

Shapes: n channels, M antennas, K users, L eavesdroppers. A base station with a half-wavelength
uniform linear array stands at the origin; distances are in metres.
"""

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Key

from jaxsec import checks, units
from jaxsec.shapes import AnyArray, lift


@dataclasses.dataclass(frozen=True)
class Scenario:
    """What a random channel is drawn from; the defaults are P1's.

    Raises:
      InputError: a count, distance or factor is out of its range.
    """

    num_antennas: int = 8
    """M, antennas at the base station."""
    num_users: int = 2
    """K, single-antenna users."""
    num_eavesdroppers: int = 4
    """L, single-antenna eavesdroppers; 0 for none."""
    transmit_power_dbm: float = 20.0
    """P, total transmit power."""
    noise_power_dbm: float = -100.0
    """σ0², noise power at every receiver."""
    min_distance_m: float = 50.0
    """Inner radius of the ring the users stand on."""
    max_distance_m: float = 80.0
    """Outer radius of that ring."""
    eavesdropper_radius_m: float = 5.0
    """Each eavesdropper stands within this distance of a random user."""
    reference_gain_db: float = -30.0
    """Path gain at 1 m."""
    path_loss_exponent: float = 2.2
    """Slope of the path loss: 10 × this, in dB a decade."""
    rician_factor: float = 0.0
    """Line-of-sight over scattered power, linear; 0 is Rayleigh fading."""
    antenna_correlation: float = 0.0
    """Correlation of the scattered part at neighbouring antennas; it decays exponentially."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_antennas", self.num_antennas, 1)
        checks.check_at_least("num_users", self.num_users, 1)
        checks.check_at_least("num_eavesdroppers", self.num_eavesdroppers, 0)
        checks.check_positive("min_distance_m", self.min_distance_m)
        checks.require(
            math.isfinite(self.max_distance_m) and self.max_distance_m >= self.min_distance_m,
            f"`max_distance_m` must be at least `min_distance_m` = {self.min_distance_m}, "
            f"but is {self.max_distance_m}",
        )
        for name in ("eavesdropper_radius_m", "path_loss_exponent", "rician_factor"):
            value = getattr(self, name)
            checks.require(
                math.isfinite(value) and value >= 0,
                f"`{name}` must not be negative, but is {value}",
            )
        for name in ("transmit_power_dbm", "noise_power_dbm", "reference_gain_db"):
            value = getattr(self, name)
            checks.require(math.isfinite(value), f"`{name}` must be finite, but is {value}")
        checks.require(
            0.0 <= self.antenna_correlation < 1.0,
            f"`antenna_correlation` must lie in [0, 1), but is {self.antenna_correlation}",
        )

    @property
    def noise_power(self) -> float:
        """σ0²/P, linear: the `noise_power` argument of every other function."""
        return units.noise_over_power(self.noise_power_dbm, self.transmit_power_dbm)


class Channels(NamedTuple):
    """A batch of channels, in the order that rates and designs take them."""

    h_user: Complex[AnyArray, "n K M"]
    h_eve: Complex[AnyArray, "n L M"]
    noise_power: Float[AnyArray, "n"]


class Geometry(NamedTuple):
    """Positions in metres, the base station at the origin; the last axis is (x, y)."""

    users: Float[Array, "n K 2"]
    eavesdroppers: Float[Array, "n L 2"]


def sample_channels(key: Key[Array, ""], scenario: Scenario, n: int) -> Channels:
    """Draws `n` independent channels: a geometry each (P1, Section IV), then fading.

    Same key, same channels. Safe under `jit` and `vmap` over `key`.

    Raises:
      InputError: `n` is below 1.
    """
    checks.check_at_least("n", n, 1)
    key_geometry, key_fading = jax.random.split(key)
    geometry = sample_geometry(key_geometry, scenario, n)
    return fade(key_fading, scenario, geometry)


def sample_geometry(key: Key[Array, ""], scenario: Scenario, n: int) -> Geometry:
    """Users uniform (by area) on the ring, eavesdroppers uniform in a disc around a random user."""
    key_place, key_target = jax.random.split(key)
    num_users, num_eves = scenario.num_users, scenario.num_eavesdroppers
    # One draw for all, so that little is compiled: squared radius and angle, each uniform.
    place = jax.random.uniform(key_place, (n, num_users + num_eves, 2))
    users = _uniform_ring(place[:, :num_users], scenario.min_distance_m, scenario.max_distance_m)
    offsets = _uniform_ring(place[:, num_users:], 0.0, scenario.eavesdropper_radius_m)
    target = jax.random.randint(key_target, (n, num_eves), 0, num_users)
    return Geometry(users, jnp.take_along_axis(users, target[..., None], axis=1) + offsets)


def fade(key: Key[Array, ""], scenario: Scenario, geometry: Geometry) -> Channels:
    """Small-scale fading on top of the large-scale gains of `geometry`."""
    positions = jnp.concatenate([geometry.users, geometry.eavesdroppers], axis=1)
    h = _fade_links(key, scenario, positions)
    num_users = geometry.users.shape[1]
    noise_power = jnp.full(h.shape[0], scenario.noise_power, positions.dtype)
    return Channels(h[:, :num_users], h[:, num_users:], noise_power)


def large_scale_gain(positions_m: Float[Array, "... 2"], scenario: Scenario) -> Float[Array, "..."]:
    """Amplitude gain of a link, P1's path loss law; E‖h‖² is M times its square.

    Receivers closer than the law's reference distance of 1 m count as standing at 1 m.
    """
    # By the square: a distance has no gradient at the origin, where NaN would come of it.
    square_m2 = jnp.maximum(jnp.sum(jnp.square(positions_m), axis=-1), 1.0)
    # L = L0 − 10 ξ log10(d / 1 m), in dB of power.
    gain_db = scenario.reference_gain_db - 5.0 * scenario.path_loss_exponent * jnp.log10(square_m2)
    return 10.0 ** (gain_db / 20.0)


def estimate_channels(
    key: Key[Array, ""],
    h: Complex[AnyArray, "*batch R M"],
    error: float | Float[Array, ""],
    gain: Float[Array, "*batch R"] | None = None,
) -> Complex[Array, "*batch R M"]:
    """A noisy estimate √(1−e)·h + √e·gain·CN(0, I) of a true channel.

    With Rayleigh `h` of large-scale amplitude `gain`, the estimate has the channel's own
    distribution and the channel's posterior is √(1−e)·estimate + √e·gain·CN(0, I).

    Args:
      key: consumed once.
      h: true channels, R receivers.
      error: normalised error variance e in [0, 1]; may be traced.
      gain: large-scale amplitude gain of each link (`large_scale_gain`). Without it the channel's
        own root mean square over the antennas is used, so that e is the error's share of ‖h‖².

    Raises:
      InputError: `error` is a Python number outside [0, 1].
    """
    if isinstance(error, float | int):
        checks.check_fraction("error", error)
    h = jnp.asarray(h)
    if gain is None:
        power = jnp.mean(jnp.square(h.real) + jnp.square(h.imag), axis=-1)
        gain = jnp.where(power > 0, jnp.sqrt(jnp.where(power > 0, power, 1.0)), 0.0)
    noise = jax.random.normal(key, h.shape, h.dtype)
    return jnp.sqrt(1.0 - error) * h + jnp.sqrt(error) * gain[..., None] * noise


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

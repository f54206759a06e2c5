"""Random geometry and fading of jamming slots.

Shapes: A access points, R = U + E receivers, users first. One slot a call; batched by vmap. All of
a slot comes from one draw of uniform numbers, which is what the time goes into.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, Key

from jaxsec.jamming.scenario import JammingScenario

LEAST_DISTANCE_M = 1.0
"""Path gain does not grow nearer to an access point than that."""


class Slot(NamedTuple):
    """A geometry and its fading."""

    path_gain: Float[Array, "R A"]
    """Mean received power over receiver noise, for a watt."""
    fading: Complex[Array, "R A"]
    """Scattered part, CN(0, 1) on every link."""
    rician_factor: Float[Array, ""]
    """Line-of-sight over scattered power; 0 without a line of sight."""
    regime: Int[Array, ""]
    """Index into `scenario.REGIMES`."""


def access_points(scenario: JammingScenario) -> np.ndarray:
    """[A, 2] positions in metres: a square grid around the origin, filled row by row."""
    columns = int(np.ceil(np.sqrt(scenario.num_access_points)))
    index = np.arange(scenario.num_access_points)
    grid = np.stack((index % columns, index // columns), axis=1).astype(np.float32)
    return scenario.spacing_m * (grid - grid.mean(axis=0))


def draw(key: Key[Array, ""], scenario: JammingScenario) -> Slot:
    """An independent slot."""
    num_aps, num_users = scenario.num_access_points, scenario.num_users
    num_eves = scenario.num_eavesdroppers
    num_links = num_aps * (num_users + num_eves)
    sizes = (num_links, num_links, 2 * num_users, 2 * num_eves, num_eves, 2)
    uniform = jax.random.uniform(key, (sum(sizes),))
    radius, phase, user, eve, target, kind = jnp.split(uniform, np.cumsum(sizes)[:-1])

    aps = jnp.asarray(access_points(scenario))
    home = aps[np.arange(num_users) % num_aps]
    users = home + _disc(user.reshape(num_users, 2), scenario.user_radius_m)

    regime = jnp.sum(kind[0] >= np.cumsum(scenario.regimes)[:2] / np.sum(scenario.regimes))
    near_users = jnp.asarray(users)[(target * num_users).astype(jnp.int32)]
    near_aps = aps[(target * num_aps).astype(jnp.int32)]
    anchor = jnp.where(regime == 0, near_users, jnp.where(regime == 1, near_aps, 0.0))
    spread = jnp.where(regime == 2, scenario.far_radius_m, scenario.eavesdropper_radius_m)
    eves = anchor + _disc(eve.reshape(num_eves, 2), spread)

    offset = jnp.concatenate((users, eves))[:, None, :] - aps[None]
    square = jnp.maximum(jnp.sum(offset**2, axis=-1), LEAST_DISTANCE_M**2)
    gain_db = scenario.reference_gain_db - scenario.noise_power_dbm + 30.0
    path_gain = 10.0 ** (gain_db / 10.0) * square ** (-scenario.path_loss_exponent / 2.0)

    shape = (num_users + num_eves, num_aps)
    # Box & Muller: |h|² is exponential, the phase uniform.
    amplitude = jnp.sqrt(-jnp.log1p(-radius))
    turn = 2.0 * jnp.pi * phase
    fading = jax.lax.complex(amplitude * jnp.cos(turn), amplitude * jnp.sin(turn))
    rician = jnp.where(kind[1] < scenario.line_of_sight, scenario.rician_factor, 0.0)
    return Slot(path_gain, fading.reshape(shape), rician, regime.astype(jnp.int32))


def age(slot: Slot, fresh: Slot, correlation: float) -> Slot:
    """The slot after it in the same geometry: first-order Gauss–Markov fading.

    h' = ρ·h + √(1 − ρ²)·w with w the independent fading of `fresh`; keeps CN(0, 1).
    """
    innovation = float(np.sqrt(1.0 - correlation**2))
    return slot._replace(fading=correlation * slot.fading + innovation * fresh.fading)


def gains(slot: Slot) -> Float[Array, "R A"]:
    """Received power over receiver noise, for a watt, on every link.

    |√(κ/(κ+1)) + √(1/(κ+1))·h|² with κ the Rician factor: the phase of the line of sight is that
    of the coordinates, since h is circularly symmetric.
    """
    total = slot.rician_factor + 1.0
    real = jnp.sqrt(slot.rician_factor) + slot.fading.real
    return slot.path_gain * (real**2 + slot.fading.imag**2) / total


def _disc(uniform: Float[Array, "n 2"], radius: Float[Array, ""] | float) -> Float[Array, "n 2"]:
    """Uniform by area on a disc around the origin."""
    distance, turn = radius * jnp.sqrt(uniform[:, 0]), 2.0 * jnp.pi * uniform[:, 1]
    return distance[:, None] * jnp.stack((jnp.cos(turn), jnp.sin(turn)), axis=1)

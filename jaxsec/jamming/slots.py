"""Random geometry and fading of jamming slots.

Shapes: A access points, R = U + E receivers, users first. One slot a call; batched by vmap. All of
a slot comes from one draw of uniform numbers, which is what the time goes into.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, Key, UInt32

from jaxsec.compiled import compiled
from jaxsec.jamming.scenario import JammingScenario

TURN = 2.0 * np.pi
MIN_DISTANCE_M = 1.0
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


def sample(key: Key[Array, ""], scenario: JammingScenario) -> Slot:
    """An independent slot."""
    num_aps, num_users = scenario.num_access_points, scenario.num_users
    num_eves = scenario.num_eavesdroppers
    num_links = num_aps * (num_users + num_eves)
    num_receivers = num_users + num_eves
    sizes = (num_links, num_receivers, num_receivers, num_eves, 2)
    bits = jax.random.bits(key, (sum(sizes),), jnp.uint32)
    link, distance, turn, target, kind = jnp.split(bits, np.cumsum(sizes)[:-1])
    distance, turn, target, kind = map(_uniform, (distance, turn, target, kind))

    disc = unit_disc(distance, turn)
    users = user_positions(scenario, disc[:, :num_users])
    regime = jnp.sum(kind[0] >= np.cumsum(scenario.regimes)[:2] / np.sum(scenario.regimes))
    eves = eavesdropper_positions(scenario, users, regime, target, disc[:, num_users:])
    path_gain = path_gains(scenario, jnp.concatenate((users, eves), axis=1))

    # Box & Muller: |h|² is exponential, the phase uniform. One word serves both, 20 bits and 12:
    # random bits are what most of the time goes into.
    power, phase = -jnp.log(_uniform(link, 20)), TURN * _uniform(link << 20, 12)
    amplitude = jnp.sqrt(power)
    fading = jax.lax.complex(amplitude * jnp.cos(phase), amplitude * jnp.sin(phase))
    rician = jnp.where(kind[1] < scenario.line_of_sight, scenario.rician_factor, 0.0)
    return Slot(path_gain, fading.reshape(num_receivers, num_aps), rician, regime.astype(jnp.int32))


def unit_disc(distance: Float[Array, "n"], turn: Float[Array, "n"]) -> Float[Array, "2 n"]:
    """Points on the unit disc, uniform by area where both numbers are uniform in (0, 1)."""
    return jnp.sqrt(distance)[None] * jnp.stack((jnp.cos(TURN * turn), jnp.sin(TURN * turn)))


def user_positions(scenario: JammingScenario, disc: Float[Array, "2 U"]) -> Float[Array, "2 U"]:
    """In metres, of users that stand at points of their discs."""
    aps = jnp.asarray(access_points(scenario).T)
    return aps[:, np.arange(disc.shape[1]) % aps.shape[1]] + scenario.user_radius_m * disc


@compiled("scenario")
def eavesdropper_positions(
    scenario: JammingScenario,
    users: Float[Array, "2 U"],
    regime: Int[Array, ""],
    target: Float[Array, "E"],
    disc: Float[Array, "2 E"],
) -> Float[Array, "2 E"]:
    """In metres, of eavesdroppers at points of their discs, around who is chosen by `target`, which
    is uniform in (0, 1)."""
    aps = access_points(scenario).T
    near_users = jnp.matmul(users, _one_hot(target, users.shape[1]), precision="highest")
    near_aps = jnp.matmul(aps, _one_hot(target, aps.shape[1]), precision="highest")
    anchor = jnp.where(regime == 0, near_users, jnp.where(regime == 1, near_aps, 0.0))
    spread = jnp.where(regime == 2, scenario.far_radius_m, scenario.eavesdropper_radius_m)
    return anchor + spread * disc


@compiled("scenario")
def path_gains(scenario: JammingScenario, positions: Float[Array, "2 R"]) -> Float[Array, "R A"]:
    """Mean received power over receiver noise, for a watt."""
    aps = access_points(scenario).T
    x, y = positions[:, :, None] - aps[:, None, :]
    square = jnp.maximum(x**2 + y**2, MIN_DISTANCE_M**2)
    # exp(log) is three times as fast as a power.
    gain_db = scenario.reference_gain_db - scenario.noise_power_dbm + 30.0
    slope = scenario.path_loss_exponent / 2.0
    return 10.0 ** (gain_db / 10.0) * jnp.exp(-slope * jnp.log(square))


def age(slot: Slot, fresh: Slot, correlation: float) -> Slot:
    """The slot after it in the same geometry: first-order Gauss–Markov fading.

    h' = ρ·h + √(1 − ρ²)·w with w the independent fading of `fresh`; keeps CN(0, 1).
    """
    innovation = float(np.sqrt(1.0 - correlation**2))
    return slot._replace(fading=correlation * slot.fading + innovation * fresh.fading)


def of_gains(slot: Slot, gains: Float[Array, "R A"]) -> Slot:
    """The slot with other gains, which are its paths' with no fading left."""
    return slot._replace(
        path_gain=gains,
        fading=jnp.ones_like(slot.fading),
        rician_factor=jnp.zeros_like(slot.rician_factor),
    )


@compiled()
def gains(slot: Slot) -> Float[Array, "R A"]:
    """Received power over receiver noise, for a watt, on every link.

    |√(κ/(κ+1)) + √(1/(κ+1))·h|² with κ the Rician factor: the phase of the line of sight is that
    of the coordinates, since h is circularly symmetric.
    """
    total = slot.rician_factor + 1.0
    real = jnp.sqrt(slot.rician_factor) + slot.fading.real
    return slot.path_gain * (real**2 + slot.fading.imag**2) / total


def _uniform(bits: UInt32[Array, "n"], number: int = 23) -> Float[Array, "n"]:
    """In (0, 1), from the highest bits of a word: the middles of 2^number equal intervals."""
    return ((bits >> (32 - number)).astype(jnp.float32) + 0.5) * 2.0**-number


def _one_hot(uniform: Float[Array, "n"], size: int) -> Float[Array, "{size} n"]:
    """A random choice each, as columns: a product with them is quicker than a gather."""
    chosen = jnp.floor(uniform * size)
    return (jnp.arange(size, dtype=chosen.dtype)[:, None] == chosen[None]).astype(chosen.dtype)

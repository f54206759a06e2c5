"""Random geometry and fading of jamming slots.

Shapes: A access points, R = U + E receivers, users first. One slot a call; batched by vmap, inside
of which slots are the last axis (`batch_last`). All of a slot comes from one draw of uniform
numbers.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, Key, UInt32

from jaxsec import threefry
from jaxsec.batch_last import batch_last, with_batch
from jaxsec.compiled import compiled
from jaxsec.jamming import circle
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.precoding.batched import kernels

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


@compiled("scenario")
def sample(key: Key[Array, ""], scenario: JammingScenario) -> Slot:
    """An independent slot."""
    return _slot(*batch_last(functools.partial(_parts, scenario))(key))


@kernels.no_inline
def _slot(path_gain: Array, real: Array, imag: Array, rician: Array, regime: Array) -> Slot:
    """Of its parts: complex numbers are put together last, being slow to move."""
    return Slot(path_gain, jax.lax.complex(real, imag), rician, regime)


def _parts(
    scenario: JammingScenario, key: Key[Array, "*batch"]
) -> tuple[
    Float[Array, "R A *batch"],
    Float[Array, "R A *batch"],
    Float[Array, "R A *batch"],
    Float[Array, "*batch"],
    Int[Array, "*batch"],
]:
    """What `_slot` takes, in stages each of which is computed once."""
    num_receivers = scenario.num_users + scenario.num_eavesdroppers
    num_links = num_receivers * scenario.num_access_points
    sizes = (num_links, num_receivers, num_receivers, scenario.num_eavesdroppers, 2)
    link, *place = jnp.split(threefry.bits(key, sum(sizes)), np.cumsum(sizes)[:-1])

    positions, rician, regime = kernels.no_inline(functools.partial(_place, scenario))(*place)
    path_gain = kernels.no_inline(functools.partial(path_gains, scenario))(positions)
    real, imag = _scattered(link)
    shape = path_gain.shape
    return path_gain, real.reshape(shape), imag.reshape(shape), rician, regime


def _place(
    scenario: JammingScenario,
    distance: UInt32[Array, "R *batch"],
    turn: UInt32[Array, "R *batch"],
    target: UInt32[Array, "E *batch"],
    kind: UInt32[Array, "2 *batch"],
) -> tuple[Float[Array, "2 R *batch"], Float[Array, "*batch"], Int[Array, "*batch"]]:
    """Positions in metres, Rician factors and regimes."""
    regime, sight = _uniform(kind)
    ends = np.cumsum(scenario.regimes)[:2] / np.sum(scenario.regimes)
    regime = (regime >= ends[0]).astype(jnp.int32) + (regime >= ends[1])
    disc = unit_disc(_uniform(distance), _uniform(turn))
    users = user_positions(scenario, disc[:, : scenario.num_users])
    disc = disc[:, scenario.num_users :]
    eves = eavesdropper_positions(scenario, users, regime, _uniform(target), disc)
    rician = jnp.where(sight < scenario.line_of_sight, scenario.rician_factor, 0.0)
    return jnp.concatenate((users, eves), axis=1), rician, regime


@kernels.no_inline
def _scattered(
    word: UInt32[Array, "n *batch"],
) -> tuple[Float[Array, "n *batch"], Float[Array, "n *batch"]]:
    """CN(0, 1), real and imaginary parts.

    Box & Muller: |h|² is exponential, the phase uniform. One word serves both, 20 bits and 12:
    random bits are much of the time.
    """
    amplitude = jnp.sqrt(-jnp.log(_uniform(word, 20)))
    cos, sin = circle.cos_sin(_uniform(word << 20, 12))
    return amplitude * cos, amplitude * sin


def unit_disc(
    distance: Float[Array, "n *batch"], turn: Float[Array, "n *batch"]
) -> Float[Array, "2 n *batch"]:
    """Points on the unit disc, uniform by area where both numbers are uniform in (0, 1)."""
    return jnp.sqrt(distance)[None] * jnp.stack(circle.cos_sin(turn))


def user_positions(
    scenario: JammingScenario, disc: Float[Array, "2 U *batch"]
) -> Float[Array, "2 U *batch"]:
    """In metres, of users that stand at points of their discs."""
    served_by = np.arange(disc.shape[1]) % scenario.num_access_points
    return _at(scenario, disc)[:, served_by] + scenario.user_radius_m * disc


@compiled("scenario")
def eavesdropper_positions(
    scenario: JammingScenario,
    users: Float[Array, "2 U *batch"],
    regime: Int[Array, "*batch"],
    target: Float[Array, "E *batch"],
    disc: Float[Array, "2 E *batch"],
) -> Float[Array, "2 E *batch"]:
    """In metres, of eavesdroppers at points of their discs, around who is chosen by `target`, which
    is uniform in (0, 1)."""
    regime = regime[None, None]
    near_user, near_ap = _choose(users, target), _choose(_at(scenario, disc), target)
    anchor = jnp.where(regime == 0, near_user, jnp.where(regime == 1, near_ap, 0.0))
    spread = jnp.where(regime == 2, scenario.far_radius_m, scenario.eavesdropper_radius_m)
    return anchor + spread * disc


@compiled("scenario")
def path_gains(
    scenario: JammingScenario, positions: Float[Array, "2 R *batch"]
) -> Float[Array, "R A *batch"]:
    """Mean received power over receiver noise, for a watt."""
    x, y = positions[:, :, None] - _at(scenario, positions)[:, None]
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


def _uniform(bits: UInt32[Array, "*any"], number: int = 23) -> Float[Array, "*any"]:
    """In (0, 1), from the highest bits of a word: the middles of 2^number equal intervals."""
    return ((bits >> (32 - number)).astype(jnp.float32) + 0.5) * 2.0**-number


def _at(scenario: JammingScenario, like: Float[Array, "2 n *batch"]) -> Float[Array, "2 A ..."]:
    """Positions of access points, to be compared with others."""
    return jnp.asarray(with_batch(access_points(scenario).T, like.ndim - 2))


def _choose(
    positions: Float[Array, "2 n *other"], uniform: Float[Array, "E *batch"]
) -> Float[Array, "2 E *batch"]:
    """One of the positions for each number in (0, 1), all being as likely."""
    size = positions.shape[1]
    index = jnp.floor(uniform * size)
    chosen = jnp.broadcast_to(positions[:, :1], (2, *uniform.shape))
    for i in range(1, size):  # many times as fast on CPU as a gather, or as small products
        chosen = jnp.where(index == i, positions[:, i : i + 1], chosen)
    return chosen

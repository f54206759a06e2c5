"""Spectrum waterfalls under jamming: received power by time slot and channel, in dBm.

A band of F channels is shared by users, who hop, and a jammer. The jammer's transmitter radiates a
comb, teeth of equal width at equal spacing D; what tells one pattern from another is the law by
which the comb moves, offset(t) modulo D (X. Liu et al., Anti-jamming communications using spectrum
waterfall, 2018, whose four jammers these are, but for their sweep of a single tooth):

- sweep: one channel further each slot, so that D slots bring it back;
- comb: it stays;
- dynamic: it sweeps for D slots, then stays for 3·D;
- intelligent: every 2·D slots it is set where it would have hit the users most in the 2·D before.

One snapshot is the same for all of them. Nor can they be told apart in snapshots D slots apart,
where a sweep looks like a comb, as a wheel does under a stroboscope.

Shapes: T slots, F channels, N users, D offsets of the comb, E epochs.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from jaxsec import checks, keys

PATTERNS = ("none", "sweep", "comb", "dynamic", "intelligent")
"""What a jammer may do, in the order of labels."""


@dataclasses.dataclass(frozen=True)
class Scenario:
    """The band, who is in it, and how it is measured.

    Raises:
      InputError: a number is out of its range, or teeth do not fit the band.
    """

    num_slots: int = 32
    num_channels: int = 32
    spacing: int = 8
    """Channels from tooth to tooth, and slots that a sweep takes."""
    tooth_width: int = 3
    num_users: int = 2
    user_width: int = 2
    """Channels that a user fills."""
    dwell: int = 64
    """Slots that a user stays."""
    noise_floor_dbm: float = -100.0
    user_dbm: tuple[float, float] = (-85.0, -75.0)
    """Range of the power per channel that users are received with, the same for all."""
    jammer_dbm: tuple[float, float] = (-80.0, -65.0)
    """Range of the power per channel that the jammer is received with."""
    error_db: float = 1.5
    """Standard deviation of a measured power: 4.3 dB over the root of the spectra averaged."""

    def __post_init__(self) -> None:
        for name in ("num_slots", "num_channels", "spacing", "tooth_width", "user_width", "dwell"):
            checks.check_at_least(name, getattr(self, name), 1)
        checks.check_at_least("num_users", self.num_users, 0)
        checks.check_positive("error_db", self.error_db)
        checks.require(
            self.num_channels % self.spacing == 0,
            f"`num_channels` must be a multiple of `spacing`, {self.spacing}, so that the comb is "
            f"the same all over the band, but is {self.num_channels}",
        )
        for name, most in (("tooth_width", self.spacing), ("user_width", self.num_channels)):
            checks.require(
                getattr(self, name) <= most,
                f"`{name}` must be at most {most}, but is {getattr(self, name)}",
            )
        for name in ("user_dbm", "jammer_dbm"):
            low, high = getattr(self, name)
            checks.require(
                self.noise_floor_dbm < low <= high,
                f"`{name}` must rise from above the noise floor, {self.noise_floor_dbm}, but is "
                f"{low, high}",
            )

    @property
    def threshold_dbm(self) -> float:
        """Midway between the noise floor and the weakest user: above it, a pixel is occupied."""
        return (self.noise_floor_dbm + min(self.user_dbm[0], self.jammer_dbm[0])) / 2


class Waterfall(NamedTuple):
    """What is measured, and what is true."""

    power: Float[Array, "T F"]
    """dBm."""
    used: Bool[Array, "T F"]
    """Where users transmit."""
    jammed: Bool[Array, "T F"]
    pattern: Int[Array, ""]
    """Index into `PATTERNS`."""

    @property
    def occupied(self) -> Bool[Array, "*B T F"]:
        """Where anyone transmits."""
        return self.used | self.jammed


def sample(
    key: Key[Array, ""], scenario: Scenario, pattern: int | Int[Array, ""]
) -> tuple[Waterfall, Waterfall]:
    """Two waterfalls of the same jammer and users, the second right after the first.

    Args:
      key: of all that is random: phases, channels, powers, errors of measurement.
      scenario: the band.
      pattern: index into `PATTERNS`.

    Returns:
      The history, and the waterfall after it.

    >>> history, waterfall = sample(jax.random.key(0), Scenario(), PATTERNS.index("comb"))
    >>> waterfall.power.shape, bool((waterfall.jammed == history.jammed).all())
    ((32, 32), True)
    """
    slots = jnp.arange(2 * scenario.num_slots)
    used = users(keys.stream(key, "users"), scenario, slots)
    offset = offsets(keys.stream(key, "jammer"), scenario, used)
    jammed = comb(scenario, offset[pattern]) & (jnp.asarray(pattern) > 0)
    power = measured(keys.stream(key, "power"), scenario, used, jammed)
    halves = [slice(None, scenario.num_slots), slice(scenario.num_slots, None)]
    first, second = (
        Waterfall(power[half], used[half], jammed[half], jnp.asarray(pattern, jnp.int32))
        for half in halves
    )
    return first, second


def users(key: Key[Array, ""], scenario: Scenario, slots: Int[Array, "T"]) -> Bool[Array, "T F"]:
    """Where users transmit: each hops to a random place every `dwell` slots, at its own moment."""
    key_phase, key_place = jax.random.split(key)
    shape = (scenario.num_users, 1)
    phase = jax.random.randint(key_phase, shape, 0, scenario.dwell)
    hop = (slots[None] + phase) // scenario.dwell  # [N, T]
    count = slots.size // scenario.dwell + 2
    last = scenario.num_channels - scenario.user_width + 1
    places = jax.random.randint(key_place, (scenario.num_users, count), 0, last)
    start = jnp.take_along_axis(places, hop, axis=1)[..., None]
    channel = jnp.arange(scenario.num_channels)[None, None]
    return jnp.any((channel >= start) & (channel < start + scenario.user_width), axis=0)


def comb(scenario: Scenario, offset: Int[Array, "*T"]) -> Bool[Array, "*T F"]:
    """Channels that the comb's teeth cover at an offset."""
    channel = jnp.arange(scenario.num_channels).reshape((1,) * offset.ndim + (-1,))
    place = jnp.mod(channel - offset[..., None], scenario.spacing)
    return place < scenario.tooth_width


def offsets(key: Key[Array, ""], scenario: Scenario, used: Bool[Array, "T F"]) -> Int[Array, "5 T"]:
    """The comb's offset by pattern and slot; that of no jammer is unused."""
    key_start, key_phase, key_clever = jax.random.split(key, 3)
    spacing, slots = scenario.spacing, jnp.arange(used.shape[0])
    start = jax.random.randint(key_start, (), 0, spacing)
    phase = jax.random.randint(key_phase, (), 0, 4 * spacing)
    stays = jnp.broadcast_to(start, slots.shape)
    turn = (slots + phase) % (4 * spacing)
    dynamic = start + jnp.where(turn < spacing, turn, 0)
    clever = _clever(key_clever, scenario, used)
    return jnp.stack([stays, start + slots, stays, dynamic, clever]) % spacing


def _clever(key: Key[Array, ""], scenario: Scenario, used: Bool[Array, "T F"]) -> Int[Array, "T"]:
    """Offsets of the intelligent comb; of equally good ones, and before it has seen users, any."""
    key_phase, key_tie = jax.random.split(key)
    length, spacing = 2 * scenario.spacing, scenario.spacing
    count = used.shape[0] // length + 2
    epoch = (jnp.arange(used.shape[0]) + jax.random.randint(key_phase, (), 0, length)) // length
    usage = jax.ops.segment_sum(used.astype(jnp.float32), epoch, count)  # [E, F]
    hits = usage @ comb(scenario, jnp.arange(spacing)).T.astype(jnp.float32)  # [E, D]
    best = jnp.argmax(hits + jax.random.uniform(key_tie, hits.shape, maxval=0.5), axis=1)
    first = jax.random.randint(keys.stream(key, "first"), (1,), 0, spacing)
    return jnp.concatenate([first, best])[epoch]


def measured(
    key: Key[Array, ""], scenario: Scenario, used: Bool[Array, "T F"], jammed: Bool[Array, "T F"]
) -> Float[Array, "T F"]:
    """Powers add up, over the noise floor; each is measured with an error, Gaussian in dB."""
    key_user, key_jammer, key_error = jax.random.split(key, 3)
    levels = [
        10.0 ** (jax.random.uniform(k, minval=low, maxval=high) / 10.0)
        for k, (low, high) in ((key_user, scenario.user_dbm), (key_jammer, scenario.jammer_dbm))
    ]
    floor = 10.0 ** (scenario.noise_floor_dbm / 10.0)
    power = floor + levels[0] * used + levels[1] * jammed
    error = scenario.error_db * jax.random.normal(key_error, used.shape)
    return 10.0 * jnp.log10(power) + error

"""Channel snapshots, with and without an attacker who spoofs the pilot: pure functions of a key.

A base station at the origin, a uniform linear array of 16 antennas, estimates a user's channel on
16 subcarriers from its pilot. The street's walls are fixed, and mirror whoever sends: path w comes
from the image of the sender in wall w, with the image's angle φ, distance d and loss, and a random
phase. So clean snapshots, though random, lie near a surface of two dimensions, the place. An
attacker elsewhere who sends the same pilot adds the paths of its own place to the estimate
(X. Zhou, B. Maham and A. Hjørungnes, IEEE Trans. Wireless Commun. 11(3), 2012):

    H = Σ_w α_w·a(φ_w) b(d_w)ᵀ + √PSR·(the same of the attacker's place) + noise

with a the array's response and b that of the subcarriers. What a detector sees is the power of the
two-dimensional Fourier transform, angle by delay, in dB over the noise. Shadowing is common to all
paths of a snapshot and unknown, so the sum of energy says little of the attacker.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Key

SIDE = 16
"""Antennas, and subcarriers."""
STREET = ((10.0, 60.0), (-40.0, 40.0))
"""Metres along x (broadside) and y between which senders are."""
WALLS = ((0.0, 1.0, 45.0), (0.0, -1.0, 45.0), (1.0, 0.0, 70.0))
"""(normal x, normal y, distance) of the walls that mirror the street."""
REFLECTION_DB = 6.0
"""Loss of a wall."""
MAX_DELAY_M = 240.0
"""Path length at which the delay of 16 subcarriers turns round."""
MEAN_SNR_DB, SHADOWING_DB = 25.0, 5.0
"""Of the strongest bin at 40 m, and the standard deviation of what no one knows of it."""
REFERENCE_M = 40.0
MIN_APART_M = 10.0
"""The attacker is no nearer to the user."""
TRIES = 8
"""Places that an attacker is drawn from: all of them too near once in 10⁹ draws."""


def sample(
    key: Key[Array, ""], n: int, attack: Literal["spoofing"] | None = None, ratio_db: float = 0.0
) -> Float[Array, "n 16 16"]:
    """Snapshots, angle by delay, in dB over the noise.

    The user's channel and the noise are those of the same key without an attacker.

    Args:
      key: of all that is random.
      n: how many.
      attack: None for none.
      ratio_db: PSR, the energy of the attacker's pilot at the base station over the user's.
    """
    key_user, key_attacker, key_shadow, key_noise = jax.random.split(key, 4)
    place = places(key_user, n)
    shadow = MEAN_SNR_DB + SHADOWING_DB * jax.random.normal(key_shadow, (n, 1, 1))
    channel = arrive(key_user, place)
    if attack is not None:
        other = arrive(key_attacker, elsewhere(key_attacker, place))
        ratio = jnp.sum(jnp.abs(channel) ** 2, (1, 2)) / jnp.sum(jnp.abs(other) ** 2, (1, 2))
        channel += jnp.sqrt(ratio * 10 ** (ratio_db / 10))[:, None, None] * other
    real, imaginary = jax.random.normal(key_noise, (2, n, SIDE, SIDE))
    received = 10 ** (shadow / 20) * channel + jax.lax.complex(real, imaginary) / jnp.sqrt(2.0)
    seen = jnp.fft.fft2(received, norm="ortho")
    return 20 * jnp.log10(jnp.abs(jnp.fft.fftshift(seen, axes=1)))


def places(key: Key[Array, ""], n: int) -> Float[Array, "n 2"]:
    """Senders, uniform on the street."""
    low, high = jnp.asarray(STREET).T
    return jax.random.uniform(key, (n, 2)) * (high - low)[None] + low[None]


def elsewhere(key: Key[Array, ""], place: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
    """Other places on the street, at least `MIN_APART_M` away: the first of `TRIES` that is."""
    tries = jax.vmap(lambda k: places(k, TRIES))(jax.random.split(key, len(place)))
    far = jnp.linalg.norm(tries - place[:, None], axis=-1) >= MIN_APART_M
    return jnp.take_along_axis(tries, jnp.argmax(far, axis=1)[:, None, None], axis=1)[:, 0]


def arrive(key: Key[Array, ""], place: Float[Array, "n 2"]) -> Complex[Array, "n 16 16"]:
    """The channel from each place: antennas by subcarriers, energy as of one path at 40 m."""
    normal, distance = jnp.asarray(WALLS)[:, :2], jnp.asarray(WALLS)[:, 2]
    behind = 2 * (distance[None] - place @ normal.T)
    images = place[:, None] + behind[..., None] * normal[None]
    images = jnp.concatenate([place[:, None], images], axis=1)
    length = jnp.linalg.norm(images, axis=-1)
    sine = images[..., 1] / length
    loss_db = jnp.array([0.0] + [REFLECTION_DB] * len(WALLS))[None]
    phase = jax.random.uniform(key, length.shape, maxval=2 * jnp.pi)
    gain = REFERENCE_M / length * 10 ** (-loss_db / 20) * jnp.exp(1j * phase)
    index = jnp.arange(SIDE)[None, None]
    antennas = jnp.exp(-1j * jnp.pi * sine[..., None] * index)
    subcarriers = jnp.exp(-2j * jnp.pi * (length / MAX_DELAY_M)[..., None] * index)
    return jnp.einsum("nw,nwa,nws->nas", gain, antennas, subcarriers) / SIDE

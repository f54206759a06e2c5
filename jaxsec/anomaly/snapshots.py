"""Channel snapshots, with and without an attacker who spoofs the pilot: pure functions of a key.

A base station at the origin, a uniform linear array of 16 antennas, estimates a user's channel on
16 subcarriers from its pilot. The street's walls are fixed, and mirror whoever sends: path w comes
from the image of the sender in wall w, with the image's angle φ, distance d and loss, and a random
phase. So clean snapshots, though random, lie near a surface of two dimensions, the place. An
attacker elsewhere who sends the same pilot adds the paths of its own place to the estimate
(X. Zhou, B. Maham and A. Hjørungnes, IEEE Trans. Wireless Commun. 11(3), 2012):

    H = Σ_w α_w·a(φ_w) b(d_w)ᵀ + √PSR·(the same of the attacker's place) + noise

with a the array's response and b that of the subcarriers. What a detector sees is the power of the
windowed two-dimensional Fourier transform, angle by delay, in dB over the noise, the mean of
`NUM_PILOTS` pilots: senders move by wavelengths meanwhile, which changes phases and no angles.
Power control leaves an error of a few dB, so the sum of energy says little of a weak attacker.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec.compiled import compiled

SIDE = 16
"""Antennas, and subcarriers."""
STREET = ((10.0, 60.0), (-40.0, 40.0))
"""Metres along x (broadside) and y between which senders are."""
WALLS = ((0.0, 1.0, 45.0), (0.0, -1.0, 45.0), (1.0, 0.0, 70.0))
"""(normal x, normal y, distance) of the walls that mirror the street."""
REFLECTION_DB = 6.0
"""Loss of a wall."""
MAX_DELAY_M = 160.0
"""Path length at which the delay of 16 subcarriers turns round."""
NUM_PILOTS = 8
"""That a snapshot is the mean of."""
MEAN_SNR_DB, SNR_DEVIATION_DB = 25.0, 3.0
"""Energy of a user's channel over the noise in one bin: power control holds it, but for an error
that no one knows."""
MIN_APART_M = 20.0
"""The attacker is no nearer to the user, two cells of delay."""
TRIES = 16
"""Places that an attacker is drawn from: all of them too near less than once in 10⁸ draws."""


@compiled("n", "attack")
def sample(
    key: Key[Array, ""],
    n: int,
    attack: Literal["spoofing"] | None = None,
    ratio_db: Float[ArrayLike, ""] = 0.0,
) -> Float[Array, "n 16 16"]:
    """Snapshots, angle by delay, in dB over the noise.

    The user's channel and the noise are those of the same key without an attacker.

    Args:
      key: of all that is random.
      n: how many.
      attack: None for none.
      ratio_db: PSR, the energy of the attacker's pilot at the base station over the user's.
    """
    key_user, key_phase, key_other, key_turn, key_snr, key_noise = jax.random.split(key, 6)
    place = places(key_user, n)
    snr_db = MEAN_SNR_DB + SNR_DEVIATION_DB * jax.random.normal(key_snr, (n, 1, 1, 1))
    channel = arrive(key_phase, place)
    if attack is not None:
        other = arrive(key_turn, elsewhere(key_other, place))
        channel += 10 ** (ratio_db / 20) * other
    real, imaginary = jax.random.normal(key_noise, (2, *channel.shape))
    received = 10 ** (snr_db / 20) * channel + jax.lax.complex(real, imaginary) / jnp.sqrt(2.0)
    seen = jnp.fft.fftshift(jnp.fft.fft2(received * window()[None, None], norm="ortho"), axes=2)
    return 10 * jnp.log10(jnp.mean(_squared(seen), axis=1))


def window() -> Float[Array, "16 16"]:
    """Hann's, along antennas and subcarriers, which leaves the noise's power as it is."""
    one = jnp.hanning(SIDE + 2)[1:-1]
    one = one / jnp.sqrt(jnp.mean(one**2))
    return one[:, None] * one[None]


def places(key: Key[Array, ""], n: int) -> Float[Array, "n 2"]:
    """Senders, uniform on the street."""
    low, high = jnp.asarray(STREET).T
    return jax.random.uniform(key, (n, 2)) * (high - low)[None] + low[None]


def elsewhere(key: Key[Array, ""], place: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
    """Other places on the street, at least `MIN_APART_M` away: the first of `TRIES` that is."""
    tries = jax.vmap(lambda k: places(k, TRIES))(jax.random.split(key, len(place)))
    far = jnp.linalg.norm(tries - place[:, None], axis=-1) >= MIN_APART_M
    return jnp.take_along_axis(tries, jnp.argmax(far, axis=1)[:, None, None], axis=1)[:, 0]


def arrive(key: Key[Array, ""], place: Float[Array, "n 2"]) -> Complex[Array, "n T 16 16"]:
    """Channels from each place, one a pilot: antennas by subcarriers.

    Their energy is 1, the mean over all pilots of a place.
    """
    normal, distance = jnp.asarray(WALLS)[:, :2], jnp.asarray(WALLS)[:, 2]
    behind = 2 * (distance[None] - place @ normal.T)
    images = place[:, None] + behind[..., None] * normal[None]
    images = jnp.concatenate([place[:, None], images], axis=1)
    length = jnp.linalg.norm(images, axis=-1)
    sine = images[..., 1] / length
    loss_db = jnp.array([0.0] + [REFLECTION_DB] * len(WALLS))[None]
    shape = (len(place), NUM_PILOTS, length.shape[1])
    turned = jnp.exp(1j * jax.random.uniform(key, shape, maxval=2 * jnp.pi))
    gain = (10 ** (-loss_db / 20) / length)[:, None] * turned
    index = jnp.arange(SIDE)[None, None]
    antennas = jnp.exp(-1j * jnp.pi * sine[..., None] * index)
    subcarriers = jnp.exp(-2j * jnp.pi * (length / MAX_DELAY_M)[..., None] * index)
    channel = jnp.einsum("ntw,nwa,nws->ntas", gain, antennas, subcarriers)
    energy = jnp.mean(jnp.sum(_squared(channel), axis=(2, 3)), axis=1)
    return channel / jnp.sqrt(energy)[:, None, None, None]


def _squared(x: Complex[Array, "*shape"]) -> Float[Array, "*shape"]:
    return x.real**2 + x.imag**2

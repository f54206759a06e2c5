"""The channels of fine-tuning: both worlds, gains that are what links have, alike and unalike."""

import jax
import numpy as np
import pytest

from jaxsec.cdm.training import worlds
from jaxsec.strategy import Size

pytestmark = pytest.mark.slow

SIZE, KEY, N = Size(8, 2, 3), jax.random.key(3), 512


@pytest.fixture(scope="module")
def streets():
    return jax.tree.map(
        np.asarray, jax.jit(worlds.sample, static_argnums=(1, 2, 3))(KEY, SIZE, N, 1.0)
    )


def test_gains_are_those_that_links_have_in_the_mean(streets):
    power = np.mean(np.abs(streets.h) ** 2, axis=-1) / streets.gain**2
    assert streets.h.shape == (N, 5, 8)
    assert abs(power.mean() - 1.0) < 0.1
    decibel = 20 * np.log10(streets.gain)
    assert np.ptp(decibel) > 40  # 10 to 300 m, and shadowing


def test_eavesdroppers_are_anything_from_unlike_to_like_a_user(streets):
    users, eves = streets.h[:, :2], streets.h[:, 2:]
    inner = np.abs(np.einsum("nkm,nlm->nkl", users.conj(), eves))
    length = np.linalg.norm(users, axis=-1)[:, :, None] * np.linalg.norm(eves, axis=-1)[:, None]
    alike = np.max((inner / length) ** 2, axis=1)
    assert np.mean(alike > 0.9) > 0.2
    assert np.mean(alike < 0.5) > 0.2


@pytest.mark.long
def test_the_share_of_streets_is_what_is_asked():
    mixed = worlds.sample(KEY, SIZE, N, 0.75)
    rayleigh = worlds.sample(jax.random.split(KEY, 3)[0], SIZE, N, 1.0)
    assert mixed.h.shape == rayleigh.h.shape
    # P1's ring holds gains within a few decibels, streets do not.
    decibel = 20 * np.log10(np.asarray(mixed.gain))
    inside = np.all((decibel > -73) & (decibel < -66), axis=1)
    assert 0.15 < inside.mean() < 0.45
    none = worlds.sample(KEY, SIZE, N, 0.0)
    decibel = 20 * np.log10(np.asarray(none.gain))
    assert decibel.min() > -73.5
    assert decibel.max() < -65.5

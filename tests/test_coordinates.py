"""What models are told, antenna coordinates, and the standardiser."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.cdm import standardise
from jaxsec.cdm.coordinates import antenna
from jaxsec.cdm.coordinates import table as coordinates
from tests import cases

RECEIVED, ANTENNA = coordinates.get("received"), coordinates.get("antenna")


@jax.jit
def received_condition(channels):
    kind = RECEIVED.kinds(8, 2, 4, 2)
    return RECEIVED.condition(RECEIVED.frame(*channels, 2), 2, np.full(kind.shape, 0.1, np.float32))


def rotated(channels, rotation):
    return channels._replace(h_user=channels.h_user @ rotation, h_eve=channels.h_eve @ rotation)


@pytest.mark.slow
def test_a_rotation_of_the_antennas_is_not_seen():
    channels = cases.channels(n=4)
    before = received_condition(channels)
    after = received_condition(rotated(channels, cases.unitary(3, 8)))
    for name in ("rows", "columns", "relations"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=2e-3)


@pytest.mark.slow
def test_more_antennas_without_signal_are_not_seen():
    """M enters through the coordinates only."""
    channels = cases.channels(n=4)
    wide = [np.pad(h, ((0, 0), (0, 0), (0, 5))) for h in channels[:2]]
    frames = [
        jax.jit(lambda c: RECEIVED.frame(*c, 2))(c)
        for c in (channels, channels._replace(h_user=wide[0], h_eve=wide[1]))
    ]
    np.testing.assert_allclose(frames[1].amplitude, frames[0].amplitude, rtol=1e-5)
    rate = [np.sum(np.abs(np.asarray(f.gains)[:, :2, :2]) ** 2, axis=(1, 2)) for f in frames]
    np.testing.assert_allclose(rate[1], rate[0], rtol=2e-2)


def test_zero_and_equal_channels_are_told_in_finite_numbers():
    channels = cases.channels(n=4)
    h_user, h_eve = np.array(channels.h_user), np.array(channels.h_eve)
    h_user[0, 0], h_user[1, 1] = 0, h_user[1, 0]
    h_eve[2], h_eve[3] = 0, h_user[3, 0]
    bad = channels._replace(h_user=h_user, h_eve=h_eve)
    told = jax.jit(
        lambda c: ANTENNA.condition(ANTENNA.frame(*c, 2), 2, np.ones((8, 4), np.float32))
    )
    for condition in (received_condition(bad), told(bad)):
        assert all(np.isfinite(x).all() for x in condition)


def test_antenna_tables_go_there_and_back():
    strategy = cases.random_strategy(0, 3, 8, 2, 2)
    table = antenna.to_table(strategy)
    np.testing.assert_allclose(jnp.mean(jnp.abs(table) ** 2, axis=(1, 2)), 0.25, rtol=1e-5)
    for got, wanted in zip(antenna.from_table(table, 2), strategy, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)
    kind = ANTENNA.kinds(8, 2, 4, 2)
    np.testing.assert_array_equal(kind[0], [0, 0, 1, 1])


def test_antenna_condition_turns_with_an_antenna():
    """Covariances as beams do; so the set denoiser keeps its symmetry."""
    channels = cases.channels(n=2)
    phase = np.exp(1j * np.arange(8.0)).astype(np.complex64)
    spread = np.ones((8, 4), np.float32)
    told = jax.jit(lambda c: antenna.condition(antenna.frame(*c), 2, spread))
    before, after = (
        jax.tree.map(np.asarray, told(c)) for c in (channels, rotated(channels, np.diag(phase)))
    )
    turn = (phase[:, None] * phase[None].conj())[None, None]
    straight = (before.relations[:, :, 0] + 1j * before.relations[:, :, 1]) * turn
    np.testing.assert_allclose(
        after.relations[:, :, 0] + 1j * after.relations[:, :, 1], straight, atol=1e-4
    )
    own = before.complex_entries[:, 0] + 1j * before.complex_entries[:, 1]
    np.testing.assert_allclose(
        after.complex_entries[:, 0] + 1j * after.complex_entries[:, 1],
        own * phase[None, :, None, None],
        atol=1e-4,
    )


def test_standardiser_finds_the_spread_of_every_kind():
    generator = np.random.default_rng(0)
    kind = np.array([[0, 1], [1, 0]])
    scale = np.array([2.0, 0.5])[kind]
    tables = {
        (k, l): (k * scale * cases.gaussian(generator, (4000, 2, 2)), kind)
        for k, l in ((1, 1), (2, 4))
    }
    found = standardise.fit(tables, (0.0, 0.8))
    # Trimmed at the largest percent.
    np.testing.assert_allclose(found.spread[0, 1], [2.0, 0.8], rtol=0.03)
    np.testing.assert_allclose(found.spread[1, 4], [4.0, 1.0], rtol=0.03)
    np.testing.assert_allclose(found.spread[1, 5], found.spread[1, 4], rtol=0.1)  # next to it
    low, high = (f(found.spread[[0, 1], [1, 4]], axis=0) for f in (np.min, np.max))
    assert np.all(found.spread >= low * (1 - 1e-9))
    assert np.all(found.spread <= high * (1 + 1e-9))

    spread = standardise.spreads(found, 2, 4, kind)
    table = jnp.asarray(tables[2, 4][0][:5], jnp.complex64)
    z = standardise.to_sample(table, spread)
    np.testing.assert_allclose(
        jnp.abs(z[:, 0, 0, 0] * 4.0), jnp.abs(table[:, 0, 0].real), rtol=0.05
    )
    np.testing.assert_allclose(standardise.from_sample(z, spread), table, rtol=1e-5)


def test_unknown_coordinates_are_named():
    with pytest.raises(jaxsec.InputError, match="`coordinates` must be one of received, aligned"):
        coordinates.get("beamspace")

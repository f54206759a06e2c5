"""Waterfalls and snapshots: their energies are those that are named, and nothing else differs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.anomaly import energy, snapshots, waterfalls
from jaxsec.anomaly.auc import auc

signals = jax.jit(waterfalls.signals, static_argnums=1)
patterns = jax.jit(waterfalls.patterns, static_argnums=(1, 2))


def power(seed, kind=None, ratio_db=0.0):
    """Of 1,000 waterfalls."""
    found = waterfalls.sample(jax.random.key(seed), 1000, kind, ratio_db)
    return 10 ** (np.asarray(found) / 10)


@pytest.mark.parametrize("jammer", waterfalls.JAMMERS)
def test_a_jammer_adds_the_energy_that_is_named(jammer):
    clean, jammed = power(0), power(0, jammer, -3.0)
    ratio = (np.mean(jammed) - 1) / (np.mean(clean) - 1)
    assert ratio == pytest.approx(1 + 10**-0.3, rel=0.02)


def test_users_send_at_one_level_in_whole_blocks_and_one_of_them_always():
    sent = np.asarray(signals(jax.random.key(1), 1000))
    blocks = sent.reshape(1000, 4, 4, 4, 4)
    assert np.all(blocks == blocks[:, :, :1, :, :1])
    assert np.all(sent.max(axis=(1, 2)) > 0)
    for user in blocks[:, :, 0, :, 0].transpose(0, 2, 1).reshape(-1, 4):
        assert len(set(user[user > 0])) <= 1


def test_patterns_are_where_they_should_be():
    rows = {"sweep": 16, "comb": 64, "pulse": 32, "tone": 16}
    for jammer, bins in rows.items():
        pattern = np.asarray(patterns(jax.random.key(2), 50, jammer))
        np.testing.assert_array_equal(pattern.sum(axis=(1, 2)), bins)
    sweep = np.asarray(patterns(jax.random.key(2), 50, "sweep")).argmax(axis=2)
    assert np.all(np.abs(np.diff(sweep, axis=1)) <= 1)


def test_bins_are_a_mean_of_periodograms():
    sent = np.asarray(signals(jax.random.split(jax.random.key(3), 3)[0], 1000))
    idle = power(3)[sent == 0]
    assert np.mean(idle) == pytest.approx(1.0, abs=0.01)
    assert np.var(idle) == pytest.approx(1 / waterfalls.NUM_LOOKS, rel=0.03)


def test_a_place_without_walls_is_one_path_of_its_angle_and_delay(monkeypatch):
    """Of energy 1, phases linear in antenna and subcarrier: sine −0.8, 50 m."""
    monkeypatch.setattr(snapshots, "WALLS", ((0.0, 1.0, 1e9),))
    place = jnp.array([[30.0, -40.0]])
    arrive = jax.jit(lambda *given: snapshots.arrive(*given))
    channel = np.asarray(arrive(jax.random.key(0), place))[0, 0]
    np.testing.assert_allclose(np.abs(channel) * 16, 1.0, rtol=1e-3)
    turn = channel[1:] / channel[:-1]
    np.testing.assert_allclose(turn, np.exp(-1j * np.pi * -0.8), rtol=1e-3)
    turn = channel[:, 1:] / channel[:, :-1]
    np.testing.assert_allclose(turn, np.exp(-2j * np.pi * 50 / snapshots.MAX_DELAY_M), rtol=1e-3)


def test_the_window_leaves_the_noise_as_it_is():
    assert float(jnp.mean(snapshots.window() ** 2)) == pytest.approx(1.0, rel=1e-6)


def test_an_attacker_is_elsewhere_and_on_the_street():
    place = jax.jit(snapshots.places, static_argnums=1)(jax.random.key(0), 2000)
    other = np.asarray(jax.jit(snapshots.elsewhere)(jax.random.key(1), place))
    assert np.linalg.norm(other - np.asarray(place), axis=1).min() >= snapshots.MIN_APART_M
    (low, high), (left, right) = snapshots.STREET
    assert other[:, 0].min() >= low and other[:, 0].max() <= high
    assert other[:, 1].min() >= left and other[:, 1].max() <= right


@pytest.mark.slow
def test_a_spoofed_pilot_adds_the_energy_that_is_named():
    def energy_of(attack):
        x = np.asarray(snapshots.sample(jax.random.key(4), 500, attack, 3.0))
        return np.mean(10 ** (x / 10)) - 1

    ratio = energy_of("spoofing") / energy_of(None)
    assert ratio == pytest.approx(1 + 10**0.3, rel=0.05)


def test_areas_under_the_curve_are_those_of_the_closed_form():
    """Two normal distributions d apart: Φ(d/√2). Equal scores: one half."""
    from scipy.stats import norm

    random = np.random.default_rng(0)
    found = auc(random.normal(size=20_000), random.normal(1.0, size=20_000))
    assert found == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.01)
    assert auc(np.zeros(3), np.zeros(5)) == 0.5
    assert auc(np.array([0.0, 1.0]), np.array([1.0, 2.0])) == 0.875


def test_the_best_energy_detector_is_no_worse_than_the_energy():
    clean, jammed = power(5)[:300], power(5, "comb", -5.0)[:300]
    plain = auc(*(x.mean(axis=(1, 2)) for x in (clean, jammed)))
    assert 0.5 < plain <= energy.best(*(10 * np.log10(x) for x in (clean, jammed))) <= 1.0

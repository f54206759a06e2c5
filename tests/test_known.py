"""Coordinates of channels known with errors: isotropic noise, what is told, and what is trusted."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.cdm.coordinates import known, resolved
from jaxsec.channels import knowledge
from jaxsec.precoding import gpip
from tests import cases

pytestmark = pytest.mark.slow

inside = SimpleNamespace(
    frame=jax.jit(known.frame, static_argnums=2),
    encode=jax.jit(known.encode),
    decode=jax.jit(known.decode, static_argnums=2),
    condition=jax.jit(known.condition, static_argnums=1),
)
"""The coordinates inside a compiled program, as they are used."""


@pytest.fixture(scope="module")
def channels():
    return cases.channels(n=6)


@pytest.fixture(scope="module")
def frame(channels):
    uncertain = knowledge.estimated(channels.h_user, channels.h_eve, 0.01, 0.5)
    return inside.frame(uncertain, channels.noise_power, 2, 1.0)


@pytest.mark.long
def test_without_error_they_are_resolved_ones(channels):
    exact = knowledge.exact(channels.h_user, channels.h_eve)
    frame = inside.frame(exact, channels.noise_power, 2)
    wanted = jax.jit(resolved.frame, static_argnums=3)(*channels, 2)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, 0, 1e-4), frame.resolved, wanted)
    assert float(jnp.abs(frame.told).max()) == 0.0


@pytest.mark.long
def test_round_trip_keeps_the_rate(channels, no_type_checks):
    frame = inside.frame(knowledge.exact(*channels[:2]), channels.noise_power, 2)
    strategy = gpip.opt(*channels).strategy
    back = jaxsec.normalise_power(*inside.decode(frame, inside.encode(frame, strategy), 2))
    assert back[1].shape == (6, 8, 2 + 6)
    rate = [jaxsec.sum_secrecy_rate(*s, *channels) for s in (strategy, back)]
    np.testing.assert_allclose(*rate, rtol=1e-3)


@pytest.mark.parametrize("amplitude", [0.2, 0.5])
def test_isotropic_noise_is_what_its_entries_say(frame, amplitude, no_type_checks):
    """Of that amplitude, unheard by users, the same in every direction that they leave."""
    table = np.zeros((6, 6, 5), np.complex64)
    table[:, :2, -1] = np.array([0.5, 1.5]) * amplitude
    v = np.asarray(inside.decode(frame, table, 2).v)[:, :, 2:]
    np.testing.assert_allclose(np.sum(np.abs(v) ** 2, axis=(1, 2)), amplitude**2, rtol=1e-2)
    users = np.asarray(frame.resolved.base.h)[:, :2]
    assert np.abs(users.conj() @ v).max() < 1e-6
    eigenvalues = np.linalg.eigvalsh(v @ np.swapaxes(v.conj(), 1, 2))
    np.testing.assert_allclose(eigenvalues[:, 2:], amplitude**2 / 6, rtol=2e-2)
    np.testing.assert_allclose(eigenvalues[:, :2], 0.0, atol=1e-6)


def test_no_amplitude_is_negative_and_none_is_without_gradient(frame, no_type_checks):
    def power(level):
        table = jnp.zeros((6, 6, 5), jnp.complex64).at[:, :2, -1].set(level)
        return jnp.sum(jnp.abs(known.decode(frame, table, 2).v[:, :, 2:]) ** 2)

    value, slope = jax.jit(jax.value_and_grad(power))(-0.05)
    assert 0.0 < value < 6 * 0.02**2
    assert float(slope) > 0.0


def test_errors_and_the_objective_are_told(channels, frame):
    told = np.asarray(frame.told)
    np.testing.assert_allclose(told[:, :2, 0], 0.01, rtol=1e-3)
    np.testing.assert_allclose(told[:, 2:, 0], 0.5, rtol=1e-3)
    power = np.mean(np.abs(channels.h_eve) ** 2, axis=-1)
    error = 0.5 * power / np.asarray(channels.noise_power)[:, None]
    np.testing.assert_allclose(told[:, 2:, 1], 0.5 * np.log10(1.0 + error), rtol=1e-3)
    np.testing.assert_array_equal(told[:, :, 2], 1.0)
    condition = inside.condition(frame, 2, np.full((6, 5), 0.1, np.float32))
    np.testing.assert_allclose(condition.rows[..., -3:], told)
    columns = np.asarray(condition.columns)
    np.testing.assert_allclose(columns[:, :2, -3:], told[:, :2])
    assert np.abs(columns[:, 2:, -3:]).max() == 0.0


def test_users_are_loaded_and_eavesdroppers_have_the_gain_of_their_links(channels):
    noise = channels.noise_power
    uncertain = knowledge.estimated(channels.h_user, channels.h_eve, 0.1, 0.5)
    trusted = jax.jit(known.trusted)(uncertain, noise)
    loaded = jax.jit(knowledge.diagonal_loading)(uncertain, noise)
    np.testing.assert_allclose(trusted.h_user, loaded.h_user, rtol=1e-6)
    np.testing.assert_allclose(trusted.h_eve, channels.h_eve, rtol=1e-4)


def test_nothing_known_of_eavesdroppers_stays_finite(channels, no_type_checks):
    vague = knowledge.estimated(channels.h_user, channels.h_eve, 0.1, 1.0)
    frame = inside.frame(vague, channels.noise_power, 2, 0.0)
    told = inside.condition(frame, 2, np.full((6, 5), 0.1, np.float32))
    strategy = inside.decode(frame, np.full((6, 6, 5), 0.1 + 0.1j, np.complex64), 2)
    for x in jax.tree.leaves((frame, told, strategy)):
        assert np.isfinite(x).all()
    np.testing.assert_allclose(frame.told[:, 2:, 0], 1.0)


def test_antennas_that_nobody_hears_send_no_noise(channels, no_type_checks):
    deaf = knowledge.exact(*(np.asarray(h) * (np.arange(8) < 6) for h in channels[:2]))
    room = np.asarray(inside.frame(deaf, channels.noise_power, 2, 0.0).room)
    assert np.abs(room[:, 6:]).max() < 1e-6
    np.testing.assert_allclose(np.sum(np.abs(room) ** 2, axis=(1, 2)), 1.0, rtol=1e-5)

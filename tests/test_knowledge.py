"""Channels known with an error: the posterior is the truth's, and what designs make of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import secrecy
from jaxsec.cdm import robust
from jaxsec.cdm.training import finetune
from jaxsec.channels import knowledge
from jaxsec.precoding import robust_reference
from tests import cases, models

pytestmark = pytest.mark.slow

KEY = jax.random.key(5)


@pytest.fixture(scope="module")
def channels():
    return cases.channels(n=4)


def test_draws_have_the_posterior_moments(channels):
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.2)
    h_user, h_eve = knowledge.sample(KEY, known, 4000)
    np.testing.assert_allclose(
        jnp.mean(h_user, axis=0), np.sqrt(0.8) * channels.h_user, atol=3e-2 * 1e-3
    )
    power = np.mean(np.abs(channels.h_eve) ** 2, axis=-1)
    np.testing.assert_allclose(jnp.var(h_eve, axis=0).mean(axis=-1), 0.2 * power, rtol=0.05)


def test_estimate_and_posterior_agree(channels):
    """Truth, then estimate, or estimate, then posterior: the same joint distribution."""
    n, e = 20_000, 0.3
    generator = np.random.default_rng(0)
    truth = jnp.asarray(cases.gaussian(generator, (n, 1, 2)), jnp.complex64)
    estimate = jaxsec.estimate_channels(KEY, truth, e, jnp.ones((n, 1)))
    known = knowledge.estimated(
        estimate, estimate[:, :0], e, gain_user=jnp.ones((n, 1)), gain_eve=jnp.ones((n, 0))
    )
    error = truth - known.h_user
    assert abs(float(jnp.mean(jnp.abs(error) ** 2)) - e) < 0.01
    assert abs(complex(jnp.mean(error * estimate.conj()))) < 0.02
    np.testing.assert_allclose(known.error_user, e, rtol=1e-6)


def test_beams_hear_the_error_as_noise_of_the_loaded_channels(channels):
    """At full power the error's mean power at a receiver is its variance."""
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.1)
    strategy = cases.random_strategy(1, 4, 8, 2, 2)
    u = jnp.concatenate(strategy, axis=-1)
    h_user, _ = knowledge.sample(KEY, known, 4000)
    heard = jnp.sum(jnp.abs(secrecy.received_gains(h_user - known.h_user[None], u[None])) ** 2, -1)
    np.testing.assert_allclose(heard.mean(axis=0), known.error_user, rtol=0.1)
    noise = channels.noise_power
    loaded = knowledge.diagonal_loading(known, noise)
    scale = np.sqrt(noise[:, None] / (noise[:, None] + known.error_user))
    np.testing.assert_allclose(loaded.h_user, known.h_user * scale[..., None], rtol=1e-5)


def test_without_error_nothing_changes(channels):
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.0)
    loaded = knowledge.diagonal_loading(known, channels.noise_power)
    np.testing.assert_array_equal(loaded.h_user, channels.h_user)
    strategy = cases.random_strategy(1, 4, 8, 2, 2)
    direction = jax.random.normal(KEY, (3, 1, 6, 8), jnp.complex64)
    rate = secrecy.expected_rate(strategy, known, channels.noise_power, direction)
    np.testing.assert_allclose(rate, jaxsec.sum_secrecy_rate(*strategy, *channels), rtol=1e-5)


def test_errors_out_of_range_are_named(channels):
    with pytest.raises(jaxsec.InputError, match=r"`error` must lie between 0 and 1, but is 1\.5"):
        knowledge.estimated(channels.h_user, channels.h_eve, 1.5)


@pytest.mark.long
@pytest.mark.parametrize("objective", [secrecy.MEAN, secrecy.Outage(0.05)])
def test_robust_design_chooses_by_the_objective_on_draws(objective, channels):
    """Among samples and RZF-NS, which a network of random weights is no match for."""
    model = finetune.into(models.tiny(), "known")
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.01, 0.5)
    noise = channels.noise_power
    options = {"objective": objective, "num_samples": 3, "num_steps": 1}
    strategy, values = robust.candidates(KEY, model, known, noise, **options)
    assert values.shape == (4, 4)
    np.testing.assert_allclose(secrecy.power(*strategy), 1.0, rtol=1e-5)
    h_user, h_eve = knowledge.sample(jax.random.key(9), known, 400)
    w, v = strategy
    rates = secrecy.sum_secrecy_rate(w[None], v[None], h_user, h_eve, noise[None])
    fresh = np.asarray(objective.value(rates))
    np.testing.assert_allclose(fresh, values.max(axis=-1), rtol=0.05)
    assert (np.argmax(values, axis=-1) == 3).any()
    assert (np.ptp(values[:, :3], axis=-1) > 0.01).all()


def test_a_model_must_be_told(channels):
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.01)
    with pytest.raises(jaxsec.InputError, match="`model` must be told CSI errors"):
        robust.design(KEY, models.tiny(), known, channels.noise_power)


@pytest.mark.long
def test_the_reference_climbs_on_fresh_draws(channels):
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.05)
    start = jaxsec.design(*channels, method="opt")
    found = robust_reference.ascend(
        KEY, start, known, channels.noise_power, num_steps=60, num_draws=16
    )
    np.testing.assert_allclose(secrecy.power(*found), 1.0, rtol=1e-5)
    direction = jax.random.normal(jax.random.key(9), (400, 1, 6, 8), jnp.complex64)
    before, after = (
        float(secrecy.expected_rate(s, known, channels.noise_power, direction).mean())
        for s in (start, found)
    )
    assert after > before + 0.02


@pytest.mark.long
def test_the_robust_model_is_ahead_of_opt(no_type_checks):
    """Estimates of one percent error: paired over channels, judged on fresh draws."""
    channels = cases.channels(seed=79, n=128)
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.01)
    noise = channels.noise_power
    loaded = knowledge.diagonal_loading(known, noise)
    ours = jaxsec.design(*channels, method="cdm-f", csi_error=0.01, num_samples=4)
    direction = jax.random.normal(jax.random.key(9), (100, 1, 6, 8), jnp.complex64)
    rate = {
        name: secrecy.expected_rate(strategy, known, noise, direction)
        for name, strategy in (
            ("ours", ours),
            ("opt", jaxsec.design(known.h_user, known.h_eve, noise)),
            ("loaded", jaxsec.design(*channels, method="opt-loaded", csi_error=0.01)),
        )
    }
    also_loaded = secrecy.expected_rate(jaxsec.design(*loaded), known, noise, direction)
    np.testing.assert_allclose(rate["loaded"].mean(), also_loaded.mean(), rtol=1e-3)
    for other in ("opt", "loaded"):
        ahead = rate["ours"] - rate[other]
        assert float(ahead.mean()) > 3 * float(ahead.std()) / np.sqrt(128)

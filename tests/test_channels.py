"""The channel model: statistics against their formulas, determinism, transformations, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import channels as model


def sampled(n, **scenario):
    wanted = jaxsec.Scenario(**scenario)
    return jax.jit(lambda key: jaxsec.sample_channels(key, wanted, n))(jax.random.key(0))


def test_defaults_are_the_papers():
    scenario = jaxsec.Scenario()
    assert (scenario.num_antennas, scenario.num_users, scenario.num_eavesdroppers) == (8, 2, 4)
    np.testing.assert_allclose(scenario.noise_power, 1e-12, rtol=1e-12)
    batch = sampled(n=4000)
    snr_db = 10 * jnp.log10(jnp.mean(jnp.abs(batch.h_user) ** 2) / scenario.noise_power)
    assert abs(float(snr_db) - 50.0) < 0.6


def test_geometry():
    scenario = jaxsec.Scenario(num_users=3)
    geometry = model.sample_geometry(jax.random.key(0), scenario, 2000)
    distance = jnp.linalg.norm(geometry.users, axis=-1)
    assert 50.0 <= float(distance.min()) < 50.5
    assert 79.5 < float(distance.max()) <= 80.0
    # Uniform by area: the squared distance is uniform.
    np.testing.assert_allclose(jnp.mean(distance**2), (50**2 + 80**2) / 2, rtol=0.02)
    apart = geometry.eavesdroppers[:, :, None] - geometry.users[:, None]
    nearest = jnp.linalg.norm(apart, axis=-1).min(axis=-1)
    assert float(nearest.max()) <= 5.0 + 1e-4


def test_path_loss_law():
    positions = jnp.array([[1.0, 0.0], [0.0, 10.0], [80.0, 0.0], [0.0, 0.0]])
    gain_db = 20 * jnp.log10(model.large_scale_gain(positions, jaxsec.Scenario()))
    np.testing.assert_allclose(gain_db, [-30, -52, -30 - 22 * np.log10(80), -30], rtol=1e-5)


def test_gradients_are_finite_at_the_origin_and_right_elsewhere(float64):
    scenario = jaxsec.Scenario(rician_factor=2.0)

    def gain(positions):
        return jnp.sum(model.large_scale_gain(positions, scenario))

    gradient = jax.jit(jax.grad(gain))(jnp.array([[0.0, 0.0], [0.3, 0.4], [30.0, 40.0]]))
    np.testing.assert_array_equal(gradient[:2], 0.0)  # within a metre the gain is that at one
    # d/dr of 10^(−1.5)·r^(−1.1) at r = 50, along (0.6, 0.8).
    slope = -1.1 * 10**-1.5 * 50.0**-2.1
    np.testing.assert_allclose(gradient[2], slope * np.array([0.6, 0.8]), rtol=1e-9)

    def faded(users):
        channels = model.fade(jax.random.key(0), scenario, model.Geometry(users, users + 1.0))
        return jnp.sum(channels.h_user.real)

    assert bool(jnp.isfinite(jax.jit(jax.grad(faded))(jnp.zeros((2, 2, 2)))).all())


def test_the_estimate_of_a_zero_channel_has_a_gradient():
    def power(h):
        return jnp.sum(jnp.abs(jaxsec.estimate_channels(jax.random.key(0), h, 0.3) + 1.0))

    gradient = jax.jit(jax.grad(power))(jnp.zeros((1, 2, 4), jnp.complex64))
    assert bool(jnp.isfinite(gradient).all())


@pytest.mark.parametrize("factor", [0.0, 3.0])
def test_fading_power_and_line_of_sight_share(factor):
    scenario = jaxsec.Scenario(rician_factor=factor, num_antennas=4)
    geometry = model.sample_geometry(jax.random.key(0), scenario, 20000)
    batch = jax.jit(lambda key: model.fade(key, scenario, geometry))(jax.random.key(1))
    gain = model.large_scale_gain(geometry.users, scenario)[..., None]
    unit = batch.h_user / gain
    np.testing.assert_allclose(jnp.mean(jnp.abs(unit) ** 2), 1.0, rtol=0.02)
    # E|h|⁴ = (2 + 4κ + κ²)/(1 + κ)² for a Rician amplitude of unit power.
    fourth = (2 + 4 * factor + factor**2) / (1 + factor) ** 2
    np.testing.assert_allclose(jnp.mean(jnp.abs(unit) ** 4), fourth, rtol=0.05)


@pytest.mark.slow
def test_antenna_correlation_decays_exponentially():
    batch = sampled(n=20000, antenna_correlation=0.7, num_antennas=4)
    h = batch.h_user / jnp.sqrt(jnp.mean(jnp.abs(batch.h_user) ** 2))
    covariance = jnp.einsum("nki,nkj->ij", h, h.conj()) / (20000 * 2)
    lag = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    np.testing.assert_allclose(covariance, 0.7**lag, atol=0.03)


@pytest.mark.parametrize("error", [0.0, 0.1, 1.0])
def test_estimates_have_the_wanted_error(error):
    h = sampled(n=5000).h_user
    estimate = model.estimate_channels(jax.random.key(4), h, error)
    share = jnp.sum(jnp.abs(estimate - np.sqrt(1 - error) * h) ** 2) / jnp.sum(jnp.abs(h) ** 2)
    np.testing.assert_allclose(share, error, rtol=0.05, atol=1e-9)
    gain = jnp.sqrt(jnp.mean(jnp.abs(h) ** 2, axis=-1))
    given = model.estimate_channels(jax.random.key(4), h, error, gain)
    np.testing.assert_allclose(estimate, given, rtol=1e-4)


@pytest.mark.slow
def test_same_key_same_channels_and_jit_and_vmap_agree():
    scenario = jaxsec.Scenario(rician_factor=1.0, antenna_correlation=0.5)
    eager = jaxsec.sample_channels(jax.random.key(1), scenario, 3)
    jitted = jax.jit(lambda key: jaxsec.sample_channels(key, scenario, 3))(jax.random.key(1))
    keys = jax.random.split(jax.random.key(0), 4)
    mapped = jax.jit(jax.vmap(lambda key: jaxsec.sample_channels(key, scenario, 3)))(keys)
    assert mapped.h_user.shape == (4, 3, 2, 8)
    for a, b in zip(eager, jitted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)


@pytest.mark.long
def test_keys_are_consumed_once():
    with jax.debug_key_reuse(True):
        jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(rician_factor=1.0), 2)
        jaxsec.design(*sampled(n=2), num_starts=3, key=jax.random.key(1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_antennas": 0}, "`num_antennas` must be at least 1, but is 0"),
        ({"num_users": 0}, "`num_users` must be at least 1"),
        ({"num_eavesdroppers": -1}, "`num_eavesdroppers` must be at least 0"),
        ({"min_distance_m": 0.0}, "`min_distance_m` must be positive"),
        ({"max_distance_m": 10.0}, "`max_distance_m` must be at least `min_distance_m` = 50.0"),
        ({"rician_factor": -1.0}, "`rician_factor` must not be negative"),
        ({"noise_power_dbm": float("nan")}, "`noise_power_dbm` must be finite"),
        ({"antenna_correlation": 1.0}, r"`antenna_correlation` must lie in \[0, 1\)"),
    ],
)
def test_bad_scenarios_are_named(change, message):
    with pytest.raises(jaxsec.InputError, match=message):
        jaxsec.Scenario(**change)


def test_bad_arguments_are_named():
    with pytest.raises(jaxsec.InputError, match="`n` must be at least 1, but is 0"):
        jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 0)
    with pytest.raises(jaxsec.InputError, match="`error` must lie between 0 and 1"):
        model.estimate_channels(jax.random.key(0), sampled(n=1).h_user, 1.5)

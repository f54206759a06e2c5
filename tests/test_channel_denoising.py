"""Pilots denoised: the chain, the linear estimate, the error that is stated, the network."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from benchmarks import channel_denoising as benchmark
from jaxsec.channel_denoising import denoise_channels, levels
from jaxsec.channel_denoising.pilots import file, judge, links, train
from jaxsec.channel_denoising.pilots.estimate import estimate, mean_slope
from jaxsec.channel_denoising.pilots.file import ChannelDenoiser
from jaxsec.channel_denoising.pilots.network import LinkDenoiser, oversampled_dft, to_real
from tests.cases import gaussian
from tests.policy_cases import filled

TINY = train.Config(num_antennas=4, num_links=64, width=8, num_layers=1, num_steps=6, batch_size=8)


@pytest.fixture(scope="module")
def shipped():
    return file.shipped()


@pytest.fixture(scope="module")
def observed(shipped):
    """Links of the shipped model's kind, and their pilots at 10 dB."""
    noise = jnp.full(256, 0.1)

    @jax.jit
    def drawn(key_links, key_pilots):
        h = links.sample_links(key_links, shipped.config.scenario(), 256)
        return h, links.observe(key_pilots, h, noise)

    return *drawn(jax.random.key(3), jax.random.key(4)), noise


@pytest.fixture(scope="module")
def denoised(shipped, observed):
    """By one call, by a chain of six, and by the control."""
    _, y, noise = observed
    ways = ({"num_steps": 1}, {"num_steps": 6}, {"network": "regressor"})
    return [jax.jit(lambda w=way: estimate(shipped, y, noise, **w))() for way in ways]


def test_levels_are_even_in_decibels_and_agree_with_the_schedule():
    schedule = levels.SCHEDULE
    snr_db = 10 * np.log10(schedule.alpha_bar / (1 - schedule.alpha_bar))
    np.testing.assert_allclose(np.diff(snr_db), -1 / levels.STEPS_A_DB, rtol=1e-6)
    np.testing.assert_allclose(np.cumprod(1 - schedule.beta), schedule.alpha_bar, rtol=1e-12)
    asked = np.linspace(-15, 35, 57)
    found = np.asarray(levels.entry(asked))
    assert np.abs(snr_db[found] - asked).max() <= 0.5 / levels.STEPS_A_DB + 1e-5


@pytest.mark.parametrize("num_steps", [1, 3, 50])
def test_steps_fall_from_the_channels_own_to_the_clean_sample(num_steps):
    steps = jax.jit(levels.timesteps, static_argnums=1)(40, num_steps)
    t = np.asarray(steps.t)
    assert t[0] == 40 and np.all(np.diff(t) <= 0) and np.all(t >= 0)
    np.testing.assert_allclose(np.asarray(steps.x0_weight)[-1], 1.0)
    np.testing.assert_allclose(
        np.square(steps.x0_weight) + np.square(steps.eps_weight), 1.0, rtol=1e-5
    )


@pytest.mark.parametrize("num_steps", [1, 4, 30])
def test_with_the_exact_denoiser_of_a_gaussian_the_chain_is_known_in_closed_form(num_steps):
    """x ~ N(0, λ): x0(z) = √ᾱλz/(ᾱλ + 1 − ᾱ); a fine chain scales z to the prior's variance, a
    single call to the posterior's mean."""
    lam = 3.0
    alpha_bar = jnp.asarray(levels.SCHEDULE.alpha_bar, jnp.float32)

    def denoiser(z, t):
        a = alpha_bar[t][:, None]
        return jnp.sqrt(a) * lam * z / (a * lam + 1 - a)

    z = np.linspace(-2.0, 2.0, 5, dtype=np.float32)[:, None]
    end = jax.jit(lambda *given: levels.denoise(denoiser, *given, num_steps, prediction="start"))(
        z, 60
    )
    a = float(levels.SCHEDULE.alpha_bar[60])
    mean = np.sqrt(a) * lam / (a * lam + 1 - a)
    flow = np.sqrt(lam / (a * lam + 1 - a))
    factor = float(np.asarray(end)[1, 0] / z[1, 0])
    if num_steps == 1:
        assert factor == pytest.approx(mean, rel=1e-5)
    else:
        assert mean < factor < flow * (1 + 1e-4)
        assert abs(factor - flow) < 3.0 * (flow - mean) / num_steps


def test_links_have_unit_power_and_pilots_their_noise(observed):
    h, y, noise = map(np.asarray, observed)
    assert np.mean(np.abs(h) ** 2) == pytest.approx(1.0, abs=0.15)
    assert np.mean(np.abs(y - h) ** 2) == pytest.approx(float(noise[0]), rel=0.05)


def test_the_linear_estimate_is_kays_and_states_its_own_error():
    generator = np.random.default_rng(0)
    root = gaussian(generator, (3, 3)).astype(np.complex64)
    c = root @ root.conj().T / 3
    h = (gaussian(generator, (20000, 3)) @ root.T / np.sqrt(3)).astype(np.complex64)

    @jax.jit
    def error_and_its_covariance(key, h, c):
        noise = jnp.full(20000, 0.5)
        mean, error = links.linear(links.observe(key, h, noise), noise, c)
        return error[0], links.covariance(h - mean)

    error, found = error_and_its_covariance(jax.random.key(2), h, c)
    np.testing.assert_allclose(error, found, atol=0.02)
    wiener = c @ np.linalg.inv(c + 0.5 * np.eye(3))
    np.testing.assert_allclose(error, 0.5 * wiener, atol=1e-5)


def test_the_slope_of_a_matrix_is_its_trace():
    root = gaussian(np.random.default_rng(0), (4, 4)).astype(np.complex64)
    matrix = root @ root.conj().T
    ones = np.ones(4, np.complex64)
    slope = jax.jit(lambda y: mean_slope(lambda y: jnp.asarray(matrix) @ y, y))(ones)
    assert float(slope) == pytest.approx(np.trace(matrix).real / 4, rel=1e-5)
    conjugate = jax.jit(lambda y: mean_slope(lambda y: y.conj(), y))(ones)
    assert float(conjugate) == pytest.approx(0.0, abs=1e-6)


def test_the_oversampled_dft_has_orthonormal_columns():
    q = oversampled_dft(6)
    np.testing.assert_allclose(q.conj().T @ q, np.eye(6), atol=1e-6)


def test_a_phase_of_the_link_passes_through_the_network():
    network = LinkDenoiser(8, 1)
    h = gaussian(np.random.default_rng(0), (5, 4)).astype(np.complex64)
    t = jnp.arange(5)
    of_links = lambda params, h: network.apply(params, to_real(h), t)  # noqa: E731
    params = filled(  # the last layer would begin at zero
        jax.eval_shape(lambda key: network.init(key, to_real(jnp.asarray(h)), t), jax.random.key(1))
    )
    turn = np.exp(0.7j).astype(np.complex64)
    one, other = (np.asarray(jax.jit(of_links)(params, x)) for x in (h, turn * h))
    np.testing.assert_allclose(
        other[:, 0] + 1j * other[:, 1], turn * (one[:, 0] + 1j * one[:, 1]), atol=1e-5
    )


@pytest.mark.slow
def test_the_denoiser_beats_the_linear_estimate_and_a_chain_costs_what_it_says(
    shipped, observed, denoised
):
    h, y, noise = observed
    linear, _ = jax.jit(links.linear)(y, noise, shipped.covariance)

    def nmse(x):
        return np.mean(np.abs(np.asarray(x) - np.asarray(h)) ** 2)

    once, chain, control = denoised
    assert nmse(once.h) < 0.7 * nmse(linear) < 0.7 * float(noise[0])
    assert nmse(once.h) <= nmse(control.h)
    assert nmse(once.h) < nmse(chain.h)
    for found in denoised:
        assert np.mean(found.error) == pytest.approx(nmse(found.h), rel=0.1)


@pytest.mark.slow
def test_errors_tell_good_links_from_bad_ones(observed, denoised):
    h, _, _ = observed
    error = np.mean(np.abs(np.asarray(denoised[0].h) - np.asarray(h)) ** 2, axis=-1)
    order = np.argsort(np.asarray(denoised[0].error))
    assert error[order[128:]].mean() > 1.2 * error[order[:128]].mean()


@pytest.mark.slow
def test_units_of_the_channels_change_nothing(observed):
    _, y, _ = observed
    pilots = np.asarray(y[:6]).reshape(2, 3, 16)
    user, eve = pilots[:, :1], pilots[:, 1:]
    unit = denoise_channels(user, eve, 0.1, 0.1, gain_user=1.0, gain_eve=1.0)
    scale = 2.0**-12
    scaled = denoise_channels(
        scale * user, scale * eve, 0.1 * scale**2, 0.1 * scale**2, gain_user=scale, gain_eve=scale
    )
    np.testing.assert_allclose(scaled.h_eve, scale * unit.h_eve, rtol=1e-4)
    np.testing.assert_allclose(scaled.error_user, scale**2 * unit.error_user, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise_user": 1e-6}, "`gain_user²/noise_user` must lie between -15 and 35 dB, but has 6"),
        ({"gain_eve": np.ones((3, 1))}, "`gain_eve` must have shape"),
        ({"num_steps": 0}, "`num_steps` must be at least 1, but is 0"),
        ({"h_user": np.ones((2, 1, 8), complex), "h_eve": np.ones((2, 1, 8), complex)},
         "must have the model's 16 antennas, but have 8"),
    ],
)  # fmt: skip
def test_mistakes_are_named(change, message):
    given = {"h_user": np.ones((2, 1, 16), complex), "h_eve": np.ones((2, 1, 16), complex)}
    given |= {"noise_user": 0.1, "noise_eve": 0.1, "gain_user": 1.0, "gain_eve": 1.0}
    with pytest.raises(jaxsec.InputError) as error:
        denoise_channels(**(given | change))
    assert message in str(error.value)


@pytest.mark.long
def test_a_cell_is_the_channels_of_the_library():
    scenario = TINY.scenario(num_users=2, num_eavesdroppers=3)
    cell = judge.sample_cell(jax.random.key(2), scenario, 2)
    wanted = jaxsec.sample_channels(jax.random.key(2), scenario, 2)
    np.testing.assert_allclose(cell.channels.h_eve, wanted.h_eve, rtol=1e-5)
    assert cell.gain.shape == (2, 5)


def test_a_model_comes_back_from_its_file_and_others_are_refused(tmp_path):
    params = jax.jit(lambda: train.initial_params(TINY, "denoiser"))()
    model = ChannelDenoiser(TINY, params, params, np.eye(4, dtype=np.complex64) + 0.5j)
    file.save(tmp_path / "a.npz", model, {})
    back = file.load(tmp_path / "a.npz")
    assert back.config == TINY
    np.testing.assert_array_equal(back.covariance, model.covariance)
    jax.tree.map(np.testing.assert_array_equal, back.denoiser, params)
    other = model._replace(config=dataclasses.replace(TINY, width=9))
    file.save(tmp_path / "b.npz", other, {})
    with pytest.raises(jaxsec.InputError, match="do not fit the networks"):
        file.load(tmp_path / "b.npz")


def test_the_benchmarks_claims_can_fail():
    def rows(nmse, chain, said, more):
        numbers = {"nmse": 1.0, "nmse_ci95": 0.1, "nmse_less": 0.0, "nmse_less_ci95": 0.1,
                   "said": 1.0, "rate": 5.0, "rate_ci95": 1.0, "rate_more": 0.0,
                   "rate_more_ci95": 0.5}  # fmt: skip
        changes = {
            judge.LINEAR: {},
            "denoiser, 1 call": {"nmse": nmse, "said": said * nmse, "rate_more": more},
            "denoiser, chain of 10": {"nmse": chain, "said": chain},
        }
        return [
            judge.Row(snr, way, **(numbers | change))
            for snr in benchmark.SNRS_DB
            for way, change in changes.items()
        ]

    def holds(*numbers):
        return [claim.holds for claim in benchmark.check_claims(rows(*numbers))]

    assert holds(0.7, 0.8, 1.05, 0.6) == [True] * 4
    assert holds(0.8, 0.7, 1.2, 0.4) == [False] * 4

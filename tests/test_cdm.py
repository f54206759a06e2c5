"""The generative designer: power, selection, seeds, what it refuses; and what it has learned."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import cdm, secrecy
from jaxsec.cdm import pretrained, sampler
from jaxsec.precoding import gpip
from jaxsec.precoding.batched.programs import PROGRAMS
from tests import cases, models

KEY = jax.random.key(3)


def rates(strategy, channels):
    return np.asarray(jaxsec.sum_secrecy_rate(*strategy, *channels))


@pytest.fixture(scope="module")
def channels():
    return cases.channels(n=6)


@pytest.mark.slow
def test_full_power_and_shapes_and_the_same_twice(channels):
    strategy = cdm.design(KEY, models.tiny(), *channels, num_steps=2)
    assert strategy.w.shape == (6, 8, 2)
    assert strategy.v.shape == (6, 8, 2)
    assert strategy.w.dtype == jnp.complex64
    np.testing.assert_allclose(secrecy.power(*strategy), 1.0, rtol=1e-5)
    again = cdm.design(KEY, models.tiny(), *channels, num_steps=2)
    np.testing.assert_array_equal(again.w, strategy.w)
    other = cdm.design(jax.random.key(4), models.tiny(), *channels, num_steps=2)
    assert float(jnp.abs(other.w - strategy.w).max()) > 1e-4


@pytest.mark.slow
def test_more_candidates_never_hurt_any_channel(channels):
    """The first candidates are the same, whatever their number."""
    reached = [
        rates(cdm.design(KEY, models.tiny(), *channels, num_samples=n, num_steps=2), channels)
        for n in (1, 6)
    ]
    assert np.all(np.diff(reached, axis=0) >= -1e-3)
    assert reached[1].mean() > reached[0].mean() + 0.01


@pytest.mark.slow
def test_any_batch_shape_and_a_noise_power_a_channel(channels):
    noise = jnp.asarray([1e-12, 1e-11], jnp.float32)
    square = [h.reshape(2, 3, *h.shape[1:]) for h in channels[:2]]
    strategy = cdm.design(KEY, models.tiny(), *square, noise[:, None], num_steps=2)
    assert strategy.w.shape == (2, 3, 8, 2)
    flat = cdm.design(KEY, models.tiny(), *channels[:2], jnp.repeat(noise, 3), num_steps=2)
    np.testing.assert_allclose(strategy.w.reshape(6, 8, 2), flat.w, atol=1e-4)


@pytest.mark.long
def test_how_a_batch_is_cut_changes_nothing(channels, monkeypatch):
    """One chunk or several, the last one filled up: to rounding the same designs."""
    many = jax.tree.map(lambda x: jnp.concatenate([x] * 6), channels)  # 36 channels
    whole = cdm.design(KEY, models.tiny(), *many, num_samples=2, num_steps=2)
    monkeypatch.setitem(sampler.CHUNK_ENTRIES, jax.default_backend(), 1)
    PROGRAMS.clear()
    cut = cdm.design(KEY, models.tiny(), *many, num_samples=2, num_steps=2)
    PROGRAMS.clear()
    np.testing.assert_allclose(rates(cut, many), rates(whole, many), rtol=1e-4)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"num_users": 4}, "`h_user` must hold 1 to 3 users for this diffusion model, but holds 4"),
        ({"num_eavesdroppers": 5}, "`h_eve` must hold 0 to 4 eavesdroppers .* but holds 5"),
    ],
)
def test_sizes_it_was_not_trained_on_are_refused(size, message):
    with pytest.raises(jaxsec.InputError, match=message):
        cdm.design(KEY, models.tiny(), *cases.channels(n=2, **size))


def test_antennas_matter_in_antenna_coordinates_only():
    cdm.check_size(models.tiny(), 32, 2, 2)
    with pytest.raises(jaxsec.InputError, match="`h_user` must hold 8 to 8 antennas"):
        cdm.check_size(models.tiny(coordinates="antenna"), 32, 2, 2)


def test_counts_out_of_range_are_named(channels):
    with pytest.raises(jaxsec.InputError, match="`num_samples` must be at least 1"):
        cdm.design(KEY, models.tiny(), *channels, num_samples=0)
    with pytest.raises(jaxsec.InputError, match="`num_steps` must lie between 1 and T"):
        cdm.design(KEY, models.tiny(), *channels, num_steps=0)


@pytest.mark.slow
def test_refining_never_lowers_the_rate(channels):
    strategy = cdm.design(KEY, models.tiny(), *channels, num_steps=2)
    refined = gpip.refine(strategy, *channels, num_steps=2)
    np.testing.assert_allclose(secrecy.power(*refined), 1.0, rtol=1e-5)
    before, after = rates(strategy, channels), rates(refined, channels)
    assert np.all(after >= before - 1e-3)
    assert after.mean() > before.mean() + 0.01


def test_shipped_models_are_named():
    assert pretrained.names() == (
        *("cdm-antenna", "cdm-f", "cdm-f-rayleigh", "cdm-f-unet"),
        *("cdm-mlp", "cdm-set", "cdm-unet", "setnet-robust"),
    )
    with pytest.raises(jaxsec.InputError, match=r"`name` must be one of .*cdm-set"):
        pretrained.load("cdm-g")


def test_shipped_weights_are_small():
    sizes = [path.stat().st_size for path in pretrained.FOLDER.glob("*.npz")]
    assert max(sizes) <= 10e6
    assert sum(sizes) <= 40e6


@pytest.mark.slow
def test_shipped_models_are_close_to_opt_and_fine_tuning_is_ahead(no_type_checks):
    """One sample, four calls, on channels that nothing was trained on. P1's claim, where it holds:
    at K = 2, L = 4 the fine-tuned model is as good as the optimiser."""
    channels = cases.channels(seed=78, n=64)
    opt = rates(jaxsec.design(*channels), channels).mean()
    cdm_, tuned = (
        rates(jaxsec.design(*channels, method=m), channels) for m in ("cdm", "cdm-f-rayleigh")
    )
    assert cdm_.mean() >= 0.99 * opt
    assert tuned.mean() >= 0.999 * opt
    assert tuned.mean() > cdm_.mean()


@pytest.mark.long
def test_the_model_of_streets_is_close_to_opt_where_the_others_fail(no_type_checks):
    """Clustered multipath with a strong line of sight, eavesdroppers within metres of a user."""
    scenario = jaxsec.Scenario(fading="clustered", num_clusters=3, rician_factor=10.0)
    channels = jax.jit(jaxsec.sample_channels, static_argnums=(1, 2))(KEY, scenario, 64)
    opt = rates(jaxsec.design(*channels), channels).mean()
    street = rates(jaxsec.design(*channels, method="cdm-f"), channels).mean()
    closed = rates(jaxsec.design(*channels, method="rzf-ns-aimed"), channels).mean()
    assert street > 0.98 * opt > closed


@pytest.mark.long
def test_shipped_model_serves_sizes_it_has_not_seen(no_type_checks):
    channels = cases.channels(seed=77, n=100, num_antennas=16, num_users=3, num_eavesdroppers=3)
    ours = rates(jaxsec.design(*channels, method="cdm", ddim_steps=1), channels)
    assert ours.mean() >= 0.99 * rates(jaxsec.design(*channels), channels).mean()


@pytest.mark.long
def test_shipped_unet_is_close_to_opt_at_its_size(no_type_checks):
    channels = cases.channels(seed=77, n=200)
    opt = rates(jaxsec.design(*channels), channels).mean()
    plain, tuned = (
        rates(jaxsec.design(*channels, method=method, denoiser="unet"), channels).mean()
        for method in ("cdm", "cdm-f")
    )
    assert plain >= 0.985 * opt
    assert tuned >= 0.995 * opt
    with pytest.raises(jaxsec.InputError, match="`h_user` must hold 2 to 2 users"):
        jaxsec.design(*cases.channels(n=2, num_users=3), method="cdm", denoiser="unet")


@pytest.mark.long
def test_ten_thousand_designs_are_finite(no_type_checks, full_compilation_here):
    """From −10 to 60 dB of link SNR, up to K = L = 8, more users than antennas, equal channels."""
    count = 0
    for n, m, k, l in ((40, 5, 8, 8), (1400, 8, 2, 4)):
        parts = [cases.at_snr(n, n, m, k, l, snr) for snr in (-10, 0, 10, 20, 30, 50, 60)]
        channels = jax.tree.map(lambda *x: jnp.concatenate(x), *parts)
        twin = channels.h_eve.at[::5, 0].set(channels.h_user[::5, 0])
        channels = channels._replace(h_eve=twin.at[::7, 1].set(0.0))
        strategy = jaxsec.design(*channels, method="cdm-f-rayleigh", ddim_steps=2)
        assert all(bool(jnp.isfinite(x).all()) for x in strategy)
        np.testing.assert_allclose(secrecy.power(*strategy), 1.0, rtol=1e-4)
        assert bool(jnp.isfinite(jaxsec.sum_secrecy_rate(*strategy, *channels)).all())
        count += strategy.w.shape[0]
    assert count >= 10_000

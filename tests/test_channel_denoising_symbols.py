"""Symbols denoised: the channel and its equaliser, the coder's power, the chain, the training."""

import dataclasses
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.channel_denoising import levels, pretrained
from jaxsec.channel_denoising.symbols import channel, file, judge, run, source, stages, train
from jaxsec.channel_denoising.symbols.networks import Encoder, SymbolDenoiser
from tests.cases import gaussian

TINY = train.Config(
    channels=("rayleigh",),
    snrs_db=(0.0, 15.0),
    num_symbols=3,
    width=6,
    denoiser_width=6,
    num_layers=1,
    chain_steps=2,
    num_steps=3,
    batch_size=4,
)


def test_the_equaliser_is_the_wiener_filter_and_unbiased_after_scaling():
    @jax.jit
    def sent_and_received(key):
        key_x, key_h, key_n = jax.random.split(key, 3)
        x = jax.random.normal(key_x, (200_000,), jnp.complex64)
        h = channel.gains(key_h, (1,), jnp.asarray(1.0)) * jnp.ones_like(x)
        return x, h, channel.transmit(key_n, x, h, jnp.asarray(0.3))

    x, h, got = jax.tree.map(np.asarray, sent_and_received(jax.random.key(0)))
    scaled = got.y / got.signal
    assert abs(np.mean((scaled - x) * x.conj())) < 0.02  # no part of x is missing
    power = np.abs(h[0]) ** 2
    np.testing.assert_allclose(got.noise[0], power**0.5 / (power + 0.3), rtol=1e-5)
    residual = np.mean(np.abs(got.y - got.signal * x) ** 2)
    assert residual == pytest.approx(0.3 * got.noise[0] ** 2, rel=0.02)
    error = np.mean(np.abs(got.y - x) ** 2)
    assert error == pytest.approx(0.3 / (power + 0.3), rel=0.02)  # σ²/(|h|² + σ²), the least
    for factor in (0.95, 1.05):
        assert np.mean(np.abs(factor * got.y - x) ** 2) > error


def test_without_fading_every_gain_is_one():
    h = channel.gains(jax.random.key(0), (4, 5), jnp.asarray(0.0))
    np.testing.assert_array_equal(h, np.ones((4, 5)))


def test_a_coders_blocks_have_unit_power():
    images = jnp.asarray(np.random.default_rng(0).uniform(size=(7, 64)), jnp.float32)
    x, _ = jax.jit(Encoder(5, 8).init_with_output)(jax.random.key(1), images)
    np.testing.assert_allclose(np.mean(np.abs(x) ** 2, axis=-1), 1.0, rtol=1e-5)


def test_a_fresh_denoiser_is_the_equaliser():
    noisy = gaussian(np.random.default_rng(0), (4, 5)).astype(np.complex64)
    nu = np.linspace(0.01, 3.0, 20, dtype=np.float32).reshape(4, 5)
    found, _ = jax.jit(SymbolDenoiser(8, 1).init_with_output)(jax.random.key(1), noisy, nu)
    np.testing.assert_allclose(found, noisy / (1 + nu), rtol=1e-6)


@pytest.mark.long
def test_the_chain_in_symbols_over_their_weight_is_the_papers():
    """z_t = √ᾱ·W_s·x + √(1−ᾱ)·W_n·ε by DDIM, written out, ends at W_s times what ours ends at."""
    setting = jax.tree.map(lambda x: x[0], train.settings_of(TINY))
    params = stages.fresh_denoisers(TINY, {})
    params = jax.tree.map(lambda x: x[0] + 0.05, params)
    images = jnp.zeros((2, 64))
    coder = jax.tree.map(lambda x: x[0], stages.fresh_coder(TINY, {})["coder"])
    _, noisy, nu = stages.receive(TINY, coder, jax.random.key(0), setting, images)
    ours = stages.estimates(TINY, params, setting, noisy, nu, "chain")

    variance = setting.variance
    power = variance / nu  # |h|²
    signal, noise = power / (power + variance), jnp.sqrt(power) / (power + variance)
    z = signal * noisy / jnp.sqrt(1 + variance)
    bars = np.append(levels.SCHEDULE.alpha_bar[levels.timesteps(setting.first, 2).t], 1.0)
    network = train.nets(TINY).denoiser
    for before, after in itertools.pairwise(bars):
        seen = z / signal / np.sqrt(before)
        x0 = signal * network.apply(params["denoiser"], seen, (1 - before) / before / power)
        eps = (z - np.sqrt(before) * x0) / (np.sqrt(1 - before) * noise)
        z = np.sqrt(after) * x0 + np.sqrt(1 - after) * noise * eps
    np.testing.assert_allclose(signal * ours, z, rtol=2e-3, atol=1e-4)


def test_shifts_move_ink_and_make_none():
    image = np.zeros((1, 8, 8), np.float32)
    image[0, 4, 4] = 1.0
    images = np.repeat(image.reshape(1, 64), 50, 0)
    moved = np.asarray(jax.jit(source.shifted)(jax.random.key(0), images))
    assert moved.shape == (50, 64) and moved.min() >= 0.0
    np.testing.assert_allclose(np.sum(moved, axis=1), 1.0, rtol=1e-5)
    assert len(np.unique(moved, axis=0)) == 50


def test_settings_are_all_channels_at_all_ratios_each_with_its_own_numbers():
    config = dataclasses.replace(TINY, channels=("awgn", "rayleigh"), replicas=2)
    settings = train.settings_of(config)
    assert len(config.settings) == 8 == len(np.unique(jax.random.key_data(settings.key), axis=0))
    np.testing.assert_array_equal(settings.rayleigh, [0, 0, 0, 0, 1, 1, 1, 1])
    np.testing.assert_allclose(settings.variance[:4], [1, 1, 10**-1.5, 10**-1.5], rtol=1e-6)


def test_the_shipped_coders_fit_their_configuration():
    model = file.load(pretrained.path("symbols"))
    assert len(model.config.settings) == 6
    assert pretrained.kind(pretrained.path("symbols")) == "symbols"
    with pytest.raises(jaxsec.InputError, match="not that of a denoiser of symbols"):
        file.load(pretrained.path("channels"))


def test_gains_of_psnr_have_the_delta_methods_interval():
    rng = np.random.default_rng(0)
    theirs = rng.uniform(0.5, 1.5, 4000)
    ours = 0.8 * theirs + rng.normal(0, 0.05, 4000)
    psnr, gain = judge.gain_db(ours, theirs)
    assert psnr == pytest.approx(-10 * np.log10(ours.mean()))
    assert gain.value == pytest.approx(-10 * np.log10(0.8), abs=3 * (gain.ci95 or 0.0))
    assert 0.005 < (gain.ci95 or 0.0) < 0.02


@pytest.mark.long
@pytest.mark.usefixtures("no_type_checks")
def test_a_training_killed_between_stages_ends_the_same_and_is_judged(tmp_path):
    line = "jaxsec denoise train"
    whole = run.run(tmp_path / "whole", TINY, save_every=2, command=line)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "STAGES", dict(list(stages.STAGES.items())[:1]))
        patch.setattr(file, "save", lambda *_: None)
        run.run(tmp_path / "killed", TINY, save_every=2, command=line)
    again = run.run(tmp_path / "killed", TINY, save_every=2, command=line)
    one, other = np.load(whole), np.load(again)
    for name in one.files:
        np.testing.assert_array_equal(one[name], other[name])

    model = file.load(whole)
    assert model.config == TINY
    card = json.loads(whole.with_suffix(".json").read_text())
    assert card["num_parameters"] == sum(x.size for x in jax.tree.leaves(model.params))
    rows = judge.judge(model, passes=1, seed=1)
    assert [(row.snr_db, row.way) for row in rows] == [
        (snr, way) for snr in (0.0, 15.0) for way in judge.WAYS.values()
    ]
    equalised = [row for row in rows if row.way == judge.WAYS["equaliser"]]
    assert all(row.error_less == row.psnr_more_db == 0.0 for row in equalised)
    assert equalised[0].error > equalised[1].error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"snrs_db": (50.0,)}, "`snrs_db` must lie between -15 and 35 dB, but has 50"),
        ({"channels": ("fog",)}, "`channels` must be of awgn, rayleigh, but has 'fog'"),
        ({"channels": ()}, "`channels` must name at least one"),
        ({"chain_steps": 0}, "`chain_steps` must be at least 1, but is 0"),
        ({"ema": 1.0}, "`ema` must lie in [0, 1), but is 1.0"),
    ],
)
@pytest.mark.usefixtures("no_type_checks")
def test_mistakes_are_named(change, message):
    with pytest.raises(jaxsec.InputError) as error:
        dataclasses.replace(TINY, **change)
    assert message in str(error.value)

"""Symbols denoised: the channel and its equaliser, the coder's power, the chain, the training."""

import dataclasses
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import keys
from jaxsec.channel_denoising import levels, pretrained
from jaxsec.channel_denoising.symbols import (
    channel,
    file,
    judge,
    linear_code,
    run,
    stages,
    train,
    wiener,
)
from jaxsec.channel_denoising.symbols.networks import SymbolDenoiser, to_real
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


def gaussian_images(seed, count):
    """Of 64 pixels, correlated, a fifth of them constant."""
    rng = np.random.default_rng(seed)
    scale = np.where(np.arange(64) < 50, 0.8 ** np.arange(64), 0.0)
    axes, _ = np.linalg.qr(np.random.default_rng(9).normal(size=(64, 64)))
    return (0.5 + rng.normal(size=(count, 64)) * scale @ axes).astype(np.float32)


@pytest.mark.parametrize(("num_symbols", "snr_db"), [(4, 10.0), (24, 0.0), (40, 20.0)])
def test_the_linear_code_has_its_power_and_its_error_and_no_allotment_is_better(
    num_symbols, snr_db
):
    variance = 10 ** (-snr_db / 10)
    images = gaussian_images(0, 20_000)
    code = jax.jit(linear_code.best, static_argnums=2)(
        jax.random.key(0), images, num_symbols, jnp.asarray(variance)
    )
    code = jax.tree.map(np.asarray, code)
    x = images @ code.encode + code.encode_bias
    assert 2 * np.mean(x**2) == pytest.approx(1.0, rel=2e-3)
    rng = np.random.default_rng(1)
    seen = (x + rng.normal(0, np.sqrt(variance / 2), x.shape)) / (1 + variance)
    error = np.mean((seen @ code.decode + code.decode_bias - images) ** 2)
    assert error == pytest.approx(code.error, rel=0.01)

    spread = np.linalg.eigvalsh(np.cov(images.T))[::-1][: 2 * num_symbols]
    spread, noise = np.maximum(spread, 0.0), variance / 2
    power = np.asarray(
        linear_code.allot(jnp.asarray(spread), jnp.asarray(noise), jnp.asarray(1.0 * num_symbols))
    )
    assert power.sum() == pytest.approx(num_symbols, rel=1e-4) and power.min() >= 0.0
    least = np.sum(spread / (1 + power / noise))
    for _ in range(50):
        other = np.abs(power + 0.05 * rng.normal(size=power.shape) * power.max())
        other *= num_symbols / other.sum()
        assert np.sum(spread / (1 + other / noise)) >= least * (1 - 1e-5)


def test_linear_mmse_of_a_block_is_the_bayes_estimate_of_gaussian_images():
    """Symbols are linear in them, so that nothing else is nearer; float64 NumPy agrees."""
    rng = np.random.default_rng(0)
    images = gaussian_images(0, 20_000)
    maps = rng.normal(size=(64, 20)) / 4
    sent = images @ maps
    x = (sent[:, :10] + 1j * sent[:, 10:]).astype(np.complex64)
    of = jax.tree.map(np.asarray, jax.jit(wiener.moments)(images, x))
    nu = np.exp(rng.normal(-2.0, 1.5, size=(64, 10))).astype(np.float32)
    noisy = x[:64] + np.sqrt(nu) * gaussian(rng, (64, 10)).astype(np.complex64)
    found, shown = jax.jit(wiener.estimate)(of, noisy, nu)

    cov, real = np.cov(images.T, bias=True), np.concatenate([noisy.real, noisy.imag], 1)
    mean = images.mean(0, dtype=np.float64)
    for i in range(64):
        noise = np.diag(np.concatenate([nu[i], nu[i]]) / 2)
        solved = np.linalg.solve(maps.T @ cov @ maps + noise, real[i] - mean @ maps)
        np.testing.assert_allclose(shown[i], mean + cov @ maps @ solved, atol=2e-3)
        np.testing.assert_allclose(to_real(found)[i], np.asarray(shown[i]) @ maps, atol=2e-3)
    errors = np.abs(np.asarray(found) - x[:64]) ** 2
    alone = np.abs(noisy / (1 + nu) - x[:64]) ** 2
    assert np.mean(errors) < 0.5 * np.mean(alone)


@pytest.mark.slow
def test_a_coder_begins_as_the_linear_code_and_ends_with_unit_power():
    images = jnp.asarray(gaussian_images(0, 500))
    params = jax.jit(lambda: stages.fresh_coder(TINY, {}, images))()
    network = train.nets(TINY)
    for i in range(2):
        coder, setting = jax.tree.map(
            lambda x, i=i: x[i], (params["coder"], train.settings_of(TINY))
        )
        key = keys.stream(setting.key, "code")
        code = linear_code.best(key, images, TINY.num_symbols, setting.variance)
        sent = np.asarray(images) @ np.asarray(code.encode) + np.asarray(code.encode_bias)
        x = jnp.asarray(network.encoder.apply(coder["encoder"], images))
        np.testing.assert_allclose(to_real(x), sent, rtol=1e-4, atol=1e-4)
    loud = jax.tree.map(lambda x: 3.0 * x, params)
    scaled = jax.jit(lambda p: stages.finished_coder(TINY, p, images))(loud)["coder"]
    for i in range(2):
        coder = jax.tree.map(lambda x, i=i: x[i], scaled)
        x = np.asarray(network.encoder.apply(coder["encoder"], images))
        assert np.mean(np.abs(x) ** 2) == pytest.approx(1.0, rel=1e-5)


def test_a_fresh_denoiser_is_the_equaliser():
    noisy = gaussian(np.random.default_rng(0), (4, 5)).astype(np.complex64)
    nu = np.linspace(0.01, 3.0, 20, dtype=np.float32).reshape(4, 5)
    found, _ = jax.jit(SymbolDenoiser(8, 1).init_with_output)(jax.random.key(1), noisy, nu)
    np.testing.assert_allclose(found, noisy / (1 + nu), rtol=1e-6)


@pytest.mark.long
def test_the_chain_in_symbols_over_their_weight_is_the_papers():
    """z_t = √ᾱ·W_s·x + √(1−ᾱ)·W_n·ε by DDIM, written out, ends at W_s times what ours ends at."""
    setting = jax.tree.map(lambda x: x[0], train.settings_of(TINY))
    images = jnp.asarray(gaussian_images(0, 2))
    params = stages.fresh_denoisers(TINY, {}, images)
    params = jax.tree.map(lambda x: x[0] + 0.05, params)
    coder = jax.tree.map(lambda x: x[0], stages.fresh_coder(TINY, {}, images)["coder"])
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
    bound = judge.best_linear(TINY)
    assert list(bound) == [0.0, 15.0] and 0.0 < bound[0.0] < bound[15.0] < 100.0
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

"""Noise of each receiver: rows over their own amplitude, whichever way it is said."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import files, secrecy
from jaxsec.channels import Channels, receiver_noise
from jaxsec.channels.covariance import statistical
from jaxsec.channels.knowledge import Posterior
from jaxsec.channels.normalise import errors_over_noise, normalise
from jaxsec.cli import design
from jaxsec.cli.__main__ import main
from jaxsec.files.archive import write_arrays
from jaxsec.report import judge
from tests import cases, reference
from tests.file_cases import error_of, make_channels

H, G = np.array([[1.0, 0.0]], complex), np.array([[0.6, 0.8]], complex)
N, K, L = 3, 2, 4
NOISE = np.random.default_rng(0).uniform(1e-3, 1e-1, (N, K + L))


@pytest.fixture(scope="module")
def channels():
    return make_channels(N, K, L, 5, NOISE)


@pytest.fixture(scope="module")
def divided(channels):
    """The exact way out, by hand."""
    h_user, h_eve = (
        (h / np.sqrt(noise)[..., None]).astype(np.complex64)
        for h, noise in zip(channels[:2], (NOISE[:, :K], NOISE[:, K:]), strict=True)
    )
    return Channels(h_user, h_eve, np.ones(N, np.float32))


every_value = pytest.mark.parametrize(("noise_eve", "wanted"), [(0.4, 3.0596), (0.1, 2.9426)])


@every_value
def test_one_user_and_one_eavesdropper(noise_eve, wanted):
    channels = receiver_noise(H, G, 0.1, noise_eve)
    strategy = jaxsec.design(channels)
    np.testing.assert_allclose(jaxsec.sum_secrecy_rate(strategy, channels), wanted, atol=1e-4)
    apart = jaxsec.design(H, G, noise_user=0.1, noise_eve=np.array([noise_eve]))
    np.testing.assert_array_equal(apart.w, strategy.w)


RATES = (
    secrecy.secrecy_rates,
    secrecy.user_rates,
    secrecy.wiretap_rates,
    secrecy.colluding_wiretap_rates,
    secrecy.smooth_secrecy_rates,
    secrecy.worst_user_secrecy_rate,
)


@pytest.mark.parametrize("rate", RATES)
def test_rates_are_those_of_rows_over_their_noise(rate, channels, divided):
    strategy = cases.random_strategy(1, N, 5, K, 2)
    wanted = rate(strategy, divided)
    np.testing.assert_allclose(rate(strategy, channels), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(jax.jit(rate)(strategy, channels), wanted, rtol=1e-4, atol=1e-5)


def test_the_judge_agrees_with_loops_over_receivers(channels):
    w, v = (np.asarray(x) for x in cases.random_strategy(2, N, 5, K, 1))
    got = judge.secrecy_rates(jaxsec.Strategy(w, v), channels)
    for n in range(N):
        for k in range(K):
            user = reference.user_rate(w[n], v[n], channels.h_user[n], NOISE[n, k], k)
            wiretap = [
                reference.wiretap_rate(w[n], v[n], channels.h_eve[n], NOISE[n, K + l], l, k)
                for l in range(L)
            ]
            np.testing.assert_allclose(got[n, k], max(user - max(wiretap), 0.0), atol=1e-9)


def test_noise_for_each_receiver_may_be_the_same():
    """(N, K + L) of one value is one number; a batch of K + L channels is told from it by rank."""
    same = make_channels(K + L, K, L, 5, 0.25)
    each = same._replace(noise_power=np.full((K + L, K + L), 0.25))
    one_each = same._replace(noise_power=np.full(K + L, 0.25))
    for other in (each, one_each):
        for got, wanted in zip(normalise(other), normalise(same), strict=True):
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.slow
def test_a_design_is_that_of_rows_over_their_noise(channels, divided):
    wanted = jaxsec.design(divided, method="rzf-ns")
    for got in (
        jaxsec.design(channels, method="rzf-ns"),
        jax.jit(lambda c: jaxsec.design(c, method="rzf-ns"))(channels),
        jaxsec.design(*channels[:2], noise_user=NOISE[:, :K], noise_eve=NOISE[:, K:],
                      method="rzf-ns"),
    ):  # fmt: skip
        np.testing.assert_allclose(got.w, wanted.w, atol=1e-4)


@pytest.mark.slow
def test_errors_are_over_the_noise_of_their_receivers(channels, divided):
    errors = np.full((N, K), 1e-3), np.full((N, L), 1e-2)
    over = errors[0] / NOISE[:, :K], errors[1] / NOISE[:, K:]
    known = Posterior(*channels[:2], *errors)
    got = jaxsec.design(known, noise_power=NOISE, method="opt-loaded", num_steps=2)
    known = Posterior(*divided[:2], *over)
    wanted = jaxsec.design(known, noise_power=1.0, method="opt-loaded", num_steps=2)
    np.testing.assert_allclose(got.w, wanted.w, atol=1e-3)


def test_the_command_tells_methods_of_errors_over_their_noise(channels):
    known = Posterior(*channels[:2], np.full((N, K), 1e-3), np.full((N, L), 1e-2))
    told: Any = design._told(known, normalise(channels), NOISE, secrecy.MEAN)
    np.testing.assert_allclose(told.known.error_user, 1e-3 / NOISE[:, :K], rtol=1e-6)
    np.testing.assert_allclose(told.known.error_eve, 1e-2 / NOISE[:, K:], rtol=1e-6)


def test_errors_of_jax_are_over_noise_that_float32_does_not_hold(channels):
    errors = jnp.full((N, K), 1e-37), jnp.full((N, L), 2e-37)
    over = errors_over_noise(Posterior(*channels[:2], *errors), 1e-40)
    np.testing.assert_allclose(over.error_user, 1e3, rtol=1e-6)
    np.testing.assert_allclose(over.error_eve, 2e3, rtol=1e-6)


def test_covariances_are_over_the_noise_of_their_receivers(channels):
    root = np.random.default_rng(1).normal(size=(N, L, 5, 2)) + 0j
    full = root @ root.swapaxes(-1, -2).conj()
    known = statistical(*channels[:2], covariance_eve=full)
    over = errors_over_noise(jax.tree.map(np.asarray, known), NOISE)
    assert over.root_user is None or not np.any(over.root_user)
    got = over.root_eve @ over.root_eve.swapaxes(-1, -2).conj()
    np.testing.assert_allclose(got, full / NOISE[:, K:, None, None], rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("ending", [".npz", ".mat"])
def test_files_hold_it_either_way(tmp_path, channels, ending):
    together, apart = tmp_path / f"together{ending}", tmp_path / f"apart{ending}"
    files.save_channels(together, channels)
    links = {"h_user": channels.h_user, "h_eve": channels.h_eve}
    write_arrays(apart, {**links, "noise_user": NOISE[:, :K], "noise_eve": NOISE[:, K:]})
    for path in (together, apart):
        np.testing.assert_array_equal(files.load_channels(path).noise_power, NOISE)
        np.testing.assert_array_equal(files.load_known(path)[1], NOISE)
    write_arrays(apart, {**links, "noise_user": np.array([0.1, 0.2]), "noise_eve": np.array(0.4)})
    read = files.load_channels(apart).noise_power
    np.testing.assert_array_equal(read, np.tile([0.1, 0.2, 0.4, 0.4, 0.4, 0.4], (N, 1)))


def test_no_eavesdroppers_have_no_noise(tmp_path):
    alone = {"h_user": make_channels(N, K, 1, 5).h_user, "h_eve": np.zeros((0, 0))}
    path = tmp_path / "c.mat"
    write_arrays(path, {**alone, "noise_user": NOISE[:, :K], "noise_eve": np.zeros((0, 0))})
    np.testing.assert_array_equal(files.load_channels(path).noise_power, NOISE[:, :K])


@every_value
def test_the_command_designs_for_it(tmp_path, noise_eve, wanted):
    path, out = tmp_path / "c.npz", tmp_path / "s.npz"
    fields = {"h_user": H[None], "h_eve": G[None]}
    write_arrays(path, {**fields, "noise_user": np.array(0.1), "noise_eve": np.array(noise_eve)})
    assert main(["design", str(path), "--out", str(out)]) == 0
    np.testing.assert_allclose(files.load_strategy(out).sum_secrecy_rate, wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ({"noise_power": np.ones((N, K))}, "the noise of the users alone is `noise_user`"),
        ({"noise_power": np.ones(K)}, "the noise of the users alone is `noise_user`"),
        ({"noise_power": np.ones((K + L, N))}, "or (3, 6), one for each receiver"),
        ({"noise_power": -NOISE}, "`noise_power` must be positive"),
        ({"noise_user": NOISE[:, :K]}, "`noise_user` is alone"),
        ({"noise_user": NOISE, "noise_eve": np.array(1.0)}, "`noise_user` must have shape (3, 2)"),
        ({"noise_user": np.array(1j), "noise_eve": np.array(1.0)}, "`noise_user` must be real"),
        (
            {"noise_power": NOISE, "noise_user": NOISE[:, :K], "noise_eve": NOISE[:, K:]},
            "`noise_power` must be left out",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(tmp_path, channels, noise, message):
    path = tmp_path / "c.npz"
    write_arrays(path, {"h_user": channels.h_user, "h_eve": channels.h_eve, **noise})
    assert message in error_of(files.load_channels, path)


def test_a_design_refuses_what_does_not_fit(channels):
    links = channels[:2]
    for options, message in (
        ({"noise_user": 1.0}, "must be given together"),
        ({"noise_user": 1.0, "noise_eve": 1.0, "noise_power": 1.0}, "`noise_power` must be left"),
        ({"noise_power": np.ones((N, K))}, "`noise_user`, with `noise_eve` beside it"),
        ({}, "`noise_power` is missing"),
        ({"noise_user": jnp.ones(3), "noise_eve": 1.0}, "`noise_user` must have shape (3, 2)"),
    ):
        assert message in error_of(lambda o=options: jaxsec.design(*links, **o))

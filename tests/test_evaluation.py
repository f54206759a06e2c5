"""Given beams on given channels: rates, outage and power against loops and closed forms."""

import json

import jax
import numpy as np
import pytest

import jaxsec
from jaxsec import files
from jaxsec.channels import Channels, estimate_channels
from jaxsec.cli.__main__ import main
from jaxsec.files.archive import write_arrays
from jaxsec.precoding import linear
from tests import cases, reference
from tests.file_cases import complex_normal, error_of, make_channels
from tests.test_cli import PNG, names_in, refused

N, K, L, M = 4, 2, 3, 5


@pytest.fixture
def strategy():
    w, v = (np.asarray(x, np.complex64) for x in cases.random_strategy(0, N, M, K, 2))
    return jaxsec.Strategy(w, v)


@pytest.fixture
def channels():
    return make_channels(N, K, L, M, 0.01)


def test_rates_are_those_of_loops(strategy, channels):
    found = jaxsec.evaluate(strategy, channels)
    for n in range(N):
        one = [np.asarray(x[n], complex) for x in (*strategy, *channels[:2])]
        w, v, h_user, h_eve = one
        np.testing.assert_allclose(
            found.secrecy_rate[n], reference.secrecy_rates(*one, 0.01), atol=1e-9
        )
        for k in range(K):
            user = reference.user_rate(w, v, h_user, 0.01, k)
            together = reference.colluding_rate(w, v, h_eve, 0.01, k)
            np.testing.assert_allclose(found.user_rate[n, k], user)
            np.testing.assert_allclose(
                found.colluding_secrecy_rate[n, k], max(user - together, 0), atol=1e-9
            )
    np.testing.assert_allclose(found.sum_secrecy_rate, found.secrecy_rate.sum(axis=1))
    np.testing.assert_allclose(found.worst_user_secrecy_rate, found.secrecy_rate.min(axis=1))
    assert (found.colluding_sum_secrecy_rate <= found.sum_secrecy_rate + 1e-12).all()
    np.testing.assert_allclose(found.power, 1.0, rtol=1e-6)


def test_the_outage_rate_is_what_the_share_asked_for_falls_below(strategy):
    channels = make_channels(100, K, 0, M, 0.01)
    one = jaxsec.Strategy(strategy.w[0], strategy.v[0])
    for share in (0.0, 0.05, 0.5):
        found = jaxsec.evaluate(one, channels, outage_probability=share)
        below = np.mean(found.sum_secrecy_rate < found.outage_secrecy_rate)
        assert below == pytest.approx(share)


def test_neither_power_nor_scale_is_put_right(strategy, channels):
    loud = jaxsec.Strategy(2 * strategy.w, 2 * strategy.v)
    found = jaxsec.evaluate(loud, channels)
    np.testing.assert_allclose(found.power, 4.0, rtol=1e-6)
    quiet = jaxsec.evaluate(strategy, channels._replace(noise_power=np.asarray(0.0025)))
    np.testing.assert_allclose(found.secrecy_rate, quiet.secrecy_rate)


@pytest.fixture(scope="module")
def sharing():
    """RZF-NS for h = (1, 1, 1, 1), noise 0.01, by the share of the signal."""
    h = np.ones((1, 4), np.complex64)

    @jax.jit
    def designed():
        shares = (1.0, 0.8, 0.5, 0.3)
        return {share: linear.rzf_ns(h, h[:0], 0.01, signal_fraction=share) for share in shares}

    return designed()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "user", "ergodic"),
    [(1.0, 8.647, 2.765), (0.8, 8.326, 6.253), (0.5, 7.651, 6.650), (0.3, 6.919, 6.352)],
)
def test_null_space_noise_against_a_fading_eavesdropper(share, user, ergodic, sharing):
    """One strategy, 20,000 draws of the eavesdropper."""
    h = np.ones((1, 4), np.complex64)
    found = sharing[share]
    w, v = (np.asarray(x) for x in found)
    np.testing.assert_allclose(np.sum(np.abs(w) ** 2), share, atol=1e-6)
    np.testing.assert_allclose(h.conj() @ v, 0.0, atol=1e-6)
    if share < 1.0:
        assert np.linalg.matrix_rank(v) == 3
    n = 20_000
    g = cases.gaussian(np.random.default_rng(0), (n, 1, 4))
    fading = Channels(np.broadcast_to(h, (n, 1, 4)), g, np.asarray(0.01))
    got = jaxsec.evaluate(found, fading)
    np.testing.assert_allclose(got.user_rate, user, atol=1e-3)
    np.testing.assert_allclose(got.sum_secrecy_rate.mean(), ergodic, atol=0.03)


@pytest.mark.slow
def test_the_truth_is_below_what_was_claimed_on_estimates(tmp_path, capsys):
    paths = [tmp_path / name for name in ("estimate.npz", "truth.npz", "s.npz", "r.json", "f.png")]
    estimate, truth, out, report, picture = paths
    true = cases.channels(n=10, num_antennas=64)
    guess = [estimate_channels(jax.random.key(i), true[i], 0.05) for i in range(2)]
    files.save_channels(truth, true)
    files.save_channels(estimate, Channels(*guess, true.noise_power))
    assert main(["design", str(estimate), "--out", str(out), "--method", "rzf-ns"]) == 0
    argv = ["evaluate", str(out), str(truth), "--json", str(report), "--figure", str(picture)]
    assert main(argv) == 0
    numbers = json.loads(report.read_text())
    assert numbers["sum_secrecy_rate"]["mean"] < 0.9 * numbers["claimed_sum_secrecy_rate"]
    assert len(numbers["antenna_power"]["mean"]) == 64 and len(numbers["users"]) == 2
    assert picture.read_bytes().startswith(PNG)
    assert "the file says" in capsys.readouterr().out
    kept = jaxsec.evaluate(files.load_beams(out), files.load_channels(truth))
    assert numbers["outage_secrecy_rate"] == kept.outage_secrecy_rate
    strategy = jaxsec.design(files.load_channels(estimate), method="rzf-ns")
    claimed, reached = (jaxsec.evaluate(strategy, Channels(*x)) for x in ((*guess, true[2]), true))
    assert reached.sum_secrecy_rate.mean() < 0.9 * claimed.sum_secrecy_rate.mean()


def test_a_claim_on_the_channels_designed_for_holds(tmp_path):
    channels, out, report = (tmp_path / name for name in ("c.npz", "s.npz", "r.json"))
    files.save_channels(channels, cases.channels(n=4))
    assert main(["design", str(channels), "--out", str(out), "--method", "rzf-ns"]) == 0
    assert main(["evaluate", str(out), str(channels), "--json", str(report)]) == 0
    numbers = json.loads(report.read_text())
    assert numbers["sum_secrecy_rate"]["mean"] == pytest.approx(
        numbers["claimed_sum_secrecy_rate"], rel=1e-5
    )


@pytest.mark.parametrize("ending", [".npz", ".mat"])
def test_beams_of_others_without_noise_serve_all_channels(tmp_path, capsys, ending):
    beams, channels = tmp_path / f"b{ending}", tmp_path / "c.npz"
    write_arrays(beams, {"w": np.full((1, M, 1), 2.0 + 0j)})
    files.save_channels(channels, make_channels(N, 1, L, M, 0.01))
    assert main(["evaluate", str(beams), str(channels)]) == 0
    text = capsys.readouterr().out
    assert "J = 0 noise beams, one for all channels" in text and "MORE THAN THE BUDGET" in text


def test_matlab_drops_the_axis_of_a_single_beam(tmp_path):
    w = complex_normal(np.random.default_rng(0), (N, M))
    write_arrays(tmp_path / "b.mat", {"w": w, "v": np.zeros((0, 0))})
    read = files.load_beams(tmp_path / "b.mat")
    np.testing.assert_array_equal(read.w, w[..., None])
    assert read.v.shape == (N, M, 0)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            {"w": np.ones((3, M, K), complex), "v": np.ones((3, M, 1), complex)},
            "`w` must have shape (4, 5, 2)",
        ),
        ({"w": np.ones((N, M, 3), complex)}, "`w` must have M = 5 rows and K = 2 columns"),
        ({"w": np.ones((N, M, K))}, "`w` must be complex64 or complex128"),
        ({"w": np.full((N, M, K), np.nan + 0j)}, "`w` must be finite"),
        ({"v": np.ones((N, 4, 1), complex)}, "`w` and `v` must agree"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, capsys, strategy, channels, change, wanted):
    np.savez(tmp_path / "s.npz", **strategy._asdict() | change)
    files.save_channels(tmp_path / "c.npz", channels)
    paths = [tmp_path / name for name in ("s.npz", "c.npz", "r.json")]
    message = refused(capsys, "evaluate", *paths[:2], "--json", paths[2])
    assert wanted in message and "s.npz" in message
    assert names_in(tmp_path) == ["c.npz", "s.npz"]


def test_options_are_checked(tmp_path, capsys, strategy, channels):
    rate = np.ones((N, K))
    files.save_strategy(tmp_path / "s.npz", strategy, rate, rate.sum(axis=1))
    files.save_channels(tmp_path / "c.npz", channels)
    paths = [tmp_path / "s.npz", tmp_path / "c.npz"]
    for options, wanted in (
        (["--outage-probability", "1"], "`--outage-probability` must lie in [0, 1)"),
        (["--figure", tmp_path / "f.bmp"], "must end in .png"),
        (["--json", paths[0]], "already an input"),
    ):
        assert wanted in refused(capsys, "evaluate", *paths, *options)
    assert "`w` must be complex" in error_of(
        jaxsec.evaluate, jaxsec.Strategy(strategy.w.real, strategy.v), channels
    )


def test_an_eavesdropper_at_the_user_leaves_exactly_nothing():
    h = complex_normal(np.random.default_rng(0), (N, 1, M))
    w = h.swapaxes(1, 2) / np.linalg.norm(h, axis=2)[..., None]
    found = jaxsec.evaluate(jaxsec.Strategy(w, w[..., :0]), Channels(h, h, np.asarray(0.01)))
    assert (found.sum_secrecy_rate == 0.0).all() and (found.user_rate > 1.0).all()


def test_eavesdroppers_beyond_the_precision_of_squares_are_judged_together(strategy):
    """At 200 dB the covariance of what they hear is singular in float64; two of them are one."""
    channels = make_channels(N, K, 1, M, 1e-20, np.complex128)
    both = channels._replace(h_eve=np.concatenate([channels.h_eve] * 2, axis=1))
    quiet = both._replace(noise_power=np.array(2e-20), h_eve=both.h_eve[:, :1] * 2)
    one, two = jaxsec.evaluate(strategy, quiet), jaxsec.evaluate(strategy, both)
    leaks = [x.user_rate - x.colluding_secrecy_rate for x in (one, two)]
    np.testing.assert_allclose(leaks[0], leaks[1], atol=1e-6)


def test_what_no_precision_holds_is_said(strategy, channels):
    loud = channels._replace(h_user=channels.h_user.astype(complex) * 1e200)
    assert "beyond double precision" in error_of(jaxsec.evaluate, strategy, loud)

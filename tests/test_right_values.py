"""Values that are known in closed form, by command line and by Python."""

import json

import numpy as np
import pytest

import jaxsec
from jaxsec import files
from jaxsec.channels import Channels
from jaxsec.cli.__main__ import main
from tests import cases

METHODS = ("opt", "rzf-ns", "rzf", "mrt", "zf")


def both_ways(folder, channels, method):
    """The design's sum secrecy rates as the command's file has them, and its strategy by Python."""
    source, out = folder / "c.npz", folder / "s.npz"
    files.save_channels(source, channels)
    assert main(["design", str(source), "--out", str(out), "--method", method]) == 0
    strategy = jaxsec.design(channels, method=method)
    rate = jaxsec.evaluate(strategy, channels).sum_secrecy_rate
    return files.load_strategy(out).sum_secrecy_rate, rate, strategy


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_blank_user_takes_nothing_from_the_other(tmp_path, method):
    h = np.zeros((1, 2, 4), np.complex64)
    h[:, 0] = 1.0
    command, python, strategy = both_ways(tmp_path, Channels(h, h[:, :0], np.asarray(0.01)), method)
    np.testing.assert_allclose([command, python], 8.6475, atol=1e-3)
    np.testing.assert_allclose(np.sum(np.abs(strategy.w[..., 0]) ** 2), 1.0, atol=1e-4)


@pytest.mark.slow
def test_an_eavesdropper_equal_to_the_user_leaves_nothing(tmp_path):
    h = np.array([[[1.0, 1.0j]]], np.complex64)
    command, python, _ = both_ways(tmp_path, Channels(h, h, np.asarray(0.01)), "opt")
    assert command[0] == 0.0 and python[0] == 0.0


@pytest.mark.slow
def test_half_the_power_for_noise_against_a_fading_eavesdropper(tmp_path):
    """M = 4, h = (1, 1, 1, 1), noise 0.01: 7.651 without an eavesdropper; 6.650 in the mean
    against one that fades as CN(0, I)."""
    h = np.ones((1, 1, 4), np.complex64)
    paths = [tmp_path / name for name in ("c.npz", "s.npz", "fading.npz", "r.json")]
    channels, strategy, fading, report = map(str, paths)
    files.save_channels(channels, Channels(h, h[:, :0], np.asarray(0.01)))
    options = ["--method", "rzf-ns", "--signal-fraction", "0.5"]
    assert main(["design", channels, "--out", strategy, *options]) == 0
    stored = files.load_strategy(strategy)
    np.testing.assert_allclose(stored.sum_secrecy_rate, 7.651, atol=1e-3)
    np.testing.assert_allclose(h[0].conj() @ stored.strategy.v[0], 0.0, atol=1e-6)
    assert np.linalg.matrix_rank(stored.strategy.v[0]) == 3
    many = np.repeat(h, 20_000, axis=0)
    eve = cases.gaussian(np.random.default_rng(0), many.shape)
    files.save_channels(fading, Channels(many, eve, np.asarray(0.01)))
    assert main(["evaluate", strategy, fading, "--json", report]) == 0
    numbers = json.loads(paths[3].read_text())
    assert numbers["sum_secrecy_rate"]["mean"] == pytest.approx(6.650, abs=0.03)

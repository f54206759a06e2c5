"""Values that are known in closed form, by command line and by Python."""

import numpy as np
import pytest

import jaxsec
from jaxsec import files
from jaxsec.channels import Channels
from jaxsec.cli.__main__ import main

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

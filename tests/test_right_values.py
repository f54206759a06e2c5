"""Values that are known in closed form, by command line and by Python."""

import json

import numpy as np
import pytest

import jaxsec
from jaxsec import files, secrecy
from jaxsec.channels import Channels
from jaxsec.cli.__main__ import main
from jaxsec.report import judge
from tests import cases

LONG = [pytest.param(name, marks=pytest.mark.long) for name in ("cdm-f-rayleigh", "cdm-f")]
METHODS = ("opt", "rzf-ns", "rzf", "mrt", "zf", *LONG)


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
@pytest.mark.parametrize("method", ["opt", *LONG])
def test_an_eavesdropper_equal_to_the_user_leaves_nothing(tmp_path, method):
    h = np.array([[[1.0, 1.0j]]], np.complex64)
    command, python, _ = both_ways(tmp_path, Channels(h, h, np.asarray(0.01)), method)
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


EFFICIENCY = secrecy.EnergyEfficiency(10.0, 1.0)
WATTS = ["--transmit-power-dbm", "40", "--circuit-power-dbm", "30"]
AIMS = {
    # One antenna, |h|² = 1, noise and circuit 1 W, budget 10 W: best at P = e − 1.
    "energy-efficiency": ([[1.0]], [], 0.1, EFFICIENCY, "total", WATTS, 0.5307),
    # Each antenna at most 1/2: log2(1 + (1 + 3)²/2).
    "sum": ([[1.0, 3.0]], [], 1.0, secrecy.Sum(), "per-antenna", [], 3.1699),
    # log2 of the largest generalised eigenvalue of (I + hhᴴ/n, I + GᴴG/n), here of 2×2 matrices.
    "colluding": (
        [[1.0, 1.0]],
        [[1.0, 0.0], [0.5, 0.0]],
        0.1,
        secrecy.Sum(colluding=True),
        "total",
        [],
        None,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", AIMS)
@pytest.mark.parametrize(
    "options",
    [
        {"num_noise_beams": 0},
        pytest.param({"method": "cdm-f", "refine": 16}, marks=pytest.mark.long),
    ],
    ids=("opt", "cdm-f"),
)
def test_objectives_and_powers_with_a_closed_form(tmp_path, name, options):
    h, g, noise, objective, power, numbers, wanted = AIMS[name]
    user = np.asarray(h, np.complex64)[None]
    eve = np.reshape(np.asarray(g, np.complex64), (1, -1, user.shape[-1]))
    channels = Channels(user, eve, np.asarray(noise))
    if wanted is None:
        ours, theirs = (np.eye(2) + x[0].T @ x[0].conj() / noise for x in (user, eve))
        wanted = np.log2(np.linalg.eigvals(np.linalg.solve(theirs, ours)).real.max())
    source, out = tmp_path / "c.npz", tmp_path / "s.npz"
    files.save_channels(source, channels)
    argv = ["design", str(source), "--out", str(out), "--objective", name, "--power", power]
    for option, value in options.items():
        argv += [f"--{option.replace('_', '-')}", str(value)]
    assert main([*argv, *numbers]) == 0
    strategy = jaxsec.design(channels, objective=objective, power=power, **options)
    for found in (strategy, files.load_strategy(out).strategy):
        value = judge.objective_value(found, channels, objective)
        np.testing.assert_allclose(value, wanted, rtol=1e-3)

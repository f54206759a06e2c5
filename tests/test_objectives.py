"""Objectives and power constraints: every row of both tables, and values known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import files, secrecy
from jaxsec.channels import Channels
from jaxsec.cli.__main__ import main
from jaxsec.precoding import ascent
from jaxsec.precoding.first_order.design import default_noise_beams
from jaxsec.secrecy import (
    AntennaPower,
    EnergyEfficiency,
    LeastPower,
    Sum,
    TotalPower,
    WorstUser,
    objective_value,
    smooth_objective_value,
)
from tests import cases

NUMBERS = {
    "weighted-sum": {"user_weights": [1.0, 3.0]},
    "energy-efficiency": {"transmit_power_w": 10.0, "circuit_power_w": 1.0},
    "least-power": {"rates": 0.1},
}
OBJECTIVES = {
    name: secrecy.make_objective(name, **NUMBERS.get(name, {})) for name in secrecy.OBJECTIVES
}
LIMITS = AntennaPower([0.5, 0.4, 0.3])
POWERS = {name: row() for name, row in secrecy.POWERS.items()} | {"limits": LIMITS}


@pytest.fixture(scope="module")
def channels():
    drawn = cases.at_snr(1, 2, 3, 2, 1, 10.0)
    return drawn._replace(h_eve=0.2 * drawn.h_eve)


@pytest.fixture(scope="module")
def start(channels):
    return jaxsec.design(channels, method="rzf-ns", num_noise_beams=1)


def strategy_of(beams):
    return jaxsec.Strategy(*beams)


@jax.jit
def value_of(strategy, channels, objective):
    return objective_value(strategy, channels, objective=objective)


def worth(strategy, channels, objective):
    return np.asarray(value_of(strategy, channels, objective))


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "power"),
    [
        ("weighted-sum", "per-antenna"),
        ("worst-user", "limits"),
        ("colluding", "total"),
        ("energy-efficiency", "per-antenna"),
        ("worst-user", "constant-modulus"),
    ],
)
def test_a_design_is_allowed_and_never_below_its_start(name, power, channels, start):
    objective, constraint = OBJECTIVES[name], POWERS[power]
    num_noise_beams = 1 if constraint.artificial_noise else None
    rows = {"objective": objective, "constraint": constraint}
    found = ascent(channels, **rows, num_noise_beams=num_noise_beams, num_steps=8)
    value = worth(found.strategy, channels, objective)
    np.testing.assert_allclose(found.info.value, value, rtol=1e-3)
    begun = worth(
        strategy_of(secrecy.limit_power(start.w, start.v, constraint)), channels, objective
    )
    assert (value >= begun * (1 - 1e-4)).all()
    sent = _row_power(*found.strategy)
    groups, bounds = constraint.groups(3), np.asarray(constraint.bounds(3))
    assert (sent @ groups.T <= bounds * (1 + 1e-5)).all()
    for beams, shaped in zip(found.strategy, constraint.shaped(*found.strategy), strict=True):
        np.testing.assert_allclose(beams, shaped, atol=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_smooth_value_goes_to_the_true_one_and_its_gradient_is_that_of_differences(
    name, channels, start, float64
):
    objective = OBJECTIVES[name]
    kinds = {"c": np.complex128, "f": np.float64}
    wide = jax.tree.map(lambda x: np.asarray(x, kinds[x.dtype.kind]), (start, channels))

    @jax.jit
    def smooth(u, smoothing):
        w, v = u[..., :2], u[..., 2:]
        arguments = {"objective": objective, "smoothing": smoothing}
        return jnp.sum(smooth_objective_value(jaxsec.Strategy(w, v), wide[1], **arguments))

    u = np.concatenate(wide[0], axis=-1)
    true = worth(wide[0], wide[1], objective).sum()
    if name == "least-power":  # whose smooth form is the logarithm
        assert (worth(wide[0], wide[1], objective) > -1.5).all()  # all have their rates
        true = -np.log2(np.asarray(secrecy.power(*wide[0]))).sum()
    assert secrecy.secrecy_rates(wide[0], wide[1]).min() > 0  # none is cut at zero
    gaps = [abs(float(smooth(u, smoothing)) - true) for smoothing in (0.3, 0.03, 0.003)]
    assert gaps[0] + 1e-9 >= gaps[1] and gaps[1] + 1e-9 >= gaps[2] and gaps[2] < 1e-2
    direction = cases.gaussian(np.random.default_rng(0), u.shape)
    slope = np.sum((np.asarray(jax.jit(jax.grad(smooth))(u, 0.3)) * direction).real)
    step = 1e-6
    difference = (smooth(u + step * direction, 0.3) - smooth(u - step * direction, 0.3)) / 2 / step
    np.testing.assert_allclose(slope, difference, rtol=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_common_scale_of_channels_and_noise_changes_nothing(name, channels, start):
    objective = OBJECTIVES[name]
    factors = np.array([1e-3, 1e-3, 1e-6], np.float32)
    scaled = Channels(*(np.asarray(x) * f for x, f in zip(channels, factors, strict=True)))
    np.testing.assert_allclose(
        worth(start, scaled, objective), worth(start, channels, objective), rtol=1e-4
    )


@pytest.mark.parametrize("constraint", [*POWERS.values()])
def test_beams_are_scaled_to_the_tightest_limit_and_no_further(constraint):
    w, v = (np.asarray(x) for x in constraint.shaped(*cases.random_strategy(0, 5, 3, 2, 1)))
    limited = jax.jit(lambda w, v: secrecy.limit_power(w, v, constraint))
    for factor in (2.0, 0.1):
        fitted = limited(factor * w, factor * v)
        groups, bounds = constraint.groups(3), np.asarray(constraint.bounds(3))
        sent = _row_power(*fitted)
        fullest = np.max(sent @ groups.T / bounds, axis=-1)
        wanted = 1.0 if factor > 1 else np.max(0.01 * _row_power(w, v) @ groups.T / bounds, axis=-1)
        np.testing.assert_allclose(fullest, wanted, rtol=1e-5)


def _row_power(*beams):
    return np.sum(np.abs(np.concatenate(beams, axis=-1)) ** 2, axis=-1)


@pytest.mark.long
def test_the_worst_user_of_two_by_command_and_by_python(tmp_path):
    """h1 = (1, 0), h2 = (0, 0.1), noise 0.01: 0.9928 for both; under the sum 0.0072 at most."""
    h = np.array([[[1.0, 0.0], [0.0, 0.1]]], np.complex64)
    channels = Channels(h, h[:, :0], np.asarray(0.01, np.float32))
    strategy, how = jaxsec.design(channels, objective="worst-user", diagnostics=True)
    np.testing.assert_allclose(how.value, 0.9928, atol=7e-4)
    np.testing.assert_allclose(jaxsec.secrecy_rates(strategy, channels), 0.9928, atol=0.065)
    summed = worth(jaxsec.design(channels), channels, WorstUser())
    np.testing.assert_allclose(summed, 0.0072, atol=8e-3)
    source, out = tmp_path / "c.npz", tmp_path / "s.npz"
    files.save_channels(source, channels)
    assert main(["design", str(source), "--out", str(out), "--objective", "worst-user"]) == 0
    np.testing.assert_allclose(files.load_strategy(out).strategy.w, strategy.w, atol=1e-4)


@pytest.mark.slow
def test_energy_efficiency_takes_less_than_full_power():
    """One antenna, |h|² = 1, noise and circuit 1 W, budget 10 W: 0.5307 at P = e − 1."""
    h = np.ones((1, 1, 1), np.complex64)
    channels = Channels(h, h[:, :0], np.asarray(0.1, np.float32))
    objective = EnergyEfficiency(10.0, 1.0)
    found = ascent(channels, objective=objective, num_noise_beams=0)
    np.testing.assert_allclose(worth(found.strategy, channels, objective), 0.5307, atol=1e-4)
    np.testing.assert_allclose(10.0 * secrecy.power(*found.strategy), np.e - 1.0, rtol=1e-3)
    full = jaxsec.Strategy(jnp.asarray(h), jnp.asarray(h[:, :, :0]))
    np.testing.assert_allclose(worth(full, channels, objective), 0.3145, atol=1e-4)


@pytest.mark.slow
def test_each_antenna_at_its_limit():
    """h = (1, 3), noise 1, each antenna at most 1/2: log2(1 + (1 + 3)²/2) = 3.1699."""
    h = np.array([[[1.0, 3.0]]], np.complex64)
    channels = Channels(h, h[:, :0], np.asarray(1.0, np.float32))
    found = ascent(channels, objective=Sum(), constraint=AntennaPower(), num_noise_beams=0)
    np.testing.assert_allclose(worth(found.strategy, channels, Sum()), 3.1699, atol=1e-4)
    mrt = np.swapaxes(h, -1, -2).conj() / np.sqrt(10.0)
    back = strategy_of(secrecy.limit_power(mrt, mrt[..., :0], AntennaPower()))
    rate = worth(back, channels, Sum())
    np.testing.assert_allclose(rate, np.log2(1 + 100 / 18), atol=1e-4)
    assert rate < 2.7127 + 1e-3


@pytest.mark.long
def test_one_user_against_colluders_is_a_generalised_eigenvalue():
    channels = cases.at_snr(2, 4, 4, 1, 2, 10.0)
    h, g = (np.asarray(x, np.complex128) for x in channels[:2])
    eye = np.eye(4)
    ours, theirs = (eye + np.swapaxes(x, -1, -2) @ x.conj() for x in (h, g))
    largest = np.linalg.eigvals(np.linalg.solve(theirs, ours)).real.max(axis=-1)
    objective = Sum(colluding=True)
    found = ascent(channels, objective=objective, num_noise_beams=0)
    value = worth(found.strategy, channels, objective)
    np.testing.assert_allclose(value, np.log2(largest), rtol=1e-4)
    apart = jaxsec.design(channels, num_noise_beams=0)
    assert value.mean() > worth(apart, channels, objective).mean() + 0.02


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "worst"}, "`objective` must be one of sum, weighted-sum"),
        ({"power": "antenna"}, "must be one of total, per-antenna, constant-modulus"),
        ({"objective": "energy-efficiency"}, "needs `transmit_power_w`"),
        ({"objective": "least-power"}, "needs `rates`"),
        ({"objective": LeastPower([1.0, 1.0, 1.0])}, "`rates` must have shape"),
        ({"objective": LeastPower(-1.0)}, "`rates` must not be negative"),
        ({"objective": "worst-user", "method": "rzf"}, "it must be one of opt"),
        ({"power": "per-antenna", "method": "opt-plain"}, "it must be one of opt, .*cdm-f"),
        ({"objective": "worst-user", "csi_error": 0.1}, "channels that are known exactly"),
        ({"objective": Sum([1.0, 2.0, 3.0])}, "`user_weights` must have shape"),
        ({"objective": Sum([1.0, -2.0])}, "`user_weights` must not be negative"),
        ({"power": AntennaPower([1.0, 1.0])}, "`limits` must have shape"),
        ({"power": "constant-modulus", "method": "rzf"}, "it must be one of opt"),
        ({"power": "constant-modulus", "num_noise_beams": 2}, "`num_noise_beams` must be 0 or"),
        ({"power": "constant-modulus", "csi_error": 0.1}, "channels that are known exactly"),
    ],
)
def test_what_is_not_built_is_refused(options, message, channels):
    with pytest.raises(jaxsec.InputError, match=message):
        jaxsec.design(channels, **options)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--objective", "weighted-sum"], "needs `--user-weights`"),
        (["--objective", "weighted-sum", "--user-weights", "1", "2", "3"], "`--user-weights` must"),
        (["--user-weights", "1", "2"], "`--user-weights` is not heeded"),
        (["--objective", "least-power"], "needs `--rates`"),
        (["--rates", "1"], "`--rates` is not heeded"),
        (["--objective", "least-power", "--rates", "1", "2", "3"], "`--rates` must have shape"),
        (["--objective", "energy-efficiency"], "needs `--transmit-power-dbm`"),
        (["--antenna-limits", "1", "1", "1"], "`--antenna-limits` is not heeded"),
        (["--power", "per-antenna", "--antenna-limits", "1", "1"], "`--antenna-limits` must"),
        (["--power", "constant-modulus", "--num-noise-beams", "2"], "`--num-noise-beams` must"),
        (["--power", "constant-modulus", "--antenna-limits", "1", "1", "1"], "is not heeded"),
        (["--objective", "worst-user", "--method", "zf"], "`--method` 'zf' designs for the sum"),
        (["--objective", "worst-user", "--csi-error", "0.1"], "known exactly"),
    ],
)
def test_options_that_do_not_fit_get_one_line(argv, message, channels, tmp_path, capsys):
    source, out = tmp_path / "c.npz", tmp_path / "s.npz"
    files.save_channels(source, channels)
    assert main(["design", str(source), "--out", str(out), *argv]) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
    assert not out.exists()


@pytest.mark.slow
def test_total_power_is_the_plain_design(channels):
    """The default takes no other way than without an objective."""
    named = jaxsec.design(channels, objective="sum", power=TotalPower())
    for got, wanted in zip(named, jaxsec.design(channels), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_noise_beams_follow_the_objective():
    """One for each colluding eavesdropper where the users leave room, else two."""
    together, apart = Sum(colluding=True), Sum()
    sizes = ((2, 4, 8), (2, 8, 8), (2, 1, 8), (8, 4, 8))  # K, L, M
    wanted = (4, 6, 2, 2)
    assert tuple(default_noise_beams(together, *size) for size in sizes) == wanted
    assert {default_noise_beams(apart, *size) for size in sizes} == {2}


@pytest.mark.long
def test_colluders_are_jammed_with_a_beam_for_each():
    channels, objective = cases.at_snr(3, 8, 6, 2, 4, 20.0), Sum(colluding=True)
    options = {"objective": objective, "method": "opt"}
    every, two = (jaxsec.design(channels, **options, num_noise_beams=j) for j in (None, 2))
    assert every.v.shape[-1] == 4
    gain = worth(every, channels, objective).mean() / worth(two, channels, objective).mean()
    assert gain > 1.01

"""Errors that have directions: their covariance, its file, and designs that use it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import files
from jaxsec.channels import covariance, knowledge
from jaxsec.channels.array import steering_vector
from jaxsec.cli.__main__ import main
from jaxsec.files.archive import write_arrays
from jaxsec.methods import StochasticGpip
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.robust import draws as drawing
from jaxsec.precoding.robust import problem
from jaxsec.report import judge
from tests import cases, reference


def sectors(n=4, width_deg=15.0, num_antennas=4):
    """Known users, and eavesdroppers of whom only the sector and the gain are known."""
    channels = cases.channels(n=n, num_antennas=num_antennas)
    gain2 = np.mean(np.abs(channels.h_eve) ** 2, axis=2)[..., None, None]
    centres = np.random.default_rng(0).uniform(-60, 60, gain2.shape[:2])
    each = [covariance.angular_sector(num_antennas, c, width_deg) for c in centres.ravel()]
    each = np.asarray(each).reshape(*centres.shape, num_antennas, num_antennas)
    fields = {
        "h_user": np.asarray(channels.h_user),
        "h_eve": np.zeros_like(channels.h_eve),
        "covariance_eve": (gain2 * each).astype(np.complex64),
    }
    return fields, channels.noise_power


def known_of(fields):
    return covariance.statistical(**fields)


@pytest.mark.parametrize("array", ["linear", "planar"])
def test_a_sector_is_the_mean_of_its_directions(array):
    """Against a mean over a fine grid; unit power at every antenna."""
    angle = jnp.deg2rad(jnp.linspace(10.0, 50.0, 4001))
    response = np.asarray(steering_vector(angle, jnp.zeros_like(angle), 6, array))
    wanted = np.trapezoid(response[:, :, None] * response[:, None].conj(), axis=0) / 4000
    sector = covariance.angular_sector(6, 30.0, 40.0, array=array)
    np.testing.assert_allclose(sector, wanted, atol=2e-5)
    np.testing.assert_allclose(np.diagonal(sector), 1.0, atol=1e-5)


def test_all_round_a_linear_array_sees_bessel_functions():
    """J_0(πd) between antennas d apart, Clarke's model: its values at π and 2π from tables."""
    c = covariance.angular_sector(3, 0.0, 360.0)
    np.testing.assert_allclose(c[0, 1:], [-0.3042421776, 0.2202769085], atol=1e-5)


def test_draws_have_the_covariance():
    fields, _ = sectors(n=1)
    known = known_of(fields)
    _, drawn = knowledge.sample(jax.random.key(0), known, 10_000)
    drawn = np.asarray(drawn)[:, 0]
    found = np.einsum("dlm,dln->lmn", drawn, drawn.conj()) / len(drawn)
    wanted = fields["covariance_eve"][0]
    np.testing.assert_allclose(
        found / np.abs(wanted).max(), wanted / np.abs(wanted).max(), atol=0.05
    )
    np.testing.assert_allclose(known.error_eve[0], np.trace(wanted, axis1=1, axis2=2).real / 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"covariance_eve": np.eye(4)[None]}, r"`covariance_eve` must have shape \(4, 4, 4, 4\)"),
        ({"skew": True}, r"`covariance_eve` must be Hermitian, but its matrix at index \(0, 0\)"),
        ({"error_eve": np.ones((4, 4))}, "`error_eve` must be left out where `covariance_eve`"),
        ({"sign": -1}, r"`covariance_eve` must have no negative eigenvalue, .* index \(0, 0\)"),
        ({"covariance_eve": np.full((4, 4, 4, 4), np.nan)}, "`covariance_eve` must be finite"),
    ],
)
def test_what_is_no_covariance_is_named(change, message):
    fields, _ = sectors()
    fields["covariance_eve"] = fields["covariance_eve"] * change.pop("sign", 1)
    if change.pop("skew", False):
        fields["covariance_eve"] = fields["covariance_eve"] + np.triu(np.full((4, 4), 1e-6))
    with pytest.raises(jaxsec.InputError, match=message):
        known_of({**fields, **change})


def test_whole_numbers_are_no_covariance():
    with pytest.raises(jaxsec.InputError, match="`c` must be real or complex, but has dtype int"):
        covariance.root("c", np.ones((2, 3, 3), int), (2, 3, 3))


@pytest.mark.parametrize("width", [0.0, 361.0])
def test_a_sector_that_is_none_is_named(width):
    with pytest.raises(jaxsec.InputError, match="`width_deg` must lie in"):
        covariance.angular_sector(4, 0.0, width)


def test_what_is_heard_in_draws_is_what_the_channels_say():
    """Amplitudes and their transpose, against channels drawn one by one in NumPy."""
    fields, noise_power = sectors(n=3)
    known = known_of(fields)
    noise = np.broadcast_to(np.asarray(noise_power, np.float32), 3)
    rng = np.random.default_rng(1)
    f = rng.standard_normal((2, 4, 3, 3)).astype(np.float32)
    change = rng.standard_normal((5, 6, 3, 3)).astype(np.float32)

    @jax.jit
    def both(known, noise, f, change):
        told, basis = problem.reduced(known, noise)
        draws = drawing.sample(jax.random.key(0), 5, 6, 4, 0)
        heard = drawing.amplitudes(told, draws, SplitComplex(*f))
        together = drawing.weighed_channels(told, draws, heard, change)
        heard = drawing.at(heard)
        heard = jax.lax.complex(heard[:, :, 0], heard[:, :, 1])
        return heard, jax.lax.complex(together.re, together.im), draws.z, basis

    heard, together, z, basis = both(known, noise, f, change)
    z = np.asarray(z)
    z = (z[:, :4] - 1j * z[:, 4:]).reshape(5, 6, 4)
    root = np.concatenate([np.zeros((3, 2, 4, 4)), known.root_eve], axis=1)
    mean = np.concatenate([known.h_user, known.h_eve], axis=1)
    h = (mean[None] + np.einsum("nrms,drs->dnrm", root, z)) / np.sqrt(noise)[:, None, None]
    wanted = np.einsum("dnrm,mkn->drkn", h.conj(), f[0] + 1j * f[1])
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(heard / scale, wanted / scale, atol=1e-5)
    wanted = np.einsum("dnrm,drkn->mkn", h, change * heard)
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(together / scale, wanted / scale, atol=1e-5)
    np.testing.assert_array_equal(basis[0], np.eye(4))


@pytest.mark.long
def test_designs_use_the_directions():
    """More is kept than where errors of the same power are taken to come from everywhere; the
    iteration is not behind its closed form."""
    fields, noise_power = sectors(n=12)
    known = known_of(fields)
    blind = known._replace(root_eve=None)
    key = jax.random.key(3)

    def kept(told, method):
        strategy = jaxsec.design(told, noise_power=noise_power, method=method)
        over = judge.over_posterior(key, strategy, known, noise_power, 0.05)
        return over.secrecy_rate.sum(axis=1).mean()

    opt, closed = kept(known, StochasticGpip(20, 32)), kept(known, "rzf-ns-robust")
    assert opt > closed > kept(blind, "rzf-ns-robust")
    assert opt > 1.01 * kept(blind, StochasticGpip(20, 32))


@pytest.mark.long
def test_no_direction_said_as_a_covariance():
    """√e·I for a root: as good as errors that have none, the null space included."""
    channels = cases.channels(n=12, num_antennas=4, num_eavesdroppers=1)
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.0, 0.5)
    eye = np.asarray(known.error_eve)[..., None, None] * np.eye(4)
    said = covariance.statistical(known.h_user, known.h_eve, covariance_eve=eye)
    method, noise_power = StochasticGpip(20, 32), channels.noise_power
    kept = []
    for told in (known, said):
        strategy = jaxsec.design(told, noise_power=noise_power, method=method)
        over = judge.over_posterior(jax.random.key(3), strategy, known, noise_power, 0.05)
        kept.append(over.secrecy_rate.sum(axis=1).mean())
    np.testing.assert_allclose(kept[1], kept[0], rtol=0.01)


def test_methods_that_see_no_directions_refuse():
    fields, noise_power = sectors()
    with pytest.raises(jaxsec.InputError, match=r"must be one of rzf-ns-robust, opt-robust$"):
        jaxsec.design(known_of(fields), noise_power=noise_power, method="cdm-f")


@pytest.mark.long
def test_a_file_with_covariances_by_the_command(tmp_path, capsys):
    """Read, designed by the method that it asks for, and the promise kept on fresh truths."""
    fields, noise_power = sectors(n=4)
    path, out = tmp_path / "c.npz", tmp_path / "s.npz"
    write_arrays(path, {**fields, "noise_power": np.asarray(noise_power)})
    known, _ = files.load_known(path)
    np.testing.assert_array_equal(known.root_eve, known_of(fields).root_eve)
    main(["design", str(path), "--out", str(out)])
    assert "opt-robust" in capsys.readouterr().out
    stored = files.load_strategy(out)
    rng = np.random.default_rng(4)
    re, im = rng.standard_normal((2, 400, 4, 4, 4)) * np.sqrt(0.5)
    h_eve = np.einsum("nrms,dnrs->dnrm", known.root_eve, re + 1j * im)
    rates = [
        [
            reference.secrecy_rates(w, v, h_user, h, noise).sum()
            for w, v, h_user, h, noise in zip(
                *stored.strategy, fields["h_user"], draw, np.asarray(noise_power), strict=True
            )
        ]
        for draw in h_eve
    ]
    error = np.std(rates, axis=0).mean() / np.sqrt(400 * 4)
    assert abs(np.mean(rates) - stored.sum_secrecy_rate.mean()) < 5 * error

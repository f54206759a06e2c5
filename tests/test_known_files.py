"""Channel files that say how far off channels may be, and the command that designs for them."""

import json

import jax
import numpy as np
import pytest

import jaxsec
from jaxsec import files
from jaxsec.channels import knowledge
from jaxsec.cli.__main__ import main
from jaxsec.files.archive import write_arrays
from tests import cases, reference


def arrays(n=6, **change):
    """A file's fields: channels as means, and errors in units of |h|²."""
    channels = cases.channels(n=n)
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.01, 0.5)
    fields = {**known._asdict(), "noise_power": channels.noise_power, **change}
    return {name: np.asarray(x) for name, x in fields.items() if x is not None}


@pytest.mark.parametrize("ending", [".npz", ".mat"])
def test_errors_come_back_as_they_are(tmp_path, ending):
    fields = arrays()
    write_arrays(tmp_path / f"c{ending}", fields)
    known, noise_power = files.load_known(tmp_path / f"c{ending}")
    for name in ("h_user", "h_eve", "error_user", "error_eve"):
        np.testing.assert_array_equal(getattr(known, name), fields[name])
    np.testing.assert_array_equal(noise_power, fields["noise_power"])


@pytest.mark.parametrize("ending", [".npz", ".mat"])
def test_a_file_without_errors_is_known_exactly(tmp_path, ending):
    files.save_channels(tmp_path / f"c{ending}", cases.channels(n=3))
    known, _ = files.load_known(tmp_path / f"c{ending}")
    assert not known.error_user.any() and known.error_eve.shape == (3, 4)


def test_matlab_has_no_errors_of_no_eavesdroppers(tmp_path):
    none = np.zeros((0, 0))
    for order in (("error_eve", "error_user"), ("error_user", "error_eve")):
        errors = {"error_eve": none, "error_user": np.full((6, 2), 0.1)}
        fields = {**arrays(h_eve=none), **{name: errors[name] for name in order}}
        write_arrays(tmp_path / "c.mat", fields)
        known, _ = files.load_known(tmp_path / "c.mat")
        assert known.error_user.all() and known.error_eve.shape == (6, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"error_user": np.ones((6, 3))}, r"`error_user` must have shape \(6, 2\)"),
        ({"error_eve": -np.ones((6, 4))}, "`error_eve` must not be negative"),
        ({"error_eve": np.full((6, 4), np.inf)}, "`error_eve` must be finite"),
        ({"error_user": np.ones((6, 2), complex)}, "`error_user` must be real"),
    ],
)
def test_bad_errors_are_named(tmp_path, change, message):
    write_arrays(tmp_path / "c.npz", arrays(**change))
    with pytest.raises(jaxsec.InputError, match=message):
        files.load_known(tmp_path / "c.npz")


@pytest.mark.slow
def test_what_the_command_promises_holds_on_fresh_truths(tmp_path, capsys):
    """The mean, and the rate kept in 95%, judged by plain NumPy on draws of the test's own."""
    fields = arrays()
    source, out, report = (tmp_path / name for name in ("c.npz", "s.npz", "r.json"))
    write_arrays(source, fields)
    argv = ["design", str(source), "--out", str(out), "--objective", "outage"]
    assert main([*argv, "--method", "rzf-ns-robust", "--json", str(report)]) == 0
    assert "kept in 95%" in capsys.readouterr().out
    strategy, _, promised = files.load_strategy(out)
    numbers = json.loads(report.read_text())
    np.testing.assert_allclose(numbers["sum_secrecy_rate"]["mean"], promised.mean(), rtol=1e-5)

    generator = np.random.default_rng(4)
    means, kept = [], []
    for n in range(6):
        rates = []
        for _ in range(400):
            h_user, h_eve = (
                fields[name][n]
                + np.sqrt(fields[error][n])[:, None]
                * cases.gaussian(generator, fields[name][n].shape)
                for name, error in (("h_user", "error_user"), ("h_eve", "error_eve"))
            )
            w, v = (np.asarray(x[n], complex) for x in strategy)
            noise = fields["noise_power"][n]
            rates.append(np.sum(reference.secrecy_rates(w, v, h_user, h_eve, noise)))
        means.append(np.mean(rates))
        kept.append(np.quantile(rates, 0.05))
    np.testing.assert_allclose(promised, means, rtol=0.04)
    np.testing.assert_allclose(numbers["outage_secrecy_rate"]["mean"], np.mean(kept), rtol=0.03)


def test_errors_of_the_file_and_of_the_options_are_one_too_many(tmp_path, capsys):
    write_arrays(tmp_path / "c.npz", arrays())
    argv = ["design", str(tmp_path / "c.npz"), "--out", str(tmp_path / "s.npz")]
    assert main([*argv, "--csi-error", "0.1"]) != 0
    assert "holds errors of its own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--csi-error", "1.5"], "`--csi-error` must lie between 0 and 1, but is 1.5"),
        (["--csi-error", "0.1", "--csi-error-users", "0.1"], "`--csi-error` is for all channels"),
        (["--outage-probability", "1"], "`--outage-probability` must lie in [0, 1), but is 1.0"),
    ],
)
def test_bad_options_are_named(tmp_path, capsys, options, message):
    argv = ["design", str(tmp_path / "c.npz"), "--out", str(tmp_path / "s.npz")]
    assert main([*argv, *options]) != 0
    assert message in capsys.readouterr().err


def test_options_say_what_estimates_are(tmp_path, monkeypatch):
    """At an error of 1 nothing of the estimate is used but its gain."""
    from jaxsec.cli import design

    files.save_channels(tmp_path / "c.npz", cases.channels(n=3))
    known, _ = design._known(tmp_path / "c.npz", (0.0, 1.0))
    assert known.error_user.max() == 0.0 and not known.h_eve.any()
    power = np.mean(np.abs(files.load_channels(tmp_path / "c.npz").h_eve) ** 2, axis=-1)
    np.testing.assert_allclose(known.error_eve, power, rtol=1e-6)
    assert jax.tree.leaves(known)[0].dtype == np.complex128  # |h|² may be too small for float32

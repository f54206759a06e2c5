"""Diffusion designs for other objectives and power constraints than the model was trained for."""

import jax
import numpy as np
import pytest

import jaxsec
from jaxsec import files, methods, secrecy
from jaxsec.cdm import aimed, designer
from jaxsec.cli.__main__ import main
from jaxsec.precoding.first_order.refine import refine
from jaxsec.report import judge
from jaxsec.secrecy import AntennaPower, ConstantModulus, EnergyEfficiency, Sum, WorstUser
from tests import cases, models

ASKED = (
    (EnergyEfficiency(10.0, 1.0), secrecy.TotalPower()),
    (Sum([1.0, 3.0], colluding=True), AntennaPower([0.5, 0.4, 0.3, 0.2])),
    (WorstUser(), ConstantModulus()),
)
IDS = ("efficiency", "colluding", "modulus")


@pytest.fixture(scope="module")
def channels():
    return cases.at_snr(1, 4, 4, 2, 2, 15.0)


@pytest.fixture(scope="module")
def closed_form(channels):
    return jaxsec.design(channels, method="rzf-ns", num_noise_beams=2)


@pytest.fixture
def tiny(monkeypatch):
    """A model of random weights in place of the shipped ones."""
    monkeypatch.setattr(methods.Diffusion, "weights", lambda self: models.tiny())


def check_allowed(strategy, constraint):
    groups, bounds = constraint.groups(4), np.asarray(constraint.bounds(4))
    sent = np.sum(np.abs(np.concatenate(strategy, axis=-1)) ** 2, axis=-1)
    assert (sent @ groups.T <= bounds * (1 + 1e-5)).all()
    for beams, shaped in zip(strategy, constraint.shaped(*strategy), strict=True):
        np.testing.assert_allclose(beams, shaped, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "constraint"), ASKED, ids=IDS)
def test_the_candidate_of_most_worth_is_kept_within_the_constraint(
    objective, constraint, channels, closed_form
):
    """And is not below RZF-NS, scaled to the constraint at any power that is tried."""
    options = {"num_samples": 2, "num_steps": 1, "objective": objective, "constraint": constraint}
    strategy, values = designer.candidates(jax.random.key(3), models.tiny(), *channels, **options)
    assert values.shape == (4, 3)  # RZF-NS last
    got = judge.objective_value(strategy, channels, objective)
    np.testing.assert_allclose(got, np.max(values, axis=-1), rtol=1e-4)
    check_allowed(strategy, constraint)
    w, v = secrecy.limit_power(*closed_form, constraint)
    best = np.max(
        [
            judge.objective_value(jaxsec.Strategy(a * w, a * v), channels, objective)
            for a in np.sqrt(aimed.FRACTIONS)
        ],
        axis=0,
    )
    np.testing.assert_allclose(values[:, -1], best, rtol=1e-3)


@pytest.mark.slow
def test_refining_follows_the_objective_and_never_lowers_it(channels, closed_form):
    objective, constraint = ASKED[1]
    rows = {"objective": objective, "constraint": constraint}
    refined = refine(closed_form, *channels, **rows, num_steps=4)
    check_allowed(refined, constraint)
    started = jaxsec.Strategy(*secrecy.limit_power(*closed_form, constraint))
    before, after = (judge.objective_value(x, channels, objective) for x in (started, refined))
    assert (after >= before * (1 - 1e-4)).all() and after.mean() > 1.01 * before.mean()


@pytest.mark.slow
def test_the_command_says_what_the_model_was_trained_for(tiny, channels, tmp_path, capsys):
    source, out = tmp_path / "c.npz", tmp_path / "s.npz"
    files.save_channels(source, channels)
    argv = ["design", str(source), "--out", str(out), "--method", "cdm", "--ddim-steps", "1"]
    assert main([*argv, "--objective", "worst-user"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "trained for the sum secrecy rate at total power" in text
    options = {"objective": WorstUser(), "method": jaxsec.Diffusion(ddim_steps=1)}
    strategy, found = jaxsec.design(channels, **options, diagnostics=True)
    assert found.candidate_rates.shape == (4, 2)
    ours = judge.objective_value(strategy, channels, WorstUser())
    np.testing.assert_allclose(found.value, ours, rtol=1e-4)
    theirs = judge.objective_value(files.load_strategy(out).strategy, channels, WorstUser())
    assert theirs.shape == ours.shape and (theirs >= found.candidate_rates[:, 1] - 1e-3).all()

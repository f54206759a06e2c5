"""The benchmark of designs on draws runs, at a tiny size, and says what it measured."""

import json

import pytest

from benchmarks import uncertain
from jaxsec import methods

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("quick_compilation")]


def test_designs_are_judged_on_draws_of_their_own(monkeypatch, tmp_path, capsys, no_type_checks):
    monkeypatch.setattr(uncertain, "ERRORS_USER", (0.1,))
    monkeypatch.setattr(uncertain, "ERRORS_EVE", (0.5,))
    monkeypatch.setattr(uncertain, "REFERENCE", methods.StochasticGpip(num_steps=80, num_draws=64))
    del_slow = {name: uncertain.DESIGNS[name] for name in ("opt", "rzf-ns-robust", "opt-robust")}
    monkeypatch.setattr(uncertain, "DESIGNS", del_slow)
    path = tmp_path / "r.json"
    arguments = uncertain.Arguments(num_channels=8, num_draws=128, json=path)
    assert uncertain.main(arguments, []) == 0
    mean, kept = json.loads(path.read_text())["rows"]
    assert (mean["objective"], kept["objective"]) == ("mean", "kept in 95%")
    assert 0 < kept["reference"] < mean["reference"]
    for row in (mean, kept):
        assert row["rzf-ns-robust"] < row["opt-robust"] < 1.05
        assert row["opt-robust ci95"] < 0.1
    assert kept["opt"] < kept["rzf-ns-robust"]  # it sends no noise at vague eavesdroppers
    assert "distance to the reference" in capsys.readouterr().out

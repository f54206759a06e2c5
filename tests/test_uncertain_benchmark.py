"""The benchmark of designs on draws runs, at a tiny size, and says what it measured."""

import functools
import json

import numpy as np
import pytest

import jaxsec
from benchmarks import uncertain
from benchmarks.figures import uncertain as figure
from benchmarks.report import Report
from benchmarks.speed import robust
from jaxsec import methods
from jaxsec.precoding import robust_reference

pytestmark = pytest.mark.long


FEW = ("opt", "rzf-ns-robust", "opt-robust")


def test_designs_are_judged_on_draws_of_their_own(monkeypatch, tmp_path, capsys, no_type_checks):
    monkeypatch.setattr(uncertain, "ERRORS_USER", (0.1,))
    monkeypatch.setattr(uncertain, "ERRORS_EVE", (0.5,))
    monkeypatch.setattr(uncertain, "REFERENCE", methods.StochasticGpip(num_steps=80, num_draws=64))
    del_slow = {name: uncertain.DESIGNS[name] for name in FEW}
    monkeypatch.setattr(uncertain, "DESIGNS", del_slow)
    path = tmp_path / "r.json"
    ascend = functools.partial(robust_reference.ascend, num_steps=20, num_draws=32)
    monkeypatch.setattr(robust_reference, "ascend", ascend)
    arguments = uncertain.Arguments(num_channels=8, num_draws=128, json=path, ascent=True)
    assert uncertain.main(arguments, []) == 0
    mean, kept = json.loads(path.read_text())["rows"]
    assert (mean["objective"], kept["objective"]) == ("mean", "kept in 95%")
    assert 0 < kept["reference"] < mean["reference"]
    for row in (mean, kept):
        assert row["rzf-ns-robust"] < row["opt-robust"] < 1.05
        assert row["opt-robust ci95"] < 0.1
    assert 0.97 < mean[uncertain.ASCENT] < 1.05
    assert uncertain.ASCENT not in kept
    assert kept["opt"] < kept["rzf-ns-robust"]  # it sends no noise at vague eavesdroppers
    assert "distance to the reference" in capsys.readouterr().out


def test_the_figure_draws_the_rows_and_one_channel(monkeypatch, tmp_path, no_type_checks):
    designs = {name: figure.DESIGNS[name] for name in FEW}
    monkeypatch.setattr(figure, "DESIGNS", designs)
    monkeypatch.setattr(figure, "COLUMNS", ("error_user", "error_eve", "objective", *FEW))
    monkeypatch.setattr(figure, "NUM_DRAWS", 64)
    measured = dict.fromkeys(FEW, 0.9)
    rows = [
        {"error_user": user, "error_eve": eve, "objective": objective, "reference": 9.0} | measured
        for user in (0.0, *figure.ERRORS_USER)
        for eve in (0.1, 1.0)
        for objective in uncertain.OBJECTIVES
    ]
    path = tmp_path / "rows.json"
    about = Report("uncertain", [], 1, 2).about()
    path.write_text(json.dumps({**about, "rows": rows}))
    arguments = figure.Arguments(rows=path, out=tmp_path)
    draws = figure.of_one_channel(arguments)
    assert set(draws) == set(FEW)
    assert all(x.shape == (64,) and (np.diff(x) >= 0).all() for x in draws.values())
    assert figure.main(arguments, []) == 0
    assert (tmp_path / "uncertain.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "uncertain.csv").read_text().splitlines()) == 1 + 8
    with pytest.raises(jaxsec.InputError, match=r"nowhere\.json: cannot be read"):
        figure.main(figure.Arguments(rows=tmp_path / "nowhere.json"), [])


def test_the_designs_are_timed_alike(tmp_path, capsys, no_type_checks):
    path = tmp_path / "robust.json"
    assert robust.main(robust.Command(quick=True, json=path), ["--quick"]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [(row["design"], row["num_users"]) for row in rows] == [
        ("opt-robust", 2),
        ("rzf-ns-robust", 2),
    ]
    assert all(0.0 < row["ms"] < 1e3 for row in rows)
    assert "16 channels at once" in capsys.readouterr().out

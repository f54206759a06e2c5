"""The benchmarks of the diffusion models run, at a tiny size, and say what they measured."""

import json

import jax
import numpy as np
import pytest

from benchmarks import ablation, generative, sizes
from benchmarks.points import Point
from benchmarks.speed import denoiser
from jaxsec.cdm import file as cdm_file
from jaxsec.precoding import gpip, reference
from jaxsec.report import judge
from jaxsec.strategy import Size
from tests import models

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def numpy_promotion():
    """Results are handled by NumPy, which promotes ranks."""
    with jax.numpy_rank_promotion("allow"):
        yield


def test_generative_judges_a_model_and_writes_its_card(
    monkeypatch, tmp_path, capsys, no_type_checks
):
    monkeypatch.setattr(generative, "FIGURE_4", (Point(4, 2, 1),))
    monkeypatch.setattr(generative, "OTHER_ANTENNAS", ())

    def best_known(key, channels, num_starts, num_steps):
        del key, num_starts, num_steps
        return np.asarray(judge.secrecy_rates(gpip.opt(*channels).strategy, channels).sum(-1))

    monkeypatch.setattr(reference, "best_known", best_known)
    path, report = tmp_path / "model.npz", tmp_path / "report.json"
    cdm_file.save(path, models.tiny(), {})
    arguments = generative.Arguments(
        model=path, num_channels=6, ddim_steps=2, json=report, card=True
    )
    assert generative.main(arguments, ["--card"]) == 0
    (point,) = json.loads(report.read_text())["rows"]
    for name in generative.contenders(models.tiny()):
        assert 0.5 < point[name] <= 1.0
        assert 0.0 <= point[f"{name} worst"] <= 1.0
        assert point[f"{name} ci95"] < 0.5
    assert point["best of 8"] >= point["1 sample"]
    assert point["best of 8 + 2"] > point["best of 8"]
    assert point["opt"] > 0.99
    measured = cdm_file.read_card(path)["measured"]
    assert measured["num_channels"] == 6
    assert measured["command"] == "python -m benchmarks.generative --card"
    assert measured["points"][0]["opt"] == pytest.approx(point["opt"], abs=1e-4)
    cdm_file.load(path)
    assert f"{point['1 sample']:.2%}" in capsys.readouterr().out


def test_sizes_judges_streets_and_rayleigh_channels(monkeypatch, tmp_path, capsys, no_type_checks):
    monkeypatch.setattr(sizes, "SIZES", (Size(4, 2, 1),))
    monkeypatch.setattr(sizes, "STREETS", {"line of sight": {"rician_factor": 30.0}})
    path, report = tmp_path / "model.npz", tmp_path / "report.json"
    cdm_file.save(path, models.tiny(), {})
    assert sizes.main(sizes.Arguments(model=path, num_channels=6, json=report), []) == 0
    rayleigh, street = json.loads(report.read_text())["rows"]
    assert (rayleigh["kind"], street["kind"]) == ("Rayleigh", "line of sight")
    assert 0.0 < street["1 sample"] <= street["best of 8"] + 1e-6 <= 1.0 + 2e-6
    assert street["opt"] > 0.95
    assert "line of sight" in capsys.readouterr().out


def test_denoiser_times_and_claims(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(denoiser, "NETWORKS", ("mlp",))
    monkeypatch.setattr(denoiser, "BATCHES", (2,))
    monkeypatch.setattr(denoiser, "ROUNDS", 1)
    path = tmp_path / "report.json"
    assert denoiser.main(denoiser.Command(json=path), []) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [(row["network"], row["batch"], row["work"]) for row in rows] == [
        ("mlp", 2, "call"),
        ("mlp", 2, "training step"),
    ]
    assert 0 < rows[0]["ms"] < rows[1]["ms"]
    assert "of matrix rate" in capsys.readouterr().out
    row = denoiser.Row("unet-paper", 64, "call", ms=1.0, plain_ms=2.7, share=0.5)
    assert [claim.holds for claim in denoiser.check_claims([row, row._replace(plain_ms=2.9)])] == [
        False,
        True,
    ]


def test_ablation_trains_and_judges(monkeypatch, tmp_path, capsys, no_type_checks):
    monkeypatch.setattr(ablation, "NETWORKS", ("mlp",))
    monkeypatch.setattr(ablation, "SETS", {"one": (Size(4, 2, 1),)})
    monkeypatch.setattr(ablation, "JUDGED", {"one": (Size(4, 2, 1),)})
    monkeypatch.setattr(ablation.dataset.Recipe, "shard_channels", 64)
    path = tmp_path / "report.json"
    arguments = ablation.Arguments(num_samples=2000, num_shards=1, num_judged=8, json=path)
    assert ablation.main(arguments, []) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [row.get("coordinates") for row in rows] == [None, "received", "antenna"]
    for row in rows:
        assert 0.0 <= row["of_opt"] <= 1.01
    assert rows[0]["of_opt"] > 0.5
    assert rows[2]["of_opt"] < rows[0]["of_opt"]
    assert "of OPT" in capsys.readouterr().out

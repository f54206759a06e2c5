"""The benchmarks of the diffusion models run, at a tiny size, and say what they measured."""

import importlib
import json
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxsec.cdm import file as cdm_file
from jaxsec.precoding import gpip, reference
from jaxsec.report import judge
from jaxsec.strategy import Size
from tests import models

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("quick_compilation")]

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """A benchmark as a module, by its path."""

    def load(path):
        monkeypatch.syspath_prepend((FOLDER / path).parent)
        return importlib.import_module(Path(path).stem)

    with jax.numpy_rank_promotion("allow"):
        yield load


def test_generative_judges_a_model_and_writes_its_card(
    benchmark, monkeypatch, tmp_path, capsys, no_type_checks
):
    module = benchmark("generative.py")
    monkeypatch.setattr(module, "FIGURE_4", ((4, 2, 1, 20.0, -100.0),))
    monkeypatch.setattr(module, "OTHER_ANTENNAS", ())

    def best_known(key, channels, num_starts, num_steps):
        del key, num_starts, num_steps
        return np.asarray(judge.secrecy_rates(gpip.opt(*channels).strategy, channels).sum(-1))

    monkeypatch.setattr(reference, "best_known", best_known)
    path, report = tmp_path / "model.npz", tmp_path / "report.json"
    cdm_file.save(path, models.tiny(), {})
    module.main(module.Arguments(model=path, num_channels=6, ddim_steps=2, json=report, card=True))
    (point,) = json.loads(report.read_text())["points"]
    for name in module.CONTENDERS:
        assert 0.5 < point[name] <= 1.0
        assert 0.0 <= point[f"{name} worst"] <= 1.0
        assert point[f"{name} ci95"] < 0.5
    assert point["best of 8"] >= point["1 sample"]
    assert point["best of 8 + 2"] > point["best of 8"]
    assert point["opt"] > 0.99
    measured = cdm_file.read_card(path)["measured"]
    assert measured["num_channels"] == 6
    assert measured["points"][0]["opt"] == pytest.approx(point["opt"], abs=1e-4)
    cdm_file.load(path)
    assert f"{point['1 sample']:.2%}" in capsys.readouterr().out


def test_denoiser_times_and_claims(benchmark, monkeypatch, tmp_path, capsys):
    module = benchmark("speed/denoiser.py")
    monkeypatch.setattr(module, "NETWORKS", ("mlp",))
    monkeypatch.setattr(module, "BATCHES", (2,))
    monkeypatch.setattr(module, "ROUNDS", 1)
    path = tmp_path / "report.json"
    assert module.main(module.Command(json=path), []) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [(row["network"], row["batch"], row["work"]) for row in rows] == [
        ("mlp", 2, "call"),
        ("mlp", 2, "training step"),
    ]
    assert 0 < rows[0]["ms"] < rows[1]["ms"]
    assert "of matrix rate" in capsys.readouterr().out
    row = module.Row("unet-paper", 64, "call", ms=1.0, plain_ms=6.9, share=0.5)
    assert [ok for _, _, ok in module.check_claims([row, row._replace(plain_ms=7.1)])] == [
        False,
        True,
    ]


def test_ablation_trains_and_judges(benchmark, monkeypatch, tmp_path, capsys, no_type_checks):
    module = benchmark("ablation.py")
    monkeypatch.setattr(module, "NETWORKS", ("mlp",))
    monkeypatch.setattr(module, "SETS", {"one": (Size(4, 2, 1),)})
    monkeypatch.setattr(module, "JUDGED", {"one": (Size(4, 2, 1),)})
    monkeypatch.setattr(module.dataset.Recipe, "shard_channels", 64)
    path = tmp_path / "report.json"
    module.main(module.Arguments(num_samples=2000, num_shards=1, num_judged=8, json=path))
    rows = json.loads(path.read_text())["rows"]
    assert [row.get("coordinates") for row in rows] == [None, "received", "antenna"]
    for row in rows:
        assert 0.0 <= row["ratio"][0] <= 1.01
    assert rows[0]["ratio"][0] > 0.5
    assert rows[2]["ratio"][0] < rows[0]["ratio"][0]
    assert "of OPT" in capsys.readouterr().out

"""The figures: what they measure and write, at a tiny size, and that their files say it."""

import csv
import importlib
import json

import jax
import numpy as np
import pytest

from benchmarks.points import DEFAULT, Point
from jaxsec import Scenario, methods
from jaxsec.cdm import pretrained
from jaxsec.checks import InputError
from jaxsec.precoding import reference
from tests import models

pytestmark = pytest.mark.long

SMALL = Point(M=4, K=2, L=1)
LOUD = SMALL._replace(power_dbm=30.0)


@pytest.fixture
def figures():
    """A script's module by its name."""
    with jax.numpy_rank_promotion("allow"):
        yield lambda name: importlib.import_module(f"benchmarks.figures.{name}")


def check_picture(path):
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    assert 800 <= width <= 3000 and 400 <= height <= 1500
    assert 10_000 <= len(data) <= 1_000_000


def read(folder, name):
    """Rows of the CSV, and the JSON, which holds the same rows."""
    check_picture(folder / f"{name}.png")
    with (folder / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    report = json.loads((folder / f"{name}.json").read_text())
    assert [{k: str(v) for k, v in row.items()} for row in report["rows"]] == rows
    return report


def measure_little(figures, monkeypatch, tmp_path):
    """Few channels, tiny models and methods that compile faster; what is told to draw Fig. CSI."""
    everything, latency, schemes = (figures(x) for x in ("everything", "latency", "schemes"))
    study, sweep, design = figures("study"), figures("sweep"), schemes.design

    def best_known(key, channels, num_starts, num_steps):
        del key, num_starts, num_steps
        return np.linspace(20.0, 60.0, channels.h_user.shape[0])  # some beaten by the schemes

    monkeypatch.setattr(reference, "best_known", best_known)
    monkeypatch.setattr(pretrained, "load", lambda name: models.tiny())
    monkeypatch.setitem(methods.METHODS, "cdm-f-rayleigh", methods.METHODS["cdm"])
    monkeypatch.setitem(methods.METHODS, "opt-plain", methods.METHODS["zf"])  # compiles faster
    monkeypatch.setattr(study, "QUICK", study.Effort(6, 1, 1, (6,), (2,)))
    points = {20.0: SMALL, 25.0: DEFAULT, 30.0: LOUD}
    first = sweep.Sweep("first", "a title", "power", points, quick=(20.0, 30.0))
    second = first._replace(name="second", points={1.0: SMALL}, quick=(1.0,), note="A note.")
    monkeypatch.setattr(everything, "SWEEPS", (first, second))
    for module in (figures("gap"), latency):
        monkeypatch.setattr(module, "POINT", SMALL)
    monkeypatch.setattr(
        latency,
        "settings",
        lambda seed, quick: [
            latency.Setting(family, 0, lambda channels, name=name: design(name, None, channels))
            for family, name in (("rzf-ns", "mrt"), ("opt", "zf"))
        ],
    )
    monkeypatch.setattr(figures("curves"), "SHIPPED", tmp_path)


def test_everything_measures_once_and_writes_all(figures, monkeypatch, tmp_path, no_type_checks):
    everything, measure, study = (figures(name) for name in ("everything", "measure", "study"))
    measure_little(figures, monkeypatch, tmp_path)
    schemes = figures("schemes")
    counted, measure_one = [], measure.measure

    def count(study, point):
        counted.append(point)
        return measure_one(study, point)

    monkeypatch.setattr(measure, "measure", count)
    arguments = study.Arguments(quick=True, seed=3, out=tmp_path)
    assert everything.main(arguments, ["--quick"]) == 1  # no Fig. 3
    assert counted == [SMALL, LOUD]

    report = read(tmp_path, "first")
    assert report["seed"] == 3 and report["num_channels"] == 6
    assert report["command"] == "python -m benchmarks.figures.everything --quick"
    assert {"cpu", "cores"} <= report["hardware"].keys()
    names = [*schemes.serving(SMALL.K, SMALL.L), "best known"]
    assert "cdm" in names and "cdm-unet" not in names
    assert [(row["x"], row["scheme"]) for row in report["rows"]] == [
        (x, name) for x in (20.0, 30.0) for name in names
    ]
    for row in report["rows"]:
        known = row["scheme"] == "best known"
        assert row["ratio"] == 1.0 if known else 0.0 < row["ratio"] <= 1.0
        assert row["worst_ratio"] <= row["ratio"]
        assert row["ci95"] > 0 and (known or row["ratio_ci95"] > 0)
    ratios = {row["scheme"]: row["ratio"] for row in report["rows"]}
    assert ratios["cdm-f-8-refined"] > ratios["cdm-f-8"] > ratios["cdm-f"] == ratios["cdm"]
    assert ratios["opt"] > ratios["rzf-ns"]
    again = read(tmp_path, "second")["rows"]
    assert [row["mean"] for row in again] == [row["mean"] for row in report["rows"][: len(names)]]

    gaps = read(tmp_path, "gap")
    assert len(gaps["rows"]) == 6
    for name in schemes.serving(SMALL.K, SMALL.L):
        assert all(0.0 <= row[name] <= 1.0 for row in gaps["rows"])
        assert gaps["gap"][name]["median"] <= gaps["gap"][name]["worst"]

    rows = read(tmp_path, "latency")["rows"]
    assert [(row["batch"], row["family"]) for row in rows] == [
        (6, "rzf-ns"),
        (6, "opt"),
    ]
    for row in rows:
        assert 0 < row["us_min"] <= row["us_median"] <= row["us_max"]
        assert 0 <= row["gap"] < 1
    assert any(row["on_front"] for row in rows)


def test_networks_of_one_size_are_asked_for_that_only(figures):
    schemes = figures("schemes")
    assert [*schemes.serving(DEFAULT.K, DEFAULT.L)] == [*schemes.SCHEMES]
    unets = {name for name in schemes.SCHEMES if name.endswith("unet")}
    assert unets == {"cdm-unet", "cdm-f-unet"}
    assert schemes.SCHEMES.keys() - schemes.serving(4, 4).keys() == unets


def test_the_front_holds_what_nothing_dominates(figures):
    cost = np.array([1.0, 2.0, 2.0, 3.0, 4.0, 1.0, 5.0])
    gap = np.array([9.0, 5.0, 6.0, 5.0, 1.0, 9.0, 2.0])
    front = figures("pareto").front(cost, gap)
    # Equal points do not dominate each other; (3, 5) loses to (2, 5), and (5, 2) to (4, 1).
    np.testing.assert_array_equal(front, [True, True, False, False, True, True, False])


def test_rows_of_the_front_are_those_of_their_batch(figures):
    best = np.array([10.0, 20.0])
    rates = np.array([[9.0, 18.0], [10.0, 19.0]])
    times = {1: np.array([[1.0, 3.0, 2.0], [5.0, 5.0, 5.0]]), 8: np.array([[4.0], [3.0]])}
    rows = figures("pareto").rows([("opt", 1), ("opt", 2)], times, rates, best)
    assert [(row.batch, row.steps, row.on_front) for row in rows] == [
        (1, 1, True),
        (1, 2, True),
        (8, 1, False),
        (8, 2, True),
    ]
    assert (rows[0].us_min, rows[0].us_median, rows[0].us_max) == (1.0, 2.0, 3.0)
    np.testing.assert_allclose([row.gap for row in rows[:2]], [0.1, 1 / 30])


def test_a_loss_curve_from_a_run_and_from_a_file(figures, tmp_path):
    curves, kind = figures("curves"), figures("figure_3a").KIND
    run = tmp_path / "run"
    run.mkdir()
    lines = [{"step": 50 * (i + 1), "loss": 1.0 / (i + 1), "seconds": 1.0} for i in range(20)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "tuned.csv").write_text("step,loss\n1,-3.5\n2,-4.5\n")
    sources = (run, tmp_path / "tuned.csv")
    for one in (kind, figures("figure_3b").KIND):
        curves.make(one, curves.Arguments(sources, out=tmp_path), "the command")
        report = read(tmp_path, one.name)
        assert report["command"] == "the command"
        assert report["rows"][0] == {"run": "run", "step": 50, "loss": 1.0}
        assert report["rows"][-1] == {"run": "tuned", "step": 2, "loss": -4.5}
        assert len(report["rows"]) == 22
    np.testing.assert_allclose(curves.running_mean(np.arange(1.0, 5.0), 2), [1.0, 1.5, 2.5, 3.5])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "name a folder that `jaxsec finetune` has written"),
        ("step,loss\n", "there are no metrics yet"),
        ("step,rate\n1,0.5\n", "without a numeric step or loss"),
        ("step,loss\n1\n", "without a numeric step or loss"),
        ("step,loss\n2,1.0\n1,1.0\n", "steps must grow"),
        ("step,loss\n1,nan\n", "must be finite"),
    ],
)
def test_a_bad_loss_curve_is_named(figures, tmp_path, monkeypatch, text, message):
    curves, kind = figures("curves"), figures("figure_3b").KIND
    monkeypatch.setattr(curves, "SHIPPED", tmp_path)
    if text is not None:
        for name in kind.shipped:
            (tmp_path / f"{name}.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        curves.make(kind, curves.Arguments(out=tmp_path), "the command")


def test_runs_of_one_name_are_refused(figures, tmp_path):
    curves = figures("curves")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.csv").write_text("step,loss\n1,1.0\n")
    runs = (tmp_path / "a" / "run.csv", tmp_path / "b" / "run.csv")
    with pytest.raises(InputError, match="differ in name"):
        curves.make(figures("figure_3a").KIND, curves.Arguments(runs, tmp_path), "the command")


def test_the_sweeps_are_the_papers(figures):
    sweeps = {sweep.name[-1]: sweep.points for sweep in figures("everything").SWEEPS}
    for points in sweeps.values():
        assert all(point.M == 8 for point in points.values())
    assert [point.power_dbm for point in sweeps["a"].values()] == list(sweeps["a"])
    assert [point.L for point in sweeps["b"].values()] == list(range(2, 9))
    assert [point.K for point in sweeps["c"].values()] == list(range(2, 7))
    assert [point.noise_dbm for point in sweeps["d"].values()] == list(range(-110, -69, 10))
    shared = Point(K=4, L=2)
    assert sum(shared in points.values() for points in sweeps.values()) == 3
    for sweep in figures("everything").SWEEPS:
        assert set(sweep.quick) <= set(sweep.points)


def test_a_point_is_the_scenario_that_it_names():
    scenario = Point(4, 3, 2, 10.0, -90.0).scenario()
    counts = scenario.num_antennas, scenario.num_users, scenario.num_eavesdroppers
    assert counts == (4, 3, 2)
    assert (scenario.transmit_power_dbm, scenario.noise_power_dbm) == (10.0, -90.0)
    assert DEFAULT.scenario() == Scenario()

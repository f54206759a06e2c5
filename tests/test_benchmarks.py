"""The benchmarks' contenders solve the problem that OPT solves, and the benchmark runs."""

import dataclasses
import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.report import Report, table
from benchmarks.speed import contenders, solver, solver_table
from jaxsec.channels import Scenario, sample_channels
from jaxsec.precoding import gpip, reference
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.gpip import step as gpip_step
from jaxsec.precoding.problem import Problem, start_from
from jaxsec.report import judge
from jaxsec.strategy import Strategy

pytestmark = pytest.mark.long

SCENARIO = Scenario(num_antennas=4, num_users=2, num_eavesdroppers=2)


@pytest.fixture(autouse=True)
def numpy_promotion():
    """Code shared with NumPy promotes ranks as NumPy does."""
    with jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture(scope="module")
def channels():
    return sample_channels(jax.random.key(5), SCENARIO, 6)


def rates(u, channels):
    return judge.secrecy_rates(Strategy(u[..., :2], u[..., 2:]), channels).sum(axis=-1)


@pytest.mark.parametrize("name", ["numpy", "jax"])
def test_contenders_reach_the_rate_of_opt(channels, name):
    solve = {"numpy": contenders.solve_numpy, "jax": contenders.solve_jax}[name]
    start = contenders.rzf_ns_start(channels)
    schedule = gpip.annealing()
    u = solve(channels, start, jnp.asarray(schedule, jnp.float32), contenders.SEARCHED_STEP)
    ours = gpip.opt(*channels).strategy
    reached = rates(u, channels)
    assert np.all(reached >= rates(np.asarray(start), channels) * (1 - 1e-5))
    np.testing.assert_allclose(reached, judge.secrecy_rates(ours, channels).sum(-1), rtol=0.01)
    np.testing.assert_allclose(np.sum(np.abs(u) ** 2, axis=(1, 2)), 1.0, rtol=1e-5)


def test_one_full_step_is_that_of_the_solver(channels):
    """B⁻¹A f of formed matrices is what the solver finds without forming any."""
    start = np.asarray(contenders.rzf_ns_start(channels))
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda x: np.asarray(x, np.result_type(x.dtype, np.float64)), channels)
        h = np.concatenate([wide.h_user, wide.h_eve], axis=1)
        h = h / np.sqrt(wide.noise_power)[:, None, None]
        split = algebra.split(jnp.asarray(h))
        problem = Problem(
            split, algebra.squared_norm(algebra.transpose(split)), jnp.ones((2, h.shape[0]))
        )
        iterate = start_from(problem, algebra.split(jnp.asarray(start, complex)))
        after, _ = gpip_step.plain_step(problem, iterate, jnp.asarray(0.5))
        wanted = np.asarray(algebra.join(after.f))
    for i in range(h.shape[0]):
        state = contenders.first_state(np, h[i], start[i].astype(complex), 2)
        state = contenders.step(np, h[i], state, 0.5, 2, contenders.FULL_STEP)
        np.testing.assert_allclose(state.f, wanted[i], rtol=1e-6, atol=1e-8)


def test_searching_steps_runs_the_same_iteration(channels):
    start = contenders.rzf_ns_start(channels)
    schedule = jnp.asarray(gpip.annealing(4), jnp.float32)
    longer = jnp.concatenate([schedule, jnp.ones(3)])
    for sizes in (contenders.FULL_STEP, contenders.SEARCHED_STEP):
        part = contenders.solve_jax_steps(channels, start, longer, 4, sizes)
        whole = contenders.solve_jax(channels, start, schedule, sizes)
        np.testing.assert_allclose(rates(part, channels), rates(whole, channels), rtol=1e-4)


def test_the_start_always_has_noise(channels):
    """Zero noise beams would stay zero."""
    noise = np.sum(np.abs(contenders.rzf_ns_start(channels)[..., 2:]) ** 2, axis=(1, 2))
    assert np.all(noise >= 0.99 * (1 - contenders.MAX_SIGNAL_FRACTION))


def test_channels_in_their_span_have_the_same_rates():
    scenario = dataclasses.replace(SCENARIO, num_antennas=9)
    channels = sample_channels(jax.random.key(6), scenario, 3)
    reduced = solver._in_span(channels)
    assert reduced.h_user.shape == (3, 2, 4)
    whole, part = contenders.rzf_ns_start(channels), contenders.rzf_ns_start(reduced)
    np.testing.assert_allclose(rates(whole, channels), rates(part, reduced), rtol=1e-3)


def test_measures_and_reports(monkeypatch, tmp_path, capsys):
    """All of it at a tiny size; the claims are not for here, where one call is timed."""

    def best_known(key, channels, num_starts):
        del key, num_starts
        return np.asarray(judge.secrecy_rates(gpip.opt(*channels).strategy, channels).sum(-1))

    monkeypatch.setattr(reference, "best_known", best_known)
    case = solver.Case(
        4, 2, 2, batches=(1, 4), num_judged=4, num_tuning=4, steps=(4, 16), repeats=0.1
    )
    monkeypatch.setattr(solver, "MAIN", case)
    monkeypatch.setattr(solver, "QUICK", (case,))
    path = tmp_path / "report.json"
    code = solver.main(solver.Command(quick=True, json=path), ["--quick"])
    report = json.loads(path.read_text())
    assert code == (0 if all(claim["holds"] for claim in report["claims"]) else 1)
    assert [(row["batch"], row["contender"]) for row in report["rows"]] == [
        (batch, name) for batch in (1, 4) for name in ("numpy", "jax", "ours")
    ]
    for row in report["rows"]:
        assert row["us_min"] <= row["us_median"] <= row["us_max"]
        assert 0.97 <= row["worst_ratio"] <= row["of_best_known"] <= 1.0
    printed = capsys.readouterr().out
    for text in ("numpy", "seed 0", "of best known", "batched JAX"):
        assert text in printed
    assert {"command", "seed", "hardware"} <= report.keys()


def test_a_failing_claim_is_named():
    figures = {"of_best_known": 1.0, "worst_ratio": 1.0, "num_timed": 1, "compile_s": None}
    times = {"us_min": 1.0, "us_median": 1.0, "us_max": 1.0, "ratio": 99.0}
    row = solver_table.Row("(8, 2, 4)", 4096, "numpy", 16, "searched", **figures, **times)
    ours = row._replace(contender="ours", compile_s=1.0, ratio=1.0)
    claims = solver_table.check_claims(
        [row, row._replace(contender="jax"), ours, ours._replace(batch=1, us_median=10.0)],
        "(8, 2, 4)",
    )
    failing = [claim for claim in claims if not claim.holds]
    assert [claim.claim for claim in failing] == [
        "at (8, 2, 4), at least 100x faster than the NumPy loop"
    ]
    cells = table("", ("a",), ("b",), [("x", "1")])
    assert Report("speed.solver", []).finish([row], cells, claims) == 1
    assert Report("speed.solver", []).finish([row], cells, claims[1:]) == 0


def test_a_report_says_what_its_numbers_rest_on(tmp_path, capsys):
    report = Report("speed.solver", ["--quick"], seed=4, num_samples=64)
    path = tmp_path / "report.json"
    rows = [{"a": 1.5}]
    made = table("A title", ("name",), ("number",), [("x", "1.5"), (), ("y", "2.5")])
    assert report.finish(rows, made, path=path, notes=["A note."], unit="s") == 0
    written = json.loads(path.read_text())
    assert written["command"] == "python -m benchmarks.speed.solver --quick"
    assert (written["seed"], written["num_samples"], written["unit"]) == (4, 64, "s")
    assert written["rows"] == rows and written["claims"] == []
    assert {"cpu", "cores", "jax", "numpy", "load_before"} <= written["hardware"].keys()
    assert "Student" in written["interval"]
    printed = " ".join(capsys.readouterr().out.split())
    for text in ("A title", "1.5", "A note.", "seed 4", written["command"], f"written to {path}"):
        assert text in printed


def test_fake_devices_are_timed_in_turns(tmp_path):
    path = tmp_path / "report.json"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.speed.devices", "--quick", "--json", path],
        check=True,
        capture_output=True,
    )
    one, two = json.loads(path.read_text())["rows"]
    assert (one["devices"], two["devices"]) == (1, 2)
    assert one["over_one"] == 1.0
    assert two["over_one"] == pytest.approx(two["updates_per_s"] / one["updates_per_s"])
    assert two["updates_per_s"] > 0

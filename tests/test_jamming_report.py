"""Rewards beside the oracle's: shares where it is safely positive, regret elsewhere, everywhere."""

import json

import jax
import numpy as np
import pytest
from matplotlib.figure import Figure

from jaxsec.cli.__main__ import main
from jaxsec.jamming import figure, report
from jaxsec.jamming import file as policy_file
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.jamming.judge import Row
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.rl import learner
from jaxsec.rl.config import Config

SCENARIO = JammingScenario(metrics=(("outage", 1.0),))
CASES = {
    "positive": ([4.0, 6.0], "share"),
    "small, but positive": ([1e-9, 3e-9], "share"),
    "zero": ([0.0, 0.0], "regret"),
    "negative": ([-4.0, -6.0], "regret"),
    "nothing": ([-1.0, 1.0], "regret"),
    "hardly positive": ([-1.0, 1.1], "regret"),
    "all but a few": ([-1.0, 3.0, 4.0, 5.0], "share"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rule(case):
    best, kind = CASES[case]
    stated = report.against(np.array(best))
    assert stated.kind == kind and stated.oracle == np.mean(best)
    assert stated(stated.oracle) == pytest.approx(stated.best)
    worse, worst = stated.oracle - abs(stated.oracle) - 1.0, stated.oracle - 9.0
    if kind == "share":  # less is worse, and never above 1
        assert stated(worst) < stated(worse) < 1.0
    else:  # more is worse, and never below 0
        assert stated(worst) == pytest.approx(9.0)
        assert stated(worse) > 0.0


def rows(oracle, policy):
    return [
        Row("oracle", np.array([oracle]), np.array([oracle])),
        Row("gdm", np.array(policy), np.array([np.mean(policy)])),
    ]


@pytest.mark.parametrize(
    ("best", "policy", "key", "wanted"),
    [
        ([10.0, 10.0], [8.0, 9.0], "of_oracle", 0.85),
        ([0.0, 0.0], [-1.0, -2.0], "regret", 1.5),
        ([-2.0, -4.0], [-5.0, -7.0], "regret", 3.0),
    ],
)
def test_report_and_table_follow_it(best, policy, key, wanted, capsys):
    stated = report.against(np.array(best))
    listed = report.report(rows(np.mean(best), policy), stated, SCENARIO)
    assert listed[0][key] == stated.best and listed[0][f"{key}_ci95"] is None
    assert listed[1][key] == pytest.approx(wanted)
    scale = stated.oracle if key == "of_oracle" else 1.0
    half = 12.7062 * np.std(policy, ddof=1) / np.sqrt(2)
    assert listed[1][f"{key}_ci95"] == pytest.approx(half / scale, rel=1e-4)
    assert {"of_oracle", "regret"} & set(listed[1]) == {key}
    json.dumps(listed, allow_nan=False)
    report.show(listed, "title")
    printed = capsys.readouterr().out
    assert key.replace("_", " ") in printed
    assert (f"{100 * wanted:.2f} ±" if key == "of_oracle" else f"{wanted:.2f} ±") in printed
    assert ("%" in printed) == (key == "of_oracle")


@pytest.mark.parametrize(
    ("best", "label", "heights"),
    [
        ([10.0], "mean reward over the oracle's", [0.7, 0.85]),
        ([0.0], "regret: the oracle's mean reward less the policy's", [-7.0, -8.5]),
    ],
)
def test_curves_follow_it(best, label, heights, tmp_path):
    curves = {"gdm": [{"step": 1, "reward": [6.0, 8.0]}, {"step": 2, "reward": [8.0, 9.0]}]}
    stated = report.against(np.array(best))
    bounds = {"oracle": best[0], "best constant": 5.0}
    axes = Figure().subplots()
    figure._plot_curves(axes, curves, bounds, stated)
    line, oracle, constant = axes.lines
    np.testing.assert_allclose(line.get_ydata(), heights)
    assert oracle.get_ydata()[0] == stated.best and constant.get_ydata()[0] == stated(5.0)
    assert axes.get_ylabel() == label
    low, high = axes.get_ylim()
    assert low < min(heights) and max(heights) < high and low < stated.best < high
    figure.plot_curves(tmp_path / "curves.png", curves, bounds, stated, "title")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_an_outage_that_is_met_everywhere_is_reported(tmp_path, no_type_checks):
    """The oracle's mean reward is 0, and a share of it is nothing."""
    scenario = JammingScenario(
        num_access_points=1, num_users=1, num_eavesdroppers=1, target_rate=0.0,
        metrics=(("outage", 1.0),),
    )  # fmt: skip
    config = Config(policy="ddpg", width=8, critic_width=8)
    agent = learner.make_agent(config, Environment(scenario))
    networks = jax.vmap(lambda key: learner.networks(agent, key))
    actor, critic = networks(jax.random.split(jax.random.key(0), 2))
    path, out = tmp_path / "policy.npz", tmp_path / "report.json"
    policy_file.save(path, Trained(scenario, config, actor, critic), {})
    words = ["--fresh-slots", "16", "--num-candidates", "1", "--json", str(out)]
    assert main(["jamming", "evaluate", str(path), *words]) == 0
    found = json.loads(out.read_text())
    assert found["stated"] == "regret"
    assert [row["regret"] for row in found["rows"]] == [0.0] * 7

"""`jaxsec jamming compare` and `evaluate`: policies trained, judged, and drawn."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.cli.__main__ import main
from jaxsec.jamming import SCENARIOS, Environment
from jaxsec.jamming import judge as jamming_judge
from jaxsec.jamming import train as jamming_train
from jaxsec.jamming.compare import CONTENDERS
from jaxsec.jamming.file import Trained
from jaxsec.rl import evaluation, learner
from jaxsec.rl.config import Config

TINY = "--width 8 --critic-width 8 --num-updates 6 --every 3 --num-slots 8 --batch-size 8"
TINY += " --replay-size 64 --fresh-slots 64 --seeds 0 1 --num-candidates 2"


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A comparison's folder."""
    out = tmp_path_factory.mktemp("jamming") / "out"
    policies = ["--policies", "moe-gdm", "true-gradient"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jamming_train, "CURVE_SLOTS", 64)
        assert main(["jamming", "compare", "--out", str(out), *TINY.split(), *policies]) == 0
    return out


@pytest.mark.long
def test_a_comparison_reports_all_ways_to_act(compared):
    report = json.loads((compared / "report.json").read_text())
    rows = {row["name"]: row for row in report["rows"]}
    assert list(rows) == [
        "oracle", "opt", "best constant", "heuristic", "random", "moe-gdm", "moe-gdm, best expert",
        "moe-gdm, best expert true", "moe-gdm, best of 2", "moe-gdm, best of 2 true",
        "moe-gdm, search", "moe-gdm, search from experts", "true-gradient",
        "true-gradient, best of 2 true", "true-gradient, search",
    ]  # fmt: skip
    assert rows["oracle"]["of_oracle"] == 1.0
    assert all(row["of_oracle"] < 1.0 for name, row in rows.items() if name != "oracle")
    best = rows["moe-gdm, best expert true"]["reward"]
    assert best >= max(rows["moe-gdm"]["reward"], rows["moe-gdm, best expert"]["reward"])
    assert rows["moe-gdm, search from experts"]["reward"] > best
    for row in rows.values():
        assert row["reward"] == pytest.approx(sum(row["metrics"].values()), rel=1e-4)
        assert np.mean(row["reward_of_seeds"]) == pytest.approx(row["reward"])
    for shares in report["experts"]["moe-gdm"].values():
        np.testing.assert_allclose(np.sum(shares, axis=1), 1.0, atol=1e-3)
    rate, efficiency = np.transpose(report["front"])
    assert (np.diff(rate) >= -1e-3).all() and (np.diff(efficiency) <= 1e-3).all()
    assert report["training"]["true-gradient"]["gradient"] == "environment"
    for name in ("curves.png", "metrics.png"):
        assert (compared / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_a_policy_is_judged_as_it_was_in_the_comparison(compared, tmp_path, capsys):
    path, out = compared / "moe-gdm" / "policy.npz", tmp_path / "report.json"
    options = ["--fresh-slots", "64", "--num-candidates", "2", "--json", str(out)]
    assert main(["jamming", "evaluate", str(path), *options]) == 0
    assert "moe-gdm, best expert" in capsys.readouterr().out.replace("\n", " ")
    rows = {row["name"]: row for row in json.loads(out.read_text())["rows"]}
    before = {
        row["name"]: row for row in json.loads((compared / "report.json").read_text())["rows"]
    }
    for name, row in rows.items():
        assert row["reward"] == pytest.approx(before[name]["reward"], rel=1e-5)
        assert ("microseconds" in row) == (name not in ("best constant", "random"))


@pytest.fixture(scope="module")
def acting():
    """A fresh mixture on slots of `paper`."""
    environment = Environment(SCENARIOS["paper"])
    agent = learner.make_agent(Config(width=8, critic_width=8), environment)
    actor, critic = jax.jit(lambda key: learner.networks(agent, key))(jax.random.key(0))
    return agent, actor, critic, evaluation.sample(environment, 5, 16)


@pytest.mark.slow
def test_of_candidates_the_most_valued_is_taken(acting):
    agent, actor, critic, slots = acting
    key = jax.random.key(1)

    @jax.jit
    def found(key):
        actions = evaluation.candidates(agent, actor, key, slots.observation, 4)
        chosen = evaluation.best_valued(agent, critic, slots.observation, actions)
        value = jax.vmap(lambda a: jnp.min(agent.values(critic, slots.observation, a), axis=0))
        return actions, chosen, value(actions), value(chosen[None])[0]

    actions, chosen, values, reached = map(np.asarray, found(key))
    np.testing.assert_allclose(reached, values.max(axis=0), rtol=1e-5)
    index = values.argmax(axis=0)
    np.testing.assert_array_equal(chosen, actions[index, np.arange(16)])
    first = jax.random.split(jax.random.split(key)[0], 4)[0]
    alone = agent.act(actor, first, slots.observation)
    np.testing.assert_allclose(actions[0], alone, atol=1e-6)


@pytest.mark.slow
def test_every_slot_goes_to_one_expert(acting):
    agent, actor, critic, slots = acting
    actors, critics = jax.tree.map(lambda x: x[None], (actor, critic))
    shares = np.asarray(jamming_judge.expert_load_by_regime(agent, actors, slots))
    assert shares.shape == (1, 6, 3)
    np.testing.assert_allclose(shares[0, 0].sum(), 1.0, rtol=1e-6)  # near users, no line of sight
    assert (shares[0, 1:] == 0.0).all()
    trained = Trained(SCENARIOS["paper"], agent.config, actors, critics)
    load = jamming_judge.expert_load(trained, slots)
    assert list(load) == ["near-users"]
    np.testing.assert_allclose(load["near-users"], shares[:, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "compare --policies sac",
            "`--policies` must be of moe-gdm, gdm, mlp, ddpg, true-gradient",
        ),
        (
            f"compare --policies {' '.join(list(CONTENDERS)[:8])}",
            "`--policies` must name at most 7, a colour each, but names 8",
        ),
        ("compare --fresh-slots 0", "`--fresh-slots` must be at least 1, but is 0"),
        (
            "compare --scenario rural",
            "`--scenario` must be one of paper, dense, noisy, sensed, hidden, battery, but",
        ),
        ("compare --metrics outage=much", "`--metrics` must be NAME or NAME=WEIGHT"),
        ("compare --num-experts 2 --num-selected 3", "`num_selected` must lie in [1, 2]"),
        ("evaluate nothing.npz", "nothing.npz: there is no such file"),
        ("evaluate policy.txt", "policy.txt: must end in .npz"),
    ],
)
def test_mistakes_are_named_in_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["jamming", *words.split()]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_group_lists_its_commands(capsys):
    assert main(["jamming", "--help"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("train", "evaluate", "compare"))

"""Policies whose actions are bettered by search, and how long every way to act takes."""

import dataclasses
import time
import typing

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.cli.jamming.evaluate import Command
from jaxsec.jamming import Environment, JammingScenario, pace, refine
from jaxsec.jamming import report as reports
from jaxsec.jamming.file import Trained
from jaxsec.jamming.judge import Row
from jaxsec.jamming.optimise import SETTINGS
from jaxsec.rl import evaluation, learner
from jaxsec.rl.collect import Slots
from jaxsec.rl.config import Config
from tests.policy_cases import filled

SCENARIO = JammingScenario(num_access_points=2, num_users=2, num_eavesdroppers=1)
ENVIRONMENT = Environment(SCENARIO)
CONFIG = Config(gradient="smooth", width=4, critic_width=4, num_steps=1, num_experts=2)
AGENT = learner.make_agent(CONFIG, ENVIRONMENT)


@pytest.fixture(scope="module")
def rewards():
    return rewards_of(refine.ways_to_act)


def rewards_of(ways):
    """[N] of every way to act with a mixture."""
    actor, critic = filled(jax.eval_shape(lambda k: learner.networks(AGENT, k), jax.random.key(0)))
    slots = evaluation.sample(ENVIRONMENT, 5, 16)

    @jax.jit
    def every(key):
        found = ways(AGENT, ENVIRONMENT, actor, critic, slots, key, 3)
        return {name: evaluation.rewards(ENVIRONMENT, slots, x) for name, x in found.items()}

    return {name: np.asarray(x) for name, x in every(jax.random.key(1)).items()}


@pytest.mark.slow
def test_search_betters_what_it_starts_from(rewards):
    assert set(rewards) == {
        "alone", "best-of-3-true", "best-expert-true", "best-of-3-by-experts-true", "search",
        "search-from-experts",
    }  # fmt: skip
    starts = {"search": "alone", "search-from-experts": "best-expert-true"}
    for name, start in starts.items():
        assert (rewards[name] >= rewards[start] * (1 - 1e-5)).all()
        assert rewards[name].mean() > rewards[start].mean() + 0.01


@pytest.mark.slow
def test_random_starts_beside_a_policy_find_more(rewards):
    more = rewards_of(refine.searching("quick"))
    for name in ("search", "search-from-experts"):
        assert more[name].mean() > rewards[name].mean()
    np.testing.assert_allclose(more["alone"], rewards["alone"], rtol=1e-5)


def test_searches_are_called_on_the_command_line_as_they_are():
    hints = typing.get_type_hints(Command)
    assert set(typing.get_args(hints["search"])) == set(SETTINGS)


@pytest.mark.slow
def test_the_best_by_the_true_reward_betters_the_first(rewards):
    assert (rewards["best-expert-true"] >= rewards["alone"] * (1 - 1e-5)).all()
    assert (rewards["best-of-3-by-experts-true"] >= rewards["best-expert-true"] * (1 - 1e-5)).all()
    for name in ("best-of-3-true", "best-expert-true"):
        assert rewards[name].mean() > rewards["alone"].mean()


def test_candidates_around_experts_are_theirs_and_noise_on_each_in_turn():
    each = jnp.asarray([[[0.0, 0.9]] * 4000, [[-0.5, 0.2]] * 4000])
    found = np.asarray(evaluation.around(jax.random.key(0), each, 5))
    np.testing.assert_array_equal(found[:2], each)
    np.testing.assert_allclose(found[2:4, :, 0].mean(axis=1), [0.0, -0.5], atol=0.01)
    deviation = evaluation.CANDIDATE_DEVIATION
    np.testing.assert_allclose(found[2:, :, 0].std(axis=1), deviation, rtol=0.05)
    np.testing.assert_allclose(found[4, :, 0].mean(), 0.0, atol=0.01)
    assert found.max() == 1.0  # clipped


def test_a_time_is_that_of_a_slot_without_compiling():
    slots = Slots(jnp.zeros((pace.MAX_TIMED_SLOTS + 88, 1)), ())
    seen = []

    def act(given):
        seen.append(len(given.observation))
        time.sleep(0.2 if len(seen) == 1 else 0.0512)
        return given.observation

    assert pace.per_slot(act, slots) == pytest.approx(100.0, rel=0.3)
    assert set(seen) == {pace.MAX_TIMED_SLOTS} and len(seen) == 1 + pace.NUM_REPEATS


@pytest.mark.slow
def test_every_row_of_a_policy_has_its_time():
    config = dataclasses.replace(CONFIG, policy="mlp")
    agent = learner.make_agent(config, ENVIRONMENT)
    shapes = jax.eval_shape(lambda k: learner.networks(agent, k), jax.random.key(0))
    actor, critic = jax.tree.map(lambda x: x[None], filled(shapes))
    trained = Trained(SCENARIO, config, actor, critic)
    times = pace.of_policy("net", trained, ENVIRONMENT, evaluation.sample(ENVIRONMENT, 5, 16), 0, 1)
    assert list(times) == ["net", "net, search"]
    assert all(0.0 < time < 1e6 for time in times.values())  # their order is that of a busy machine


def test_times_have_a_column_where_they_are_known(capsys):
    known = Row("opt", np.array([1.0]), np.array([1.0]), 12.34)
    unknown = Row("random", np.array([0.5]), np.array([0.5]))
    scenario = JammingScenario(metrics=(("secrecy_rate", 1.0),))
    listed = reports.report([known, unknown], reports.against(np.array([1.0])), scenario)
    assert [row.get("microseconds") for row in listed] == [12.34, None]
    reports.show(listed, "title")
    printed = capsys.readouterr().out
    assert "µs a slot" in printed and "12.3" in printed
    reports.show(listed[1:], "title")
    assert "µs" not in capsys.readouterr().out

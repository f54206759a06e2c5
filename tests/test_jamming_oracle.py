"""The oracle against brute force, its convergence and front; baselines between it and nothing."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import InputError
from jaxsec.jamming import baselines, optimise, oracle
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import SCENARIOS

OUTAGE = (("secrecy_rate", 1.0), ("outage", 3.0))
QUICK = oracle.Effort(
    num_starts=6, num_random=2, num_sweeps=2, num_kept=2, num_steps=8, num_proposals=12
)


def drawn(name, n, seed=0, **changes):
    env = Environment(dataclasses.replace(SCENARIOS[name], **changes))
    return env, jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(seed), n))[1]


def rewards(env, states, actions):
    return jax.jit(jax.vmap(env.reward))(states, actions)


def brute_force(env, states, points):
    """[N] best reward on a grid, denser near the least power."""
    axis = 2 * np.linspace(0, 1, points) ** 2 - 1
    grid = np.array(list(itertools.product(axis, repeat=env.action_size)), np.float32)

    @jax.jit
    def best(state):
        return jnp.max(jax.vmap(lambda action: env.reward(state, action))(jnp.asarray(grid)))

    return jax.lax.map(best, states)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("num_aps", "points", "metrics"),
    [
        (2, 201, OUTAGE),
        pytest.param(1, 2001, SCENARIOS["paper"].metrics, marks=pytest.mark.long),
        pytest.param(3, 81, SCENARIOS["paper"].metrics, marks=pytest.mark.long),
        pytest.param(3, 81, OUTAGE, marks=pytest.mark.long),
    ],
)
def test_few_access_points_against_brute_force(num_aps, points, metrics):
    env, states = drawn("paper", 24, num_access_points=num_aps, metrics=metrics)
    wanted = brute_force(env, states, points)
    best = oracle.best(env, states)
    np.testing.assert_allclose(jnp.mean(best.reward), jnp.mean(wanted), rtol=1e-3)
    np.testing.assert_allclose(best.reward, wanted, rtol=0.01, atol=0.01)
    assert env.action_space().contains(best.action)
    np.testing.assert_allclose(rewards(env, states, best.action), best.reward, rtol=1e-5, atol=1e-5)


@pytest.mark.long
def test_search_without_a_grid_finds_what_the_grid_finds(monkeypatch):
    env, states = drawn("paper", 24, metrics=OUTAGE)
    with_grid = oracle.best(env, states)
    monkeypatch.setattr(oracle, "GRID_POINTS", 100)
    # Another effort is another program, which sees that there is no grid.
    without = oracle.best(env, states, effort=oracle.MANY)
    np.testing.assert_allclose(jnp.mean(without.reward), jnp.mean(with_grid.reward), rtol=1e-3)


@pytest.mark.long
def test_more_effort_finds_hardly_more_in_dense():
    env, states = drawn("dense", 32)
    found = oracle.best(env, states).reward.mean()
    more = oracle.best(env, states, effort=oracle.MANY.times(1.7), key=jax.random.key(1))
    assert float(more.reward.mean() / found) < 1.003
    less = oracle.best(env, states, effort=QUICK).reward.mean()
    assert float(less) <= float(found)
    thorough = optimise.SETTINGS["thorough"]
    climbed = optimise.best(env, states, setting=thorough, key=jax.random.key(2)).reward.mean()
    assert 0.99 * float(found) < float(climbed) < 1.001 * float(found)


@pytest.mark.slow
def test_chunks_and_their_rest_are_searched_alike():
    env, states = drawn("dense", 7, num_access_points=5)
    best = oracle.best(env, states, effort=QUICK, chunk=3)
    assert best.action.shape == (7, 5) and best.reward.shape == (7,)
    np.testing.assert_allclose(rewards(env, states, best.action), best.reward, rtol=1e-4, atol=1e-4)
    tried = jnp.asarray(2 * oracle.candidates(5) - 1)
    patterns = jax.jit(jax.vmap(jax.vmap(env.reward, (None, 0)), (0, None)))(states, tried)
    assert np.all(np.asarray(best.reward) >= np.asarray(patterns.max(axis=1)) - 1e-4)
    assert np.abs(tried).max() <= 1 and len(tried) > 100
    with pytest.raises(InputError, match="`chunk` must be at least 1, but is 0"):
        oracle.best(env, states, chunk=0)


@pytest.mark.slow
def test_front_falls_from_one_metric_to_the_other():
    env, states = drawn("paper", 32)
    weightings = np.array([[1.0, 0.0], [1.0, 0.3], [0.0, 1.0]], np.float32)
    front = np.asarray(oracle.front(env, states, weightings, effort=QUICK))
    assert front.shape == (3, 2)
    assert np.all(np.diff(front[:, 0]) < 0) and np.all(np.diff(front[:, 1]) > 0)
    # Each weighting is served best by its own point.
    np.testing.assert_array_equal(np.argmax(weightings @ front.T, axis=1), [0, 1, 2])


@pytest.mark.slow
def test_best_constant_is_as_good_as_a_grid():
    env, states = drawn("paper", 64)
    action = baselines.best_constant(env, states)
    assert action.shape == (3,) and env.action_space().contains(action)
    axis = 2 * np.linspace(0, 1, 10) ** 2 - 1
    grid = jnp.asarray(np.array(list(itertools.product(axis, repeat=3)), np.float32))
    value = jax.jit(lambda a: jnp.mean(jax.vmap(env.reward, (0, None))(states, a)))
    best = jnp.max(jax.lax.map(value, grid, batch_size=64))
    assert float(value(action)) >= float(best) * (1 - 1e-5)


@pytest.mark.long
@pytest.mark.parametrize(("name", "rule"), [("paper", 0.9), ("dense", 0.8)])
def test_baselines_lie_in_their_order(name, rule):
    env, states = drawn(name, 64)
    best = oracle.best(env, states).reward.mean()
    constant = baselines.best_constant(env, states)
    by_hand = jax.jit(jax.vmap(lambda state: baselines.heuristic(env, state)))(states)
    random = baselines.random_actions(jax.random.key(0), 64, env.action_size)
    shares = {
        "constant": jax.jit(jax.vmap(env.reward, (0, None)))(states, constant).mean() / best,
        "rule": rewards(env, states, by_hand).mean() / best,
        "random": rewards(env, states, random).mean() / best,
    }
    assert shares["random"] < shares["constant"] < shares["rule"] < 1.0
    assert shares["constant"] < 0.85
    assert shares["rule"] > rule - 0.02


@pytest.mark.parametrize("num_users", [2, 5])
def test_the_rule_stays_in_the_box(num_users):
    env, states = drawn("paper", 50, num_users=num_users, num_eavesdroppers=0)
    actions = jax.jit(jax.vmap(lambda state: baselines.heuristic(env, state)))(states)
    assert actions.shape == (50, 3) and env.action_space().contains(actions)


def test_random_actions_fill_the_box():
    actions = baselines.random_actions(jax.random.key(0), 2000, 3)
    assert actions.shape == (2000, 3) and float(jnp.abs(actions).max()) <= 1.0
    np.testing.assert_allclose(jnp.mean(actions**2), 1 / 3, rtol=0.05)

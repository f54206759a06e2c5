"""Critics that keep to a table's symmetries: the same values whatever order it is in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.jamming import Environment, JammingScenario
from jaxsec.rl import equivariant, learner, networks
from jaxsec.rl.config import Config
from jaxsec.rl.layout import Layout
from tests.policy_cases import filled, normal
from tests.test_equivariant import LAYOUT, ORDER, B, joined, parts, permuted

CRITIC = equivariant.Critic(LAYOUT, 8)
ACTION = np.tanh(normal(2, B, 3))
VALUES = jax.jit(lambda *given: CRITIC.apply(*given))


def values(observation, action=ACTION):
    """[V, B]"""
    params = filled(jax.eval_shape(CRITIC.init, jax.random.key(0), observation, action))
    return np.asarray(VALUES(params, observation, action))


@pytest.mark.slow
def test_values_keep_when_columns_move_with_their_rows_and_actions():
    given = parts(LAYOUT)
    found = values(joined(LAYOUT, *given))
    moved = values(permuted(LAYOUT, *given), ACTION[:, ORDER])
    np.testing.assert_allclose(moved, found, rtol=1e-4, atol=1e-5)
    alone = values(joined(LAYOUT, *given), ACTION[:, ORDER])
    assert np.abs(alone - found).max() > 1e-2


def test_values_keep_when_free_rows_change_places():
    entries, columns, shared = parts(LAYOUT)
    order = [*range(6), 8, 6, 7]
    found = values(joined(LAYOUT, entries, columns, shared))
    moved = values(joined(LAYOUT, entries[:, order], columns, shared))
    np.testing.assert_allclose(moved, found, rtol=1e-4, atol=1e-5)


def test_twins_differ_and_every_action_counts():
    observation = joined(LAYOUT, *parts(LAYOUT))
    found = values(observation)
    assert found.shape == (2, B)
    assert np.abs(found[0] - found[1]).max() > 1e-2
    for column in range(3):
        other = values(observation, ACTION + 0.5 * np.eye(3)[column])
        assert np.abs(other - found).max(axis=1).min() > 1e-3


def test_an_entry_knows_the_actions_of_its_column_and_of_its_rows_owner():
    layout = Layout(2, (1, 0, 1), num_free=1)
    owned, free = equivariant.action_features(layout, jnp.array([[0.25, -0.5]]))
    np.testing.assert_array_equal(owned[0, :, :, 0], [[0.25, -0.5]] * 3)
    np.testing.assert_array_equal(owned[0, :, :, 1], [[0.75, 0.0], [0.0, -0.75], [0.75, 0.0]])
    np.testing.assert_array_equal(free[0, :, :, 0], [[0.25, -0.5]])


@pytest.mark.parametrize("policy", ["ddpg", "moe-gdm"])
def test_critics_are_of_the_kind_of_the_actor(policy):
    environment = Environment(JammingScenario())
    flat = learner.make_agent(Config(policy=policy, critic_width=4), environment)
    assert isinstance(flat.critic, networks.Critic)
    config = Config(policy=policy, network="equivariant", width=4, critic_width=4)
    agent = learner.make_agent(config, environment)
    _, critic = jax.eval_shape(lambda key: learner.networks(agent, key), jax.random.key(0))
    observation = jnp.zeros((5, environment.observation_size))
    found = jax.eval_shape(agent.lowest_value, critic, observation, jnp.zeros((5, 3)))
    assert found.shape == (5,)
    assert isinstance(agent.critic, equivariant.Critic)

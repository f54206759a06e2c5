"""The optimiser as a teacher of policies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.jamming import Environment, JammingScenario
from jaxsec.jamming.teacher import Optimiser
from jaxsec.rl import evaluation

COUNT = 4
SMALL = {"num_access_points": 2, "num_users": 2, "num_eavesdroppers": 1}


def taught(environment, states):
    return Optimiser(environment)(jax.random.key(3), states)


@pytest.mark.slow
def test_no_random_action_beats_its_own():
    environment = Environment(JammingScenario(**SMALL))
    states = evaluation.sample(environment, 5, COUNT).state
    action = taught(environment, states)
    assert action.shape == (COUNT, 2) and jnp.abs(action).max() <= 1
    tried = jax.random.uniform(jax.random.key(0), (COUNT, 500, 2), minval=-1.0, maxval=1.0)
    reward = jax.jit(jax.vmap(environment.reward))
    others = jax.jit(jax.vmap(jax.vmap(environment.reward, (None, 0))))(states, tried)
    best = np.asarray(others).max(axis=1)
    assert (reward(states, action) > best * (1 - 1e-4)).all()


@pytest.mark.slow
def test_it_acts_on_what_is_known():
    """Other eavesdroppers, as hidden as these, change nothing."""
    environment = Environment(JammingScenario(**SMALL, knowledge="hidden"))
    states = evaluation.sample(environment, 5, COUNT).state
    louder = states.slot.path_gain.at[:, SMALL["num_users"] :].multiply(10.0)
    moved = states._replace(slot=states.slot._replace(path_gain=louder))
    reward = jax.jit(jax.vmap(environment.reward))
    action = taught(environment, states)
    assert jnp.abs(reward(states, action) - reward(moved, action)).max() > 0.1
    np.testing.assert_array_equal(taught(environment, moved), action)

"""Rewards over a window of slots, against a two-slot problem that is solved by hand."""

import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import InputError
from jaxsec.jamming import slots
from jaxsec.rl import window
from jaxsec.rl.config import Config
from tests.battery_cases import alone

pytestmark = pytest.mark.usefixtures("no_type_checks")

ALONE = alone(power_steps="watt")


def valued(discount, length, action, states, spends=1.0):
    """Values of one action in every state, by an agent that then asks for what `spends` says."""
    agent: Any = types.SimpleNamespace(
        config=types.SimpleNamespace(window=length, discount=discount),
        act=lambda actor, key, observation: jnp.full((len(observation), 1), spends),
    )
    reward = jax.vmap(ALONE.reward)
    value = window.value(agent, None, ALONE, states, jax.random.key(0), reward)
    return value(jnp.full((len(states.time), 1), action))


@jax.jit
def values_of_two_slots(discount, actions, states):
    return jax.lax.map(lambda action: valued(discount, 2, action, states), actions)


@pytest.fixture(scope="module")
def states():
    return jax.jit(jax.vmap(ALONE.reset))(jax.random.split(jax.random.key(0), 4))[1]


@pytest.mark.parametrize("discount", [0.01, 0.5, 1.0])
def test_the_best_action_of_two_slots_is_that_by_hand(discount, states):
    """What is left goes in the second slot: log(1 + g·p) + γ·log(1 + g·(E − p)) is largest at
    p = (1 + g·E − γ)/(g·(1 + γ)), all of it at a discount near 0 and half of it at 1."""
    gain = np.asarray(jax.jit(jax.vmap(slots.gains))(states.slot))[:, 0, 0]
    level = np.asarray(states.battery.level)[:, 0]
    best = np.minimum((1.0 + gain * level - discount) / (gain * (1.0 + discount)), level)
    actions = np.linspace(-1.0, 1.0, 2001, dtype=np.float32)
    found = actions[np.argmax(values_of_two_slots(discount, actions, states), axis=0)]
    power = ALONE.power(jnp.asarray(found), ALONE.default_params)
    np.testing.assert_allclose(power, best, atol=1.5e-4)


def test_a_window_of_one_slot_is_the_reward_and_gradients_reach_back(states):
    reward = jax.jit(jax.vmap(ALONE.reward, (0, None)))(states, jnp.array([-0.9]))
    alone = jax.jit(lambda action: valued(1.0, 1, action, states))
    np.testing.assert_allclose(alone(-0.9), reward, rtol=1e-6)
    both = jax.jit(jax.value_and_grad(lambda action: jnp.sum(valued(1.0, 2, action, states))))
    ends = both(-0.91)[0], both(-0.89)[0]
    np.testing.assert_allclose(both(-0.9)[1], (ends[1] - ends[0]) / 0.02, rtol=2e-2)


@pytest.mark.parametrize(
    "change", [{"gradient": "critic", "discount": 0.9}, {"gradient": "smooth", "discount": 0.0}]
)
def test_a_window_that_would_be_idle_is_refused(change):
    with pytest.raises(InputError, match="`window` above 1 must have a `gradient` other than"):
        Config(window=2, **change)

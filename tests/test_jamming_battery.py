"""Batteries of access points: what goes in comes out, and nothing is there that was not put in."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.jamming import (
    SCENARIOS,
    Environment,
    battery,
    episodes,
    expected,
    optimise,
    powers,
    slots,
)
from jaxsec.jamming.episodes import Way

BATTERY = dataclasses.replace(SCENARIOS["battery"], episode_length=12)
ENVIRONMENT = Environment(BATTERY)
MOST = np.float32(0.5) * np.float32(BATTERY.max_power_w)
"""Capacity, watt."""


def first_slots(n):
    return jax.jit(jax.vmap(ENVIRONMENT.reset))(jax.random.split(jax.random.key(2), n))[1]


def acted(environment, action):
    """Rewards and states of four episodes in which `action` is done."""
    known = episodes.sample(environment, 3, 4)
    actions = jnp.broadcast_to(action, (12, 4, 3))
    run = jax.jit(lambda known: episodes.run(environment, known, episodes.planned(actions)))
    return run(known)


@pytest.fixture(scope="module")
def history():
    """Actions from least to most power, and the states that they were done in."""
    actions = jax.random.uniform(jax.random.key(0), (12, 4, 3), minval=-1.0, maxval=1.0)
    return actions, *acted(ENVIRONMENT, actions)


def test_energy_is_conserved_exactly(history):
    actions, _, states = history
    asked = np.asarray(ENVIRONMENT.power(actions, ENVIRONMENT.default_params))
    level, harvest = map(np.asarray, states.battery)
    spent = np.minimum(asked, level)
    assert (asked > level).any()
    assert (asked < level).any()
    after = np.minimum(level - spent + harvest, MOST)
    np.testing.assert_array_equal(level[1:], after[:-1])
    assert level.min() >= 0.0
    assert level.max() <= MOST


def test_what_is_sent_is_what_is_drawn(history):
    actions, rewards, states = history
    params = ENVIRONMENT.default_params
    transmitted = jax.vmap(jax.vmap(lambda s, a: ENVIRONMENT.transmitted(s, a, params)))
    sent = transmitted(states, actions)
    asked = np.asarray(ENVIRONMENT.power(actions, params))
    np.testing.assert_array_equal(sent, np.minimum(asked, states.battery.level))
    mains = Environment(dataclasses.replace(BATTERY, battery=None))
    given = jax.vmap(jax.vmap(mains.reward))(
        states._replace(battery=None), powers.asking(sent, "decibel", params)
    )
    enough = np.asarray((sent >= BATTERY.min_power_w).all(axis=-1))
    np.testing.assert_allclose(rewards[enough], given[enough], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_battery_that_is_never_empty_changes_nothing_else():
    mains = Environment(dataclasses.replace(BATTERY, battery=None))
    large = Environment(dataclasses.replace(BATTERY, battery=1e6))
    action = jnp.array([-1.0, 0.2, 1.0])
    (rewards, states), (others, fed) = acted(mains, action), acted(large, action)
    np.testing.assert_array_equal(rewards, others)
    jax.tree.map(np.testing.assert_array_equal, states, fed._replace(battery=None))


def test_harvests_are_packets_of_the_stated_mean():
    scenario = dataclasses.replace(BATTERY, harvest=0.3, harvest_probability=0.6)
    draw = jax.vmap(lambda key: battery.sample(key, scenario, 0.2))
    level, harvest = map(np.asarray, draw(jax.random.split(jax.random.key(1), 4000)))
    np.testing.assert_allclose(np.unique(harvest), [0.0, 0.1], rtol=1e-6)
    # Standard errors of 12,000 draws: 0.0004 and 0.0003.
    np.testing.assert_allclose([harvest.mean(), level.mean()], [0.06, 0.05], atol=0.002)
    assert abs(np.corrcoef(harvest[:, 0], harvest[:, 1])[0, 1]) < 0.06


def test_the_observation_carries_the_level():
    states, observe = first_slots(2), jax.jit(jax.vmap(ENVIRONMENT.get_obs))
    level = jnp.array([[0.1, 0.01, 0.0], [0.05, 0.002, 0.03]])  # -> 0, -10 and -40 dB of 0.1 W
    states = states._replace(battery=states.battery._replace(level=level))
    seen = ENVIRONMENT.layout.split(observe(states))
    assert seen.columns.shape == (2, 3, 2)
    np.testing.assert_allclose(seen.columns[0, :, 1], [-1.0, -1.5, -3.0], rtol=1e-5)
    assert ENVIRONMENT.observation_size == 3 * 5 + 6
    harvest = states._replace(battery=states.battery._replace(harvest=level))
    np.testing.assert_array_equal(observe(states), observe(harvest))


def test_who_asks_for_too_much_has_the_slope_of_asking_for_less():
    slope = jax.grad(battery.drawn, argnums=(0, 1))
    assert slope(2.0, 3.0) == (1.0, 0.0)
    assert slope(3.0, 2.0) == (1.0, 1.0)
    assert battery.drawn(jnp.float32(0.3), jnp.float32(0.1)) == np.float32(0.1)


@pytest.mark.slow
def test_searches_spend_what_is_there():
    """On batteries that are almost empty, and in the mean over draws too."""
    states = first_slots(8)
    level = jnp.full((8, 3), 0.004)
    states = states._replace(battery=states.battery._replace(level=level))
    found = optimise.best(ENVIRONMENT, states, setting=optimise.Setting(4, 10))
    capped = Environment(dataclasses.replace(BATTERY, battery=None, max_power_w=0.004))
    wanted = optimise.best(capped, states._replace(battery=None), setting=optimise.Setting(4, 10))
    np.testing.assert_allclose(found.reward.mean(), wanted.reward.mean(), rtol=0.03)
    gains = jax.vmap(slots.gains)(states.slot)[:, None]
    of_draws = expected.best(ENVIRONMENT, states, gains, setting=optimise.Setting(4, 10))
    np.testing.assert_allclose(of_draws.reward, found.reward, rtol=0.05)


@pytest.mark.parametrize("steps", ["decibel", "watt"])
def test_actions_ask_for_powers(steps):
    params, action = ENVIRONMENT.default_params, jnp.linspace(-1.0, 1.0, 9)
    asked = powers.asking(powers.of(action, steps, params), steps, params)
    np.testing.assert_allclose(asked, action, atol=1e-5)
    ends = powers.asking(jnp.array([0.0, 1.0]), steps, params)
    np.testing.assert_allclose(ends, [-1.0, 1.0], atol=1e-6)


def test_ways_act_on_what_they_remember():
    count = Way(lambda n, key, states: (jnp.full((4, 3), n / 12.0), n + 1.0), jnp.zeros(()))
    known = episodes.sample(ENVIRONMENT, 3, 4)
    _, states = jax.jit(lambda known: episodes.run(ENVIRONMENT, known, count))(known)
    np.testing.assert_allclose(states.previous[1:, 0, 0], np.arange(11) / 12.0, atol=1e-6)

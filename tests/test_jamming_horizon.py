"""Model-predictive search: the slot's optimiser if nothing lasts, water-filling if it does."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import InputError
from jaxsec.jamming import SCENARIOS, Environment, episodes, horizon, optimise, slots
from jaxsec.jamming.horizon import Horizon
from jaxsec.jamming.optimise import Setting
from jaxsec.rl.waterfilling import water_filling
from tests.battery_cases import alone

ALONE = alone(episode_length=4)
SETTING = Setting(4, 40, num_fine_steps=80)


def first_slots(environment, n, seed=0):
    return jax.jit(jax.vmap(environment.reset))(jax.random.split(jax.random.key(seed), n))[1]


def check_nearly(found, most):
    """Never above the optimum, and within half a percent of it."""
    assert (found <= 1.00001 * most).all()
    assert (found >= 0.995 * most).all()


@pytest.mark.slow
def test_a_horizon_of_one_slot_is_the_optimiser_of_the_slot():
    environment = Environment(SCENARIOS["battery"])
    states, careful = first_slots(environment, 8), optimise.SETTINGS["careful"]
    ours = horizon.best(environment, states, horizon=Horizon(1, 1, 1), setting=careful)
    theirs = optimise.best(environment, states, setting=careful)
    reward = jax.vmap(environment.reward)(states, ours.action)
    np.testing.assert_allclose(ours.value, reward, rtol=1e-4)
    np.testing.assert_allclose(reward, theirs.reward, rtol=2e-3)
    assert ours.plan.shape == (8, 3)


@pytest.mark.slow
def test_a_channel_that_stays_has_its_energy_spread_evenly():
    states = first_slots(ALONE, 8)
    found = horizon.best(ALONE, states, horizon=Horizon(4, 1, 3), setting=SETTING)
    power = ALONE.power(found.action, ALONE.default_params)
    np.testing.assert_allclose(power, states.battery.level / 4.0, rtol=0.2)  # 0.8 dB of 40
    gain = jax.vmap(slots.gains)(states.slot)[:, 0, 0]
    most = 4.0 * jnp.log2(1.0 + gain * states.battery.level[:, 0] / 4.0)
    check_nearly(found.value, most)


@pytest.mark.slow
def test_who_knows_the_future_fills_with_water():
    """Over slots instead of channels; what is in the battery is the total."""
    environment = Environment(dataclasses.replace(ALONE.scenario, fading="block"))

    @jax.jit
    def run(actions):
        known = episodes.sample(environment, 5, 8)
        return episodes.run(environment, known, episodes.planned(actions))

    _, truth = run(jnp.full((4, 8, 1), -1.0))
    reward, _ = run(horizon.clairvoyant(environment, truth, setting=SETTING))
    gains = jax.vmap(jax.vmap(slots.gains))(truth.slot)[:, :, 0, 0]
    level = truth.battery.level[0, :, 0]
    share = water_filling(gains.T * level[:, None], 1.0)
    most = jnp.sum(jnp.log2(1.0 + gains.T * level[:, None] * share), axis=1)
    check_nearly(jnp.sum(reward, axis=0), most)


def test_futures_begin_with_what_is_known_and_differ_after_it():
    environment = Environment(SCENARIOS["battery"])
    states = first_slots(environment, 2)
    params, look = environment.default_params, Horizon(3, 64, 1)
    ahead = jax.jit(lambda states, key: horizon.futures(environment, states, params, key, look))(
        states, jax.random.key(1)
    )
    fading = np.asarray(ahead.slot.fading)
    assert fading.shape[:3] == (3, 64, 2)
    np.testing.assert_array_equal(fading[0, 0], states.slot.fading)
    np.testing.assert_array_equal(fading[0, 5], states.slot.fading)
    # Mean ρ^h of what it was, over 64 futures of 2·15 links; the harvest of the slot is not known.
    rho = environment.scenario.correlation
    ratio = np.sum(fading[2] * fading[0].conj()).real / np.sum(np.abs(fading[0]) ** 2)
    np.testing.assert_allclose(ratio, rho**2, atol=0.05)
    assert ahead.battery is not None
    assert np.std(ahead.battery.harvest[0], axis=0).min() > 0.0


def test_the_next_search_begins_with_the_rest_of_the_plan():
    found = horizon.Planned(jnp.zeros((1, 2)), jnp.arange(6.0)[None], jnp.zeros(1))
    np.testing.assert_array_equal(horizon.following(found, 2), [[0.0, 0.0, 4.0, 5.0, 4.0, 5.0]])
    alone = found._replace(plan=jnp.ones((1, 2)))
    np.testing.assert_array_equal(horizon.following(alone, 2), [[0.0, 0.0]])


@pytest.mark.slow
def test_episodes_are_paired_and_searches_ahead_of_spending_everything():
    """The same fading for all; a small search, and 0.2 of what is there, against all of it."""
    environment = Environment(dataclasses.replace(SCENARIOS["battery"], episode_length=8))
    known = jax.jit(lambda: episodes.sample(environment, 1, 16))()
    ways = {
        "search": episodes.predictive(environment, 16, Horizon(8, 4, 1)),
        "share": episodes.share(environment, 0.2),
        "myopic": episodes.myopic(environment),
    }
    found = {
        name: jax.jit(lambda known, way=way: episodes.run(environment, known, way))(known)
        for name, way in ways.items()
    }
    for _, states in found.values():
        wanted = found["share"][1].slot.fading
        np.testing.assert_allclose(states.slot.fading, wanted, atol=1e-6)
        np.testing.assert_array_equal(states.battery.harvest, found["share"][1].battery.harvest)
    mean = {name: float(rewards.mean()) for name, (rewards, _) in found.items()}
    assert mean["search"] > 1.1 * mean["myopic"]
    assert mean["share"] > 1.1 * mean["myopic"]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"battery": None}, {}, "must have batteries and exact knowledge, but has battery=None"),
        ({"knowledge": "hidden"}, {}, "but has battery=0.5 and knowledge='hidden'"),
        ({}, {"horizon": Horizon(0)}, "`horizon.num_slots` must be at least 1, but is 0"),
        ({}, {"start": jnp.zeros((2, 3))}, r"`start` must have shape \(2, 6\), but has shape"),
    ],
)
def test_what_cannot_be_searched_is_refused(change, options, message):
    environment = Environment(dataclasses.replace(SCENARIOS["battery"], **change))
    with pytest.raises(InputError, match=message):
        horizon.best(environment, first_slots(environment, 2), **options)

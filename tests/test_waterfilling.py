"""The water-filling problem: the optimum by other means, and what a trained policy makes of it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.checks import InputError
from jaxsec.rl.config import Config
from jaxsec.rl.training import Training
from jaxsec.rl.waterfilling import WaterFilling, sum_rate, water_filling

ENVIRONMENT = WaterFilling()
BOTH = (ENVIRONMENT, WaterFilling(allocation="ramp"))


COUNT = 4096


@functools.cache
def draw():
    """Observations and states [COUNT] of fresh slots."""
    return jax.jit(jax.vmap(ENVIRONMENT.reset))(jax.random.split(jax.random.key(0), COUNT))


def rewards(environment, action):
    """Of actions [COUNT, N] in these slots."""
    return np.asarray(jax.jit(jax.vmap(environment.reward))(draw()[1], action))


def by_bisection(gains, total_power):
    """The level of the water by halving an interval, in float64."""
    floor = 1.0 / np.asarray(gains, float)
    low, high = floor.min(-1, keepdims=True), floor.min(-1, keepdims=True) + total_power
    for _ in range(200):
        level = (low + high) / 2.0
        over = np.maximum(level - floor, 0.0).sum(-1, keepdims=True) > total_power
        low, high = np.where(over, low, level), np.where(over, level, high)
    return np.maximum(high - floor, 0.0)


@pytest.mark.parametrize("total_power", [0.01, 3.0, 500.0])
def test_water_filling_is_that_of_a_bisection(float64, total_power):
    gains = np.random.default_rng(0).uniform(1e-3, 2.0, (200, 10))
    power = water_filling(gains, total_power)
    np.testing.assert_allclose(power, by_bisection(gains, total_power), atol=1e-9 * total_power)


def test_water_filling_meets_the_conditions_of_the_optimum(float64):
    # KKT: the rate's slope g/(1 + g·p) is the same wherever there is power, and nowhere larger.
    gains = np.random.default_rng(1).uniform(0.0, 2.0, (200, 10))
    power = np.asarray(water_filling(gains, 3.0))
    np.testing.assert_allclose(power.sum(-1), 3.0, rtol=1e-12)
    slope = gains / (1.0 + gains * power)
    largest = slope.max(-1, keepdims=True)
    assert (slope[power > 0] / np.broadcast_to(largest, slope.shape)[power > 0]).min() > 1 - 1e-9


def test_water_filling_by_hand():
    # Levels: 1 + p alone, or (3 + 1 + 2)/2 = 3 with both channels under water.
    np.testing.assert_allclose(water_filling(jnp.array([1.0, 0.5]), 3.0), [2.0, 1.0])
    np.testing.assert_allclose(water_filling(jnp.array([0.5, 1.0]), 1.0), [0.0, 1.0])


def test_channels_without_gain_get_no_power():
    np.testing.assert_allclose(water_filling(jnp.array([0.0, 1.0, 0.0]), 3.0), [0.0, 3.0, 0.0])
    power = water_filling(jnp.zeros(4), 3.0)
    np.testing.assert_allclose(power, 0.75)


@pytest.mark.usefixtures("no_type_checks")
def test_bad_input_gets_one_clear_line():
    with pytest.raises(InputError, match="`total_power` must be positive, but is 0"):
        water_filling(jnp.ones(3), 0.0)
    with pytest.raises(InputError, match="`gains` must hold at least one channel"):
        water_filling(jnp.ones((3, 0)), 1.0)
    with pytest.raises(InputError, match="must be at least 1, but is 0"):
        WaterFilling(0, 0)
    with pytest.raises(InputError, match="`allocation` must be fold or ramp"):
        WaterFilling(allocation="softmax")  # pyright: ignore
    with pytest.raises(InputError, match=r"`weak_gains` must be two finite gains, .* \(0.2, 0.1\)"):
        WaterFilling(weak_gains=(0.2, 0.1))


@pytest.mark.parametrize("environment", BOTH)
def test_no_action_beats_the_optimum_and_its_own_action_reaches_it(environment):
    action = np.random.default_rng(2).uniform(-1.5, 1.5, (COUNT, 10)).astype(np.float32)
    assert rewards(environment, action).max() < 0.0
    share = np.asarray(water_filling(draw()[1].gains, 3.0)) / 3.0
    optimal = share if environment.allocation == "fold" else 2.0 * share - 1.0
    np.testing.assert_allclose(rewards(environment, optimal), 0.0, atol=5e-5)
    power = environment.power(jnp.asarray(action))
    np.testing.assert_allclose(power.sum(-1), 3.0, rtol=1e-5)


def test_powers_are_shares_of_the_actions_size():
    action = np.array([0.1, -0.4, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, -2.0], np.float32)
    power = np.abs(np.clip(action, -1.0, 1.0)) * 3.0 / 2.0
    np.testing.assert_allclose(ENVIRONMENT.power(jnp.asarray(action)), power, atol=1e-5)


def test_uniform_allocation_loses_what_the_public_framework_reports():
    reward = rewards(ENVIRONMENT, np.ones((COUNT, 10), np.float32))
    np.testing.assert_allclose(reward.mean(), -0.99, atol=0.015)


@pytest.mark.parametrize("environment", BOTH)
def test_gradients_are_finite_and_alive_in_the_middle_and_at_the_corners(environment):
    state = jax.tree.map(lambda x: x[0], draw()[1])
    gradient = jax.jit(jax.value_and_grad(lambda a: environment.reward(state, a)))
    for value in (-1.0, 0.0, 1.0):
        reward, slope = gradient(jnp.full(10, value))
        assert np.isfinite(reward) and np.isfinite(slope).all() and (slope != 0.0).all()
    np.testing.assert_allclose(environment.power(jnp.zeros(10)), 0.3, rtol=1e-5)


def test_slots_are_one_step_episodes_of_the_stated_gains():
    observation, state = draw()
    assert observation.shape == (COUNT, ENVIRONMENT.observation_size)
    assert observation.min() >= 0.0 and observation.max() <= 2.0
    np.testing.assert_allclose(state.gains[:, :5].mean(), 1.5, atol=0.02)
    np.testing.assert_allclose(state.gains[:, 5:].mean(), 0.5, atol=0.02)
    one = jax.tree.map(lambda x: x[0], state)
    action = ENVIRONMENT.action_space().sample(jax.random.key(1))
    observation, after, reward, terminated, truncated, info = ENVIRONMENT.step(
        jax.random.key(2), one, action
    )
    assert terminated and truncated and reward == ENVIRONMENT.reward(one, action)
    assert not np.allclose(after.gains, one.gains)
    np.testing.assert_array_equal(observation, ENVIRONMENT.get_obs(after))
    np.testing.assert_array_equal(info["final_observation"], ENVIRONMENT.get_obs(one))
    rate = sum_rate(one.gains, ENVIRONMENT.power(action))
    np.testing.assert_allclose(info["rate"], rate, rtol=1e-5)


def test_the_public_frameworks_large_problem():
    """50 strong channels share all of the power, 50 weak ones lie dry."""
    large = WaterFilling(50, 50, strong_gains=(13.0, 14.0), weak_gains=(0.0, 0.1))
    observation, state = jax.jit(large.reset)(jax.random.key(0))
    assert observation.shape == (101,) and large.observation_space().contains(observation)
    strong, weak = np.split(np.asarray(state.gains), 2)
    assert strong.min() >= 13 and strong.max() <= 14 and np.ptp(strong) > 0.8
    assert weak.min() >= 0 and weak.max() <= 0.1 and np.ptp(weak) > 0.08

    gains = jnp.repeat(jnp.array([13.5, 0.05]), 50)
    power = water_filling(gains, large.total_power)
    np.testing.assert_allclose(power[:50], 0.06, rtol=1e-5)
    assert (np.asarray(power[50:]) == 0.0).all()
    np.testing.assert_allclose(sum_rate(gains, power), 42.7995, atol=1e-4)


def test_the_power_to_share_is_a_parameter():
    params = ENVIRONMENT.default_params.replace(total_power=6.0)
    _, state = ENVIRONMENT.reset(jax.random.key(0), params)
    wanted = sum_rate(state.gains, water_filling(state.gains, 6.0))
    np.testing.assert_allclose(state.best, wanted, rtol=1e-6)
    action = jnp.ones(10)
    np.testing.assert_allclose(ENVIRONMENT.power(action, params), 0.6, rtol=1e-6)

    def best(power):
        return ENVIRONMENT.reset(jax.random.key(0), params.replace(total_power=power))[1].best

    slope = (best(6.1) - best(5.9)) / 0.2
    np.testing.assert_allclose(jax.grad(best)(6.0), slope, rtol=1e-3)


@pytest.mark.long
def test_a_short_training_leaves_the_uniform_allocation_far_behind(no_type_checks):
    config = Config(
        policy="gdm",
        bound="hold",
        width=32,
        critic_width=32,
        num_updates=800,
        batch_size=128,
        actor_learning_rate=1e-3,
        critic_learning_rate=3e-3,
        critic_warmup=100,
        exploration=0.3,
    )
    training = Training(config, BOTH[1], devices=1)
    state, metrics = training.run(training.init(np.array([0])), config.num_updates)
    assert np.isfinite(metrics["critic_loss"]).all()
    observation, states = draw()
    actor = jax.tree.map(lambda x: x[0], state.actor)
    noise = training.policy.noise(jax.random.key(1), COUNT)
    action = jax.jit(training.policy.act)(actor, noise, observation)
    assert jax.vmap(training.environment.reward)(states, action).mean() > -0.1

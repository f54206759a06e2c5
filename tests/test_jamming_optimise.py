"""The optimiser of jamming: smooth rewards, their gradient, and what is found with them."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import InputError
from jaxsec.jamming import (
    METRICS,
    Environment,
    Metric,
    ascent,
    links,
    objective,
    optimise,
    rates,
    slots,
)
from jaxsec.jamming import metrics as jamming_metrics
from jaxsec.jamming.metrics import Outcome
from jaxsec.jamming.optimise import Setting
from jaxsec.jamming.scenario import SCENARIOS
from jaxsec.rl import evaluation

ALL = tuple((name, 1.0 + i) for i, name in enumerate(METRICS))


def drawn(n, seed=0, metrics=ALL, **changes):
    """An environment and states of it."""
    env = Environment(dataclasses.replace(SCENARIOS["paper"], metrics=metrics, **changes))
    return env, evaluation.sample(env, seed, n).state


def uniform(env, n, seed=1):
    drawn = np.random.default_rng(seed).uniform(-1.0, 1.0, (n, env.action_size))
    return jnp.asarray(drawn, jnp.float32)


@functools.partial(jax.jit, static_argnums=0)
def rewards(env, states, actions):
    return jax.vmap(env.reward)(states, actions)


@pytest.mark.parametrize(("num_users", "num_eves"), [(3, 2), (2, 0), (5, 1)])
def test_rates_of_search_and_their_gradient_are_those_of_the_environment(num_users, num_eves):
    env, states = drawn(6, num_users=num_users, num_eavesdroppers=num_eves)
    gains = jax.jit(jax.vmap(slots.gains))(states.slot)
    power = jnp.asarray(np.asarray(uniform(env, 6)) + 1.01)
    weight = jnp.asarray(np.random.default_rng(2).standard_normal((6, num_users)), jnp.float32)

    def search(power):
        found = links.signed_secrecy_rates(power.T[:, None], links.links(gains, num_users))
        return jnp.sum(weight * found[:, 0].T), found[:, 0].T

    def plain(power):
        found = rates.signed_secrecy_rates(power, gains[:, :num_users], gains[:, num_users:])
        return jnp.sum(weight * found), found

    ((_, rate), slope), ((_, plain_rate), plain_slope) = (
        jax.jit(jax.value_and_grad(f, has_aux=True))(power) for f in (search, plain)
    )
    np.testing.assert_allclose(rate, plain_rate, atol=1e-5)
    np.testing.assert_allclose(slope, plain_slope, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_an_objective_is_the_environment_s_reward_and_its_smooth_gradient():
    env, states = drawn(6, preferences=True)
    action = uniform(env, 6)
    problem = objective.objective(env, states, env.default_params)
    reward, gradient = jax.jit(problem.climb)(action.T[:, None], 0.3)
    np.testing.assert_allclose(reward[0], rewards(env, states, action), rtol=1e-4, atol=1e-4)
    slope = jax.jit(jax.vmap(jax.grad(env.smooth_reward, argnums=1), (0, 0, None)))
    wanted = slope(states, action, 0.3)
    np.testing.assert_allclose(gradient[:, 0].T, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", METRICS)
def test_gradient_of_a_smooth_metric_is_its_finite_difference(name):
    with jax.enable_x64(True):
        env, states = drawn(1, metrics=((name, 1.0),))
        state = jax.tree.map(lambda x: jnp.asarray(np.asarray(x[0]) * np.float64(1.0)), states)
        action = jnp.array([0.3, -0.2, 0.5])
        smooth = jax.jit(jax.value_and_grad(lambda action: env.smooth_reward(state, action, 0.5)))
        gradient = smooth(action)[1]
        step = 1e-4 * np.eye(3)
        ends = [[float(smooth(action + sign * row)[0]) for sign in (1, -1)] for row in step]
    np.testing.assert_allclose(gradient, np.subtract(*np.transpose(ends)) / 2e-4, rtol=1e-3)


@pytest.mark.parametrize("name", METRICS)
def test_smooth_forms_tend_to_their_metrics(name):
    rate = jnp.array([[-2.0, 0.3, 1.7], [0.9, 2.0, -0.1], [1.2, 3.0, 2.2]])
    power = jnp.array([[0.02, 0.05, 0.1]])
    signed = Outcome(power, power, rate, 0.1, 1.0)
    wanted = METRICS[name](signed._replace(secrecy_rate=jnp.maximum(rate, 0.0)))
    far = [
        jnp.abs(jamming_metrics.smooth_values([METRICS[name]], signed, tau)[0] - wanted).max()
        for tau in (1.0, 0.1, 0.01)
    ]
    assert far[0] >= far[1] >= far[2]
    np.testing.assert_allclose(far[2], 0.0, atol=2e-3)


def test_dead_gradients_live():
    """A user below 0 has no gradient of its rate, and an outage has none anywhere."""
    signed = Outcome(jnp.ones(2), jnp.ones(2), jnp.array([-0.5, 0.4]), 0.1, 1.0)

    def value(metric, rate):
        return metric(signed._replace(secrecy_rate=jnp.maximum(rate, 0.0)))

    def smooth(metric, rate):
        return metric.smooth(signed._replace(secrecy_rate=rate), jnp.array(0.3))

    slopes = jax.jit(
        lambda metric, rate: [jax.grad(f, argnums=1)(metric, rate) for f in (value, smooth)],
        static_argnums=0,
    )
    for name in ("secrecy_rate", "outage", "worst_user"):
        dead, alive = map(np.asarray, slopes(METRICS[name], signed.secrecy_rate))
        assert dead[0] == 0.0
        assert alive[0] > 1e-3
        assert name != "outage" or np.all(dead == 0.0)


@pytest.mark.slow
def test_nothing_ends_below_its_start_or_outside_the_box():
    env, states = drawn(7, metrics=(("secrecy_rate", 1.0), ("outage", 2.0)))
    corners = np.stack((uniform(env, 7), np.ones((7, 3)), -np.ones((7, 3))), axis=1)
    corners = jnp.asarray(corners, jnp.float32)
    setting = Setting(0, 12, num_kept=2, num_sweeps=1, num_fine_steps=6)
    found = optimise.best(env, states, starts=corners, setting=setting, chunk=3)
    before = np.stack([rewards(env, states, corners[:, i]) for i in range(3)]).max(axis=0)
    after = np.asarray(rewards(env, states, found.action))
    assert found.action.shape == (7, 3) and env.action_space().contains(found.action)
    np.testing.assert_allclose(found.reward, after, rtol=1e-5, atol=1e-5)
    assert np.all(after >= before - 1e-5) and np.mean(after > before + 0.01) > 0.5
    power = jax.vmap(env.power, (0, None))(found.action, env.default_params)
    assert np.all(power >= 1e-3 * (1 - 1e-5)) and np.all(power <= 0.1 * (1 + 1e-5))


def test_an_optimum_stays_where_it_is():
    """With one user and no eavesdropper, all power serves it."""
    env, states = drawn(
        3, metrics=(("secrecy_rate", 1.0),), num_access_points=1, num_users=1, num_eavesdroppers=0
    )
    found = optimise.best(env, states, setting=Setting(2, 20))
    np.testing.assert_array_equal(found.action, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("outage", [0.0, 2.0])
def test_the_best_of_a_grid_is_found(outage):
    """To a tenth of a percent in the mean; on no slot short by more than 5%."""
    metrics = (("secrecy_rate", 1.0), ("outage", outage))
    env, states = drawn(48, metrics=metrics, num_access_points=2, num_users=2)
    axis = np.linspace(-1.0, 1.0, 201, dtype=np.float32)
    grid = jnp.asarray(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))
    of_all = jax.jit(jax.vmap(jax.vmap(env.reward, (None, 0)), (0, None)))
    wanted = np.asarray(of_all(states, grid)).max(axis=1)
    found = optimise.best(env, states, setting=optimise.SETTINGS["thorough"]).reward
    assert np.mean(found) >= np.mean(wanted) - 1e-3 * np.mean(np.abs(wanted))
    np.testing.assert_array_less(wanted - 0.05 * np.abs(wanted) - 1e-3, found)


def loudest(outcome):
    """A metric of a user's own."""
    return -jnp.max(outcome.power, axis=-1)


@pytest.mark.slow
def test_a_metric_without_a_smooth_form_is_searched_by_its_values():
    env, states = drawn(5, metrics=(("secrecy_rate", 1.0), (loudest, 20.0)))
    start = uniform(env, 5)
    found = optimise.best(env, states, starts=start[:, None], setting=Setting(4, 12))
    assert np.all(np.asarray(found.reward) > rewards(env, states, start))
    with pytest.raises(InputError, match="must have smooth forms for this, but 'loudest' has none"):
        env.smooth_reward(jax.tree.map(lambda x: x[0], states), start[0], 0.1)


def test_a_metric_of_one_s_own_may_carry_its_smooth_form():
    whole = Metric(loudest, smooth=lambda outcome, temperature: loudest(outcome))
    env, states = drawn(2, metrics=((whole, 1.0),))
    assert jamming_metrics.name(whole) == "loudest"
    assert objective.objective(env, states, env.default_params).is_smooth
    found = optimise.best(env, states, setting=Setting(2, 20))
    np.testing.assert_allclose(found.action, -1.0, atol=1e-5)


def test_mistakes_are_named():
    env, states = drawn(2)
    with pytest.raises(InputError, match=r"`starts` must have shape \(2, C, 3\), but has shape"):
        optimise.best(env, states, starts=jnp.zeros((2, 1, 4)))
    with pytest.raises(InputError, match="`setting` must have random starts where no `starts`"):
        optimise.best(env, states, setting=Setting(0, 3))
    with pytest.raises(InputError, match=r"`starts` must lie in \[-1, 1\], but one is 1.5 from 0"):
        optimise.best(env, states, starts=jnp.full((2, 1, 3), -1.5))
    with pytest.raises(InputError, match=r"`setting.num_kept` must be at least 1, but is 0"):
        optimise.best(env, states, setting=Setting(1, 1, num_kept=0))
    with pytest.raises(InputError, match="`chunk` must be at least 1, but is 0"):
        optimise.best(env, states, chunk=0)


def test_the_best_are_kept_in_order():
    reward = jnp.array([[1.0, 5.0], [3.0, 4.0], [2.0, 6.0]])
    climb = ascent.Climb(jnp.arange(6.0).reshape(1, 3, 2), reward)
    kept = ascent.keep(climb, 2)
    np.testing.assert_array_equal(kept.reward, [[3.0, 6.0], [2.0, 5.0]])
    np.testing.assert_array_equal(kept.action[0], [[2.0, 5.0], [4.0, 1.0]])


def test_starts_in_blocks_climb_as_all_at_once(monkeypatch):
    env, states = drawn(2, metrics=(("secrecy_rate", 1.0),))
    starts, key = uniform(env, 14).reshape(2, 7, 3), jax.random.key(0)
    setting = Setting(0, 5, num_kept=7)

    def found(block):
        monkeypatch.setattr(optimise, "BLOCK", block)
        problem = objective.objective(env, states, env.default_params)
        return jax.jit(lambda: optimise.search(problem, starts, key, setting))()

    np.testing.assert_allclose(found(6), found(14), atol=1e-4)

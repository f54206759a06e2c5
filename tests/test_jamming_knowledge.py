"""What is known of eavesdroppers: observations, draws of the posterior, and searches on them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxsec import InputError
from jaxsec.jamming import (
    Environment,
    JammingScenario,
    density,
    expected,
    knowledge,
    objective,
    optimise,
    partial,
    posterior,
    slots,
)
from jaxsec.jamming.optimise import Setting

SMALL = JammingScenario(
    num_access_points=2,
    num_users=2,
    num_eavesdroppers=2,
    regimes=(2.0, 1.0, 1.0),
    line_of_sight=0.5,
    metrics=(("secrecy_rate", 1.0), ("outage", 2.0)),
)
N, D = 256, 8


def drawn(known, **changes):
    """An environment, observations and states of N slots."""
    env = Environment(dataclasses.replace(SMALL, knowledge=known, **changes))
    observation, states = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), N))
    return env, observation, states


@pytest.fixture(scope="module", params=["hidden", "sensed", "noisy"])
def known(request):
    return drawn(request.param)


def with_other_eavesdroppers(states):
    """The same slots but for eavesdroppers' gains."""
    gains = jax.vmap(slots.gains)(states.slot)
    gains = gains.at[:, SMALL.num_users :].multiply(7.0)
    return states._replace(slot=jax.vmap(slots.of_gains)(states.slot, gains))


def test_a_slot_is_the_same_whatever_is_known_of_it(known):
    exact, _, wanted = drawn("exact")
    env, _, states = known
    np.testing.assert_array_equal(states.slot.fading, wanted.slot.fading)
    action = jnp.zeros((N, 2))
    reward = jax.jit(jax.vmap(env.reward))(states, action)
    np.testing.assert_array_equal(reward, jax.jit(jax.vmap(exact.reward))(wanted, action))


def test_observations_are_laid_out_as_what_is_known(known):
    env, observation, states = known
    parts = env.layout.split(observation)
    heard = env.scenario.knowledge == "noisy"
    assert parts.entries.shape[1:] == (4 if heard else 2, 2)
    np.testing.assert_array_equal(parts.columns[..., 0], states.previous)
    if env.scenario.knowledge == "sensed":
        np.testing.assert_array_equal(jnp.argmax(parts.shared, axis=1), states.evidence.detected)
    else:
        assert parts.shared.shape[1] == 0


@pytest.mark.slow
def test_what_is_not_observed_moves_nothing_but_the_reward(known):
    env, observation, states = known
    others = with_other_eavesdroppers(states)
    heard = env.scenario.knowledge == "noisy"
    again = jax.jit(jax.vmap(env.get_obs))(others)
    assert jnp.allclose(again, observation, atol=1e-5) != heard
    before, after = (partial.estimated(env, x).slot.path_gain for x in (states, others))
    assert jnp.allclose(before, after, rtol=1e-5, atol=0.0) != heard
    drawn_before, drawn_after = (posterior.draws(env, x, D) for x in (states, others))
    gains = jax.vmap(slots.gains)(states.slot)
    np.testing.assert_allclose(drawn_before[:, 0, :2], gains[:, :2], rtol=1e-5)
    if not heard:
        np.testing.assert_allclose(drawn_before[:, :, 2:], drawn_after[:, :, 2:], rtol=1e-3)
    action = jnp.zeros((N, 2))
    reward = jax.jit(jax.vmap(env.reward))
    assert jnp.mean(reward(states, action)) > jnp.mean(reward(others, action)) + 0.1


@pytest.mark.slow
def test_noise_without_an_error_is_exact_knowledge():
    _, wanted, _ = drawn("exact")
    env, observation, states = drawn("noisy", gain_error_db=0.0)
    np.testing.assert_allclose(observation, wanted, atol=1e-5)
    truth = jax.vmap(slots.gains)(states.slot)
    seen = knowledge.seen(env.scenario, *jax.tree.map(lambda x: x[0], states[:2]))
    draw = jax.jit(lambda seen, key: posterior.of_slot(env.scenario, seen, 2, key))
    found = draw(seen, jax.random.key(1))
    np.testing.assert_allclose(found, jnp.stack((truth[0], truth[0])), rtol=1e-5)
    nearly, observation, _ = drawn("noisy", gain_error_db=0.01)
    assert nearly.observation_size == observation.shape[1]
    np.testing.assert_allclose(observation, wanted, atol=0.05 / 20)


def test_errors_of_levels_are_normal():
    env, observation, _ = drawn("noisy")
    _, wanted, _ = drawn("exact")
    error = 20.0 * np.asarray(observation - wanted)[:, 4:8].ravel()
    assert stats.kstest(error, stats.norm(0.0, env.scenario.gain_error_db).cdf).pvalue > 1e-3
    np.testing.assert_allclose(observation[:, :4], wanted[:, :4], atol=1e-5)


@pytest.mark.parametrize("right", [0.8, 1.0])
def test_a_detector_is_right_with_its_probability(right):
    env, observation, states = drawn("sensed", detection_probability=right)
    word = np.asarray(states.evidence.detected)
    correct = int(np.sum(word == np.asarray(states.slot.regime)))
    assert stats.binomtest(correct, N, right).pvalue > 1e-3
    np.testing.assert_array_equal(np.argmax(observation[:, -3:], axis=1), word)
    # Bayes' rule: of those that are reported to be somewhere, the share that are there.
    shares = jax.vmap(lambda slot, evidence: knowledge.seen(env.scenario, slot, evidence))
    shares = jax.vmap(lambda seen: knowledge.regime_shares(env.scenario, seen))(
        shares(states.slot, states.evidence)
    )
    prior = np.array([0.5, 0.25, 0.25])
    likelihood = np.where(np.eye(3) > 0, right, (1 - right) / 2)
    wanted = prior * likelihood / (likelihood @ prior)[:, None]
    np.testing.assert_allclose(shares, wanted[word], rtol=1e-5, atol=1e-7)


def test_evidence_is_new_in_a_geometry_that_stays():
    env, _, states = drawn("sensed", fading="gauss-markov", detection_probability=1.0)
    keys = jax.random.split(jax.random.key(1), N)
    _, after, *_ = jax.jit(jax.vmap(env.step))(keys, states, jnp.zeros((N, 2)))
    np.testing.assert_array_equal(after.slot.regime, states.slot.regime)
    np.testing.assert_array_equal(after.evidence.detected, after.slot.regime)


@pytest.mark.parametrize("factor", [0.0, 10.0])
@pytest.mark.parametrize("error", [0.0, 6.0])
def test_densities_of_levels_are_those_of_the_links(factor, error):
    table = density.table((factor,), error)
    levels = np.arange(table.values.shape[1]) * density.STEP_DB + table.first_db
    np.testing.assert_allclose(np.sum(np.exp(table.values[0])) * density.STEP_DB, 1.0, atol=1e-5)
    random = np.random.default_rng(0)
    fading = random.standard_normal((2, 4000)) / np.sqrt(2)
    power = ((np.sqrt(factor) + fading[0]) ** 2 + fading[1] ** 2) / (factor + 1)
    level = 10 * np.log10(power) + error * random.standard_normal(4000)
    total = np.cumsum(np.exp(table.values[0])) * density.STEP_DB
    assert stats.kstest(level, lambda x: np.interp(x, levels, total)).pvalue > 1e-3
    read = table(jnp.zeros(3, jnp.int32), jnp.asarray(levels[[5, 900, 2000]], jnp.float32))
    np.testing.assert_allclose(read, table.values[0, [5, 900, 2000]], rtol=1e-3)


def test_the_truth_ranks_among_draws_as_one_of_them(known):
    """For a right posterior the rank of the truth among D draws is uniform on 0 … D."""
    env, _, states = known
    truth = np.asarray(jax.vmap(slots.gains)(states.slot))
    found = np.asarray(posterior.draws(env, states, D, jax.random.key(5)))
    told = {
        "strongest": (found[:, :, 2:, 0].max(axis=2), truth[:, 2:, 0].max(axis=1)),
        "link": (found[:, :, 2, 1], truth[:, 2, 1]),
        "ratio": (found[:, :, 3, 0] / found[:, :, 3, 1], truth[:, 3, 0] / truth[:, 3, 1]),
    }
    for name, (draws, wanted) in told.items():
        counts = np.bincount(np.sum(draws < wanted[:, None], axis=1), minlength=D + 1)
        assert stats.chisquare(counts).pvalue > 1e-3, (name, counts)


@pytest.mark.slow
def test_one_draw_of_the_truth_is_searched_as_the_truth():
    env, _, states = drawn("hidden")
    states = jax.tree.map(lambda x: x[:4], states)
    truth = jax.vmap(slots.gains)(states.slot)[:, None]
    key, setting = jax.random.key(3), Setting(2, 4)
    wanted = optimise.best(env, states, key=key, setting=setting)
    found = expected.best(env, states, truth, key=key, setting=setting)
    np.testing.assert_allclose(found.action, wanted.action, atol=1e-4)
    np.testing.assert_allclose(found.reward, wanted.reward, rtol=1e-4, atol=1e-4)
    # What has been found is kept as a start, by a search that takes no step.
    kept = expected.best(env, states, truth, starts=found.action[:, None], setting=Setting(0, 0))
    np.testing.assert_array_equal(kept.action, found.action)
    np.testing.assert_allclose(kept.reward, found.reward, rtol=1e-5)


def test_an_expected_reward_is_the_mean_over_draws():
    env, _, states = drawn("hidden")
    states = jax.tree.map(lambda x: x[:3], states)
    gains = jax.vmap(slots.gains)(states.slot)
    several = jnp.concatenate((gains, 2.0 * gains, gains[:, ::-1]))  # draw after draw
    action = jax.random.uniform(jax.random.key(1), (2, 5, 3), minval=-1.0)

    @jax.jit
    def climb(gains):
        num_draws = len(gains) // 3
        weights = jnp.tile(states.preference, (num_draws, 1))
        of_draws = objective.of_gains(env, gains, weights, env.default_params)
        return expected.Expected(of_draws, num_draws).climb(action, 0.5)

    reward, gradient = climb(several)
    wanted = [climb(several[i : i + 3]) for i in (0, 3, 6)]
    np.testing.assert_allclose(reward, np.mean([x for x, _ in wanted], axis=0), rtol=1e-5)
    np.testing.assert_allclose(gradient, np.mean([x for _, x in wanted], axis=0), atol=1e-4)


def test_mistakes_are_named():
    env, _, states = drawn("hidden")
    with pytest.raises(InputError, match=r"`draws` must have shape \(256, D, R, 2\) with D at"):
        expected.best(env, states, jnp.zeros((N, 1, 4, 3)))
    with pytest.raises(InputError, match="`setting` must have random starts where no `starts`"):
        expected.best(env, states, jnp.ones((N, 1, 4, 2)), setting=optimise.SETTINGS["polish"])
    with pytest.raises(InputError, match="`number` must be at least 1, but is 0"):
        posterior.draws(env, states, 0)

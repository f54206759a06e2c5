"""The jamming environment: physics against loops and closed forms, statistics, episodes."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxsec.jamming import rates, slots
from jaxsec.jamming import scenario as scenarios
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.metrics import METRICS
from jaxsec.jamming.scenario import SCENARIOS, JammingScenario
from tests import jamming_reference

ALL_METRICS = tuple((name, 1.0 + i) for i, name in enumerate(METRICS))
SIZES = [(2, 5, 3), (4, 2, 1), (3, 3, 0)] + [
    pytest.param(*size, marks=pytest.mark.slow) for size in [(3, 3, 2), (1, 1, 1), (8, 8, 4)]
]


def drawn(n, seed=0, **changes):
    """An environment and n first slots."""
    env = Environment(JammingScenario(**changes))
    return env, jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(seed), n))[1]


def actions_for(env, n, seed=1):
    return jax.random.uniform(jax.random.key(seed), (n, env.action_size), minval=-1.0, maxval=1.0)


# Rates, metrics, reward


@pytest.mark.slow
@pytest.mark.parametrize(("num_aps", "num_users", "num_eves"), SIZES)
def test_reward_is_that_of_the_loops(num_aps, num_users, num_eves):
    env, states = drawn(
        5,
        power_steps="watt" if num_aps == 2 else "decibel",
        num_access_points=num_aps,
        num_users=num_users,
        num_eavesdroppers=num_eves,
        metrics=ALL_METRICS,
        line_of_sight=0.5,
    )
    actions = actions_for(env, 5)
    keys = jax.random.split(jax.random.key(2), 5)
    _, _, reward, *_, info = jax.jit(jax.vmap(env.step))(keys, states, actions)
    again = jax.jit(jax.vmap(env.reward))(states, actions)
    np.testing.assert_allclose(reward, again, rtol=1e-5)
    s = env.scenario
    for i in range(5):
        place = (np.float64(actions[i]) + 1) / 2
        power = s.min_power_w * (s.max_power_w / s.min_power_w) ** place
        if s.power_steps == "watt":
            power = s.min_power_w + (s.max_power_w - s.min_power_w) * place
        gains = np.float64(slots.gains(jax.tree.map(lambda x, i=i: x[i], states.slot)))
        rate = jamming_reference.secrecy_rates(power, gains[:num_users], gains[num_users:])
        wanted = jamming_reference.metrics(power, rate, s.circuit_power_w, s.target_rate)
        for name, value in wanted.items():
            np.testing.assert_allclose(info[name][i], value, rtol=1e-4, atol=1e-4)
        total = sum(weight * wanted[name] for name, weight in ALL_METRICS)
        np.testing.assert_allclose(reward[i], total, rtol=1e-4, atol=1e-4)


def test_batch_dimensions_of_rates_lead():
    power = jax.random.uniform(jax.random.key(0), (2, 3, 4))
    gain = 10 * jax.random.exponential(jax.random.key(1), (2, 3, 7, 4))
    whole = rates.secrecy_rates(power, gain[..., :5, :], gain[..., 5:, :])
    for i in np.ndindex(2, 3):
        wanted = jamming_reference.secrecy_rates(
            np.asarray(power[i]), np.asarray(gain[i][:5]), np.asarray(gain[i][5:])
        )
        np.testing.assert_allclose(whole[i], wanted, rtol=1e-4, atol=1e-5)


def test_without_eavesdroppers_the_secrecy_rate_is_the_rate():
    power, gain = jnp.array([0.2, 0.7]), jnp.array([[5.0, 1.0], [0.5, 9.0]])
    rate = rates.secrecy_rates(power, gain, jnp.zeros((0, 2)))
    sinr = np.array([1.0 / (1 + 0.7), 6.3 / (1 + 0.1)])
    np.testing.assert_allclose(rate, np.log2(1 + sinr), rtol=1e-5)
    deaf = rates.secrecy_rates(power, gain, jnp.zeros((3, 2)))
    np.testing.assert_allclose(rate, deaf, rtol=1e-6)


@pytest.mark.parametrize(("user", "eve"), [(100.0, 3.0), (3.0, 100.0)])
def test_one_link_has_the_closed_form(user, eve):
    full = jnp.full
    rate = rates.secrecy_rates(full((1,), 0.5), full((1, 1), user), full((1, 1), eve))
    wanted = max(np.log2((1 + 0.5 * user) / (1 + 0.5 * eve)), 0.0)
    np.testing.assert_allclose(rate, [wanted], rtol=1e-5)


def test_more_noise_and_more_gain_alike_change_nothing():
    env, states = drawn(20)
    louder = Environment(
        dataclasses.replace(env.scenario, reference_gain_db=-20.0, noise_power_dbm=-80.0)
    )
    _, other = jax.jit(jax.vmap(louder.reset))(jax.random.split(jax.random.key(0), 20))
    actions = actions_for(env, 20)
    np.testing.assert_allclose(
        jax.jit(jax.vmap(env.reward))(states, actions),
        jax.jit(jax.vmap(louder.reward))(other, actions),
        rtol=1e-4,
    )


def test_a_jammer_helps_where_only_the_eavesdropper_hears_it():
    user, eve = jnp.array([[50.0, 0.0]]), jnp.array([[30.0, 40.0]])
    quiet = rates.secrecy_rates(jnp.array([1.0, 0.0]), user, eve)
    jammed = rates.secrecy_rates(jnp.array([1.0, 1.0]), user, eve)
    np.testing.assert_allclose(jammed - quiet, np.log2(31.0) - np.log2(1 + 30 / 41), rtol=1e-5)


@pytest.mark.usefixtures("float64")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "dense"])
def test_gradient_of_the_reward_is_the_finite_difference(name):
    env = Environment(SCENARIOS[name])
    _, state = env.reset(jax.random.key(3))
    double = {"f": jnp.float64, "c": jnp.complex128}
    state = jax.tree.map(lambda x: x.astype(double.get(x.dtype.kind, x.dtype)), state)
    params = env.default_params._replace(weights=jnp.asarray([1.0, 2.0], jnp.float64))
    action = jnp.asarray(np.random.default_rng(0).uniform(-0.9, 0.9, env.action_size))

    def reward(action, max_power, circuit):
        changed = params._replace(max_power_w=max_power, circuit_power_w=circuit)
        return env.reward(state, action, changed)

    value, gradient = jax.jit(reward), jax.jit(jax.grad(reward, argnums=(0, 1, 2)))
    at = (action, 0.1, 0.1)
    by_action, *by_numbers = gradient(*at)
    step = 1e-6
    for i, slope in enumerate(by_action):
        move = step * jnp.eye(len(action))[i]
        rise = value(action + move, 0.1, 0.1) - value(action - move, 0.1, 0.1)
        np.testing.assert_allclose(slope, rise / (2 * step), rtol=1e-4, atol=1e-6)
    steps = ((1e-8, 0.0), (0.0, 1e-8))
    for (power, circuit), slope in zip(steps, by_numbers, strict=True):
        rise = value(action, 0.1 + power, 0.1 + circuit) - value(action, 0.1 - power, 0.1 - circuit)
        np.testing.assert_allclose(slope, rise / 2e-8, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_params_are_batched():
    env, states = drawn(1)
    state = jax.tree.map(lambda x: x[0], states)
    circuit = jnp.array([0.05, 0.1, 0.2])
    batched = jax.vmap(
        lambda c: env.reward(state, jnp.zeros(3), env.default_params._replace(circuit_power_w=c))
    )(circuit)
    assert np.all(np.diff(batched) < 0)


def test_a_users_own_metric():
    def fairness(outcome):
        """Smallest over largest."""
        rate = outcome.secrecy_rate
        return jnp.min(rate, axis=-1) / (jnp.max(rate, axis=-1) + 1e-6)

    env, states = drawn(4, metrics=((fairness, 3.0), ("power", 1.0)))
    actions = actions_for(env, 4)
    _, _, reward, *_, info = jax.jit(jax.vmap(env.step))(
        jax.random.split(jax.random.key(0), 4), states, actions
    )
    assert set(info) == {"fairness", "power", "terminated", "truncated", "final_observation"}
    np.testing.assert_allclose(reward, 3 * info["fairness"] + info["power"], rtol=1e-5)


# Slots


@pytest.mark.parametrize("factor", [0.0, 4.0])
def test_fading_statistics(factor):
    _, states = drawn(4000, line_of_sight=float(factor > 0), rician_factor=factor)
    unit = np.asarray(jax.vmap(slots.gains)(states.slot) / states.slot.path_gain).ravel()
    np.testing.assert_allclose(np.mean(unit), 1.0, rtol=0.02)
    # E|h|⁴ = (2 + 4κ + κ²)/(1 + κ)².
    fourth = (2 + 4 * factor + factor**2) / (1 + factor) ** 2
    np.testing.assert_allclose(np.mean(unit**2), fourth, rtol=0.04)
    if factor == 0:
        assert stats.kstest(unit, "expon").pvalue > 1e-3
    fading = np.asarray(states.slot.fading).ravel()
    assert stats.kstest(np.angle(fading) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3
    # Amplitude and phase come from one word: they are independent.
    assert abs(np.mean(np.abs(fading) * np.exp(1j * np.angle(fading)))) < 0.02
    assert abs(np.corrcoef(np.abs(fading), np.cos(np.angle(fading)))[0, 1]) < 0.02


def test_path_loss_and_geometry():
    env, states = drawn(3000, path_loss_exponent=3.0)
    gain_db = 10 * np.log10(np.asarray(states.slot.path_gain))
    own = gain_db[:, np.arange(3), np.arange(3)]
    # 90 dB at 1 m; users at most 30 m away, uniform by area: the square of the distance is uniform.
    distance = 10 ** ((90 - own) / 30)
    assert 1.0 <= distance.min() < 2.0 and 29.9 < distance.max() < 30.001
    np.testing.assert_allclose(np.mean(distance**2), 30**2 / 2, rtol=0.02)
    # Eavesdroppers within 5 m of some user: no further apart than that from each access point.
    heard = 10 ** ((90 - gain_db) / 30)
    apart = np.abs(heard[:, 3:, None] - heard[:, None, :3]).max(axis=-1).min(axis=-1)
    assert apart.max() < 5.01
    middle = slots.access_points(env.scenario)
    np.testing.assert_allclose(middle.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(middle[0] - middle[1]), 60.0, rtol=1e-6)


def test_regimes_have_their_shares_and_places():
    env, states = drawn(6000, regimes=(1.0, 2.0, 1.0), line_of_sight=0.25)
    regime = np.asarray(states.slot.regime)
    shares = np.bincount(regime, minlength=3) / 6000
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.03)
    np.testing.assert_allclose(np.mean(states.slot.rician_factor > 0), 0.25, atol=0.03)
    gain_db = 10 * np.log10(np.asarray(states.slot.path_gain))[:, 3:]
    nearest = (10 ** ((90 - gain_db) / 30)).min(axis=-1)
    assert nearest[regime == 1].max() < 5.01
    far = nearest[regime == 2]
    assert np.median(far) > 40 and far.max() < 151
    assert len(scenarios.REGIMES) == 3 == len(env.scenario.regimes)


def test_block_fading_is_independent_and_gauss_markov_has_its_correlation():
    for fading, wanted in (("block", 0.0), ("gauss-markov", 0.8)):
        env, states = drawn(3000, fading=fading, correlation=0.8, episode_length=3)
        step = jax.jit(jax.vmap(env.step))
        actions = actions_for(env, 3000)
        before = states
        for slot in range(3):
            keys = jax.random.split(jax.random.key(10 + slot), 3000)
            _, after, _, _, truncated, _ = step(keys, before, actions)
            old, new = np.asarray(before.slot.fading), np.asarray(after.slot.fading)
            lasting = slot < 2
            correlation = np.mean(old.conj() * new).real
            np.testing.assert_allclose(correlation, wanted * lasting, atol=0.03)
            np.testing.assert_allclose(np.mean(np.abs(new) ** 2), 1.0, atol=0.03)
            same = np.all(np.asarray(before.slot.path_gain) == np.asarray(after.slot.path_gain))
            assert same == (lasting and fading == "gauss-markov")
            assert np.all(np.asarray(truncated) == (not lasting))
            before = after


# Episodes, spaces, preferences, transformations


def test_an_episode_ends_and_starts_again():
    env, states = drawn(1, episode_length=2)
    state = jax.tree.map(lambda x: x[0], states)
    action = jnp.array([2.0, -0.5, 0.25])
    step = jax.jit(env.step)
    observation, state, _, terminated, truncated, info = step(jax.random.key(0), state, action)
    assert not terminated and not truncated and state.time == 1
    np.testing.assert_allclose(info["final_observation"], observation, atol=1e-6)
    np.testing.assert_allclose(state.previous, [1.0, -0.5, 0.25])  # entries beyond ±1 are cut
    np.testing.assert_allclose(observation[-3:], state.previous)
    observation, state, _, terminated, truncated, info = step(jax.random.key(1), state, action)
    assert truncated and not terminated and state.time == 0
    np.testing.assert_array_equal(observation[-3:], 0.0)
    np.testing.assert_allclose(info["final_observation"][-3:], [1.0, -0.5, 0.25])


def test_a_truncated_episode_shows_the_slot_that_would_have_come():
    """With fading that lasts unchanged it has the gains of before; the new episode has others."""
    env, states = drawn(1, fading="gauss-markov", correlation=1.0, episode_length=2)
    state = jax.tree.map(lambda x: x[0], states)
    first, action = env.get_obs(state), jnp.array([0.5, -0.5, 0.0])
    gains = slice(0, env.observation_size - 3)
    step = jax.jit(env.step)
    seen, state, *_ = step(jax.random.key(0), state, action)
    np.testing.assert_allclose(seen[gains], first[gains], atol=1e-6)
    seen, state, _, terminated, truncated, info = step(jax.random.key(1), state, action)
    assert bool(truncated) is True and bool(terminated) is False
    assert bool(info["truncated"]) is True and bool(info["terminated"]) is False
    np.testing.assert_allclose(info["final_observation"][gains], first[gains], atol=1e-6)
    np.testing.assert_allclose(info["final_observation"][-3:], action)
    assert np.abs(seen[gains] - first[gains]).max() > 0.1


def test_the_length_of_an_episode_is_a_parameter():
    env, states = drawn(1)
    state = jax.tree.map(lambda x: x[0], states)
    assert env.default_params.max_steps_in_episode == env.scenario.episode_length == 16
    step = jax.jit(env.step)
    ends = [
        bool(step(jax.random.key(0), state, jnp.zeros(3), params)[4])
        for params in (env.default_params, env.default_params.replace(max_steps_in_episode=1))
    ]
    assert ends == [False, True]


@pytest.mark.parametrize(("num_aps", "num_users", "num_eves"), SIZES)
def test_spaces_hold_what_they_should(num_aps, num_users, num_eves):
    env, states = drawn(
        64,
        num_access_points=num_aps,
        num_users=num_users,
        num_eavesdroppers=num_eves,
        preferences=num_users > 2,
    )
    space = env.observation_space()
    observations = jax.jit(jax.vmap(env.get_obs))(states)
    assert observations.shape[1:] == space.shape == (env.observation_size,)
    assert space.contains(observations)
    assert abs(float(jnp.mean(observations))) < 1.5
    actions = env.action_space()
    assert actions.shape == (num_aps,)
    assert actions.contains(actions.sample(jax.random.key(0)))
    assert not actions.contains(jnp.full((num_aps,), 1.01))
    power = env.power(jnp.array([-1.0, 0.0, 1.0]), env.default_params)
    np.testing.assert_allclose(power, [0.001, 0.01, 0.1], rtol=1e-5)


def test_preferences_have_mean_one_and_are_observed_and_used():
    env, states = drawn(4000, preferences=True)
    preference = np.asarray(states.preference)
    np.testing.assert_allclose(preference.mean(axis=1), 1.0, rtol=1e-5)
    # Two of them: uniform between 0 and 2.
    assert stats.kstest(preference[:, 0] / 2, "uniform").pvalue > 1e-3
    observation = jax.jit(jax.vmap(env.get_obs))(states)
    np.testing.assert_allclose(observation[:, -2:], preference - 1.0, atol=1e-6)
    keys = jax.random.split(jax.random.key(3), 4000)
    _, after, reward, *_, info = jax.jit(jax.vmap(env.step))(keys, states, actions_for(env, 4000))
    parts = np.stack([info["secrecy_rate"], info["secure_energy_efficiency"]], axis=1)
    np.testing.assert_allclose(reward, (parts * preference).sum(axis=1), rtol=1e-4)
    assert np.abs(np.asarray(after.preference) - preference).max() > 1


@pytest.mark.slow
def test_jit_and_vmap_change_nothing_and_nothing_is_traced_twice():
    env, states = drawn(3, fading="gauss-markov", preferences=True)
    actions, keys = actions_for(env, 3), jax.random.split(jax.random.key(5), 3)
    step = jax.jit(jax.vmap(chex.assert_max_traces(env.step, n=1)))
    batched = step(keys, states, actions)
    step(keys, batched[1], actions)
    alone = env.step(keys[1], jax.tree.map(lambda x: x[1], states), actions[1])
    chex.assert_trees_all_close(jax.tree.map(lambda x: x[1], batched), alone, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_keys_are_consumed_once():
    env = Environment(JammingScenario(preferences=True, fading="gauss-markov"))
    with jax.debug_key_reuse(True):
        _, state = env.reset(jax.random.key(0))
        env.step(jax.random.key(1), state, jnp.zeros(3))

"""Environments follow gymnax 1.0: its signatures, its six values, its order of events.

gymnax itself is no dependency: the contract is that of gymnax 1.0.1's `Environment`, restated here
by shape and signature. Where gymnax and rejax are installed, their own wrappers and trainers run on
our environments as well.
"""

import copy
import dataclasses
import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.jamming.environment import Environment as Jamming
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.rl.environment import Environment, FiveValues
from jaxsec.rl.waterfilling import WaterFilling

SIGNATURES = {
    "reset": ["key", "params"],
    "step": ["key", "state", "action", "params"],
    "reset_env": ["key", "params"],
    "step_env": ["key", "state", "action", "params"],
    "observe": ["key", "state", "action", "params"],
    "get_obs": ["state", "params", "key"],
    "is_terminated": ["state", "params"],
    "is_terminal": ["state", "params"],
    "is_truncated": ["state", "params"],
    "discount": ["state", "params"],
    "action_space": ["params"],
    "observation_space": ["params"],
}
SCENARIO = JammingScenario(episode_length=3, fading="gauss-markov")
BOTH = pytest.mark.parametrize(
    "make", [lambda: Jamming(SCENARIO), WaterFilling], ids=["jamming", "water-filling"]
)


@BOTH
def test_the_names_and_signatures_are_gymnaxs(make):
    environment = make()
    assert isinstance(environment, Environment)
    for name, wanted in SIGNATURES.items():
        assert list(inspect.signature(getattr(environment, name)).parameters) == wanted, name
    for name in ("reset", "step", "action_space", "observation_space"):
        assert inspect.signature(getattr(environment, name)).parameters["params"].default is None
    params = environment.default_params
    assert int(params.max_steps_in_episode) == (3 if isinstance(environment, Jamming) else 1)
    longer = params.replace(max_steps_in_episode=7)
    assert longer.max_steps_in_episode == 7 and params.max_steps_in_episode != 7
    assert environment.num_actions == environment.action_space(params).shape[0]
    assert isinstance(environment.name, str)
    assert environment.supports_transition_gradients and environment.transition_gradients_enabled


@pytest.mark.slow
@BOTH
def test_a_step_gives_six_values_and_what_the_action_led_to(make):
    environment = make()
    params = environment.default_params
    reset, step = jax.jit(environment.reset), jax.jit(environment.step)
    step_env, sample = jax.jit(environment.step_env), jax.jit(environment.action_space().sample)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
    observation, state = reset(jax.random.key(0), params)
    assert state.time == 0
    for number in range(1, 4):
        action = sample(jax.random.key(number))
        key = jax.random.key(10 + number)
        seen, after, reward, terminated, truncated, info = step(key, state, action, params)
        last, unreset, same, ended, more = step_env(key, state, action, params)
        close(same, reward)
        assert ended == terminated
        assert set(more) == set(info) - {"terminated", "truncated", "final_observation"}
        close(info["final_observation"], last)
        close(environment.observe(None, unreset, action, params), last)
        assert info["terminated"] == terminated and info["truncated"] == truncated
        assert truncated.dtype == terminated.dtype == bool
        assert truncated == (unreset.time >= params.max_steps_in_episode)
        assert environment.is_terminal(unreset, params) == terminated
        assert environment.discount(unreset, params) == 1.0 - terminated
        assert seen.shape == observation.shape == environment.observation_space(params).shape
        assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
        over = bool(terminated | truncated)
        assert after.time == (0 if over else number)
        assert (np.abs(seen - last).max() > 1e-2) == over
        state = after


@BOTH
def test_environments_are_values(make):
    """Static arguments: an equal one is the same to a compiled function."""
    assert make() == make() and hash(make()) == hash(make()) and make() is not make()
    traces = []

    def reward(environment, key):
        traces.append(environment)
        return environment.reset(key)[0].sum()

    compiled = jax.jit(reward, static_argnums=0)
    for seed in range(2):
        compiled(make(), jax.random.key(seed))
    assert len(traces) == 1
    changed = {"scenario": JammingScenario(num_users=2)} if isinstance(make(), Jamming) else {}
    other = dataclasses.replace(make(), **changed or {"num_weak": 4})
    assert other != make()
    compiled(other, jax.random.key(0))
    assert len(traces) == 2


@BOTH
def test_five_values_are_the_six_with_one_end(make):
    environment = make()
    old = FiveValues(environment)
    assert copy.deepcopy(old) == old and hash(old) == hash(FiveValues(make()))
    assert old.default_params.max_steps_in_episode == (environment.default_params[-1])
    assert old.num_actions == old.action_space(old.default_params).shape[0]
    assert old.observation_space() == environment.observation_space()
    state = jax.jit(old.reset)(jax.random.key(0))[1]
    both = jax.jit(lambda *given: (environment.step(*given), old.step(*given)))
    for number in range(3):
        key, action = jax.random.key(number), jnp.zeros(old.num_actions)
        six, (observation, state, reward, done, info) = both(key, state, action)
        np.testing.assert_array_equal(observation, six[0])
        assert reward == six[2] and done == (six[3] | six[4])
        assert info["truncated"] == six[4]


@pytest.mark.slow
def test_gymnax_and_rejax_run_on_them(no_type_checks):
    """rejax 0.1.3 reads five values."""
    pytest.importorskip("gymnax")
    rejax = pytest.importorskip("rejax")
    from gymnax.wrappers.purerl import LogWrapper

    environment = Jamming(SCENARIO)
    logged = LogWrapper(environment)
    _, state = logged.reset(jax.random.key(0))
    for number in range(3):
        _, state, _, terminated, truncated, info = logged.step(
            jax.random.key(number), state, jnp.zeros(3), environment.default_params
        )
    assert truncated and not terminated and info["returned_episode_lengths"] == 3

    config = {
        "env": FiveValues(environment),
        "total_timesteps": 128,
        "num_envs": 4,
        "fill_buffer": 64,
        "buffer_size": 128,
        "batch_size": 16,
        "eval_freq": 64,
    }
    with jax.numpy_rank_promotion("allow"):
        algorithm = rejax.get_algo("td3").create(**config)
        _, (lengths, returns) = jax.jit(algorithm.train)(jax.random.key(0))
    assert np.isfinite(returns).all() and (np.asarray(lengths) == 3).all()

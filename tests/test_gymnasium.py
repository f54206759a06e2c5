"""The Gymnasium wrapper: Gymnasium's own checker, episodes, seeds, errors."""

import importlib
import sys

import numpy as np
import pytest

from jaxsec import InputError
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.gymnasium_env import GymnasiumJamming
from jaxsec.jamming.scenario import SCENARIOS, JammingScenario
from jaxsec.report import timing


@pytest.mark.parametrize(
    "scenario",
    ["paper", JammingScenario(preferences=True, fading="gauss-markov", num_users=4)],
)
def test_gymnasiums_own_checker(scenario):
    from gymnasium.utils.env_checker import check_env

    check_env(GymnasiumJamming(scenario, seed=0), skip_render_check=True)


def test_episode_is_truncated_at_its_length_and_then_needs_a_reset():
    env = GymnasiumJamming(JammingScenario(episode_length=3))
    with pytest.raises(InputError, match="`step` needs a `reset` before it"):
        env.step(np.zeros(3))
    observation, info = env.reset(seed=1)
    assert observation.dtype == np.float32 and info == {}
    action = np.array([0.5, -1.0, 1.0], np.float32)
    for slot in range(3):
        observation, reward, terminated, truncated, info = env.step(action)
        assert env.observation_space.contains(observation)
        np.testing.assert_allclose(reward, sum(info.values()), rtol=1e-5)
        assert not terminated and truncated == (slot == 2)
    with pytest.raises(InputError, match="`step` needs a `reset`"):
        env.step(action)
    env.reset()
    env.step(action)


def test_the_last_observation_is_that_of_the_episode():
    """With fading that lasts unchanged, the same gains to the end."""
    env = GymnasiumJamming(
        JammingScenario(episode_length=2, fading="gauss-markov", correlation=1.0)
    )
    first, _ = env.reset(seed=1)
    action = np.array([0.5, -1.0, 1.0], np.float32)
    env.step(action)
    last, _, terminated, truncated, info = env.step(action)
    assert truncated is True and terminated is False
    np.testing.assert_allclose(last[:-3], first[:-3], rtol=1e-6)
    np.testing.assert_allclose(last[-3:], action)
    assert set(info) == {"secrecy_rate", "secure_energy_efficiency"}


def test_an_equal_scenario_compiles_nothing():
    GymnasiumJamming(JammingScenario(num_users=2)).reset(seed=0)
    env = GymnasiumJamming(JammingScenario(num_users=2))
    with timing.compile_clock() as seconds:
        env.reset(seed=1)
    assert seconds() == 0.0


def test_seed_of_the_first_reset():
    def observations(seed, first=None):
        env = GymnasiumJamming("paper", seed=seed)
        return np.stack([env.reset(seed=first)[0], env.reset()[0]])

    np.testing.assert_array_equal(observations(3), observations(3))
    np.testing.assert_array_equal(observations(3), observations(None, first=3))
    assert np.abs(observations(3) - observations(4)).max() > 0.1
    assert np.abs(np.diff(observations(3), axis=0)).max() > 0.1


def test_unknown_scenario():
    with pytest.raises(
        InputError,
        match="`scenario` must be one of paper, dense, noisy, sensed, hidden, battery, but is 'n",
    ):
        GymnasiumJamming("none")


def test_spaces_are_the_environments():
    env = GymnasiumJamming("dense")
    assert env.observation_space.shape == (Environment(SCENARIOS["dense"]).observation_size,)
    assert env.action_space.contains(np.ones(8, np.float32))
    assert not env.action_space.contains(np.full(8, 1.1, np.float32))


def test_missing_gymnasium_names_the_command(monkeypatch):
    module = sys.modules["jaxsec.jamming.gymnasium_env"]
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    monkeypatch.delitem(sys.modules, module.__name__)
    with pytest.raises(ImportError, match=r"pip install 'jaxsec\[gymnasium\]'"):
        importlib.import_module(module.__name__)

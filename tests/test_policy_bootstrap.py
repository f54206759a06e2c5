"""Where values of the next observation count: after a truncation, not after a termination.

A chain with a known value. A slot pays x, which is 0 or 1, each as likely at the start of an
episode; from slot to slot of an episode x becomes 1 and stays. With a discount of 1/2, an episode
that would go on is worth V(1) = 1 + V(1)/2 = 2 and V(0) = 0 + V(1)/2 = 1; one that ends with its
first slot, V(1) = 1 and V(0) = 0. Episodes are one slot long in both cases: bootstrapped from the
next episode's first slot, V(1) would be 3/2, V(0) 1/2.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.rl import collect, parallel
from jaxsec.rl.environment import Advance, Episodic
from jaxsec.rl.training import Training
from tests.training_cases import TINY

CONFIG = dataclasses.replace(
    TINY,
    policy="mlp",
    discount=0.5,
    tau=0.1,
    critic_width=16,
    critic_learning_rate=1e-2,
    num_updates=600,
    num_slots=32,
    batch_size=32,
    replay_size=256,
)


class State(NamedTuple):
    x: Any
    terminates: Any
    time: Any


class Params(NamedTuple):
    max_steps_in_episode: int = 1


@dataclasses.dataclass(frozen=True)
class Chain(Episodic):
    """It shows x, and whether the episode, of one slot, terminates or is only truncated."""

    observation_size = 2
    action_size = 1
    default_params = Params()

    def start(self, key, params):
        x, terminates = jax.random.bernoulli(key, shape=(2,)).astype(float)
        return State(x, terminates, jnp.zeros((), jnp.int32))

    def advance(self, key, state, action, params):
        after = State(jnp.ones(()), state.terminates, state.time + 1)
        return Advance(after, self.start(key, params), state.x, {})

    def get_obs(self, state, params=None, key=None):
        return jnp.stack((state.x, state.terminates))

    def is_terminated(self, state, params):
        return (state.terminates > 0) & (state.time > 0)

    def reward(self, state, action):
        return state.x

    def values(self, state, action):
        return state.x[None]


def test_transitions_remember_what_the_action_led_to():
    @functools.partial(jax.jit, static_argnames="bootstrapping")
    def first(key_reset, key_step, bootstrapping):
        slots = collect.reset(Chain(), key_reset, 64)
        action = jnp.zeros((64, 1))
        return collect.step(Chain(), key_step, slots, action, bootstrapping=bootstrapping)

    given = jax.random.key(0), jax.random.key(1)
    after, transition = jax.tree.map(np.asarray, first(*given, bootstrapping=True)[:2])
    terminates = transition.observation[:, 1]
    assert set(terminates) == {0.0, 1.0}
    assert (transition.next_observation[:, 0] == 1.0).all()
    assert (transition.next_observation[:, 1] == terminates).all()
    assert set(after.observation[:, 0]) == {0.0, 1.0}  # a new episode
    assert (transition.bootstraps == (terminates == 0.0)).all()
    _, plain = first(*given, bootstrapping=False)
    assert plain.next_observation is None and plain.bootstraps is None


@pytest.mark.slow
def test_critics_learn_the_known_value():
    training = Training(CONFIG, Chain(), devices=1)
    state, _ = training.run(training.init(np.array([0])), 600)
    critic, scale = jax.tree.map(lambda x: np.asarray(x)[0], (state.critic, state.scale))
    observation = jnp.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    held = np.asarray(jax.jit(training.agent.values)(critic, observation, jnp.zeros((4, 1))))
    # What is held is in scaled rewards, the mean taken off every one of them.
    value = scale.deviation * held + scale.mean / (1.0 - 0.5)
    np.testing.assert_allclose(value, [[1.0, 2.0, 0.0, 1.0]] * 2, atol=0.1)


@pytest.mark.slow
def test_undiscounted_rewards_are_not_centred():
    """Or an episode would be worth the more, the sooner or later it ends."""
    config = dataclasses.replace(CONFIG, discount=1.0)
    state = Training(config, Chain(), devices=1).init(np.array([0]))
    assert float(state.scale.mean[0]) == 0.0
    rewards = parallel.first_device(state.replicas.replay.transitions.reward)
    np.testing.assert_allclose(state.scale.deviation[0], np.std(rewards), rtol=1e-4)

"""A small environment to train on: the best action is known, and programs compile quickly."""

import jax
import jax.numpy as jnp

OBSERVED, ACTS = 4, 2


class Toy:
    """Slots of four numbers; the reward is least where the action misses what they ask for."""

    observation_size, action_size = OBSERVED, ACTS

    def reset(self, key):
        state = jax.random.normal(key, (OBSERVED,))
        return state, state

    def step(self, key, state, action):
        key_next, key_done = jax.random.split(key)
        observation, following = self.reset(key_next)
        done = jax.random.bernoulli(key_done, 0.3)
        return observation, following, self.reward(state, action), done, {}

    def reward(self, state, action):
        return 7.0 - 3.0 * jnp.sum((action - best(state)) ** 2)


def best(state):
    """The action that a slot asks for."""
    return 0.8 * jnp.tanh(state[..., :ACTS])

"""A small environment to train on: the best action is known, and programs compile quickly."""

import dataclasses

import jax
import jax.numpy as jnp

OBSERVED, ACTS = 4, 2


@dataclasses.dataclass(frozen=True)
class Toy:
    """Slots of four numbers; the reward is least where the action misses what they ask for."""

    observation_size: int = OBSERVED
    action_size: int = ACTS

    def reset(self, key):
        state = jax.random.normal(key, (OBSERVED,))
        return state, state

    def step(self, key, state, action):
        key_next, key_done = jax.random.split(key)
        observation, after = self.reset(key_next)
        terminated = jax.random.bernoulli(key_done, 0.3)
        info = {"final_observation": observation}
        return observation, after, self.reward(state, action), terminated, jnp.array(False), info

    def reward(self, state, action):
        return 7.0 - 3.0 * jnp.sum((action - best(state)) ** 2)

    def values(self, state, action):
        return self.reward(state, action)[None]


def best(state):
    """The action that a slot asks for."""
    return 0.8 * jnp.tanh(state[..., :ACTS])

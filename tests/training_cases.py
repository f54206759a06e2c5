"""Small trainings that the tests of policy training share."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.rl.learner import Config, Learner, Training, Transition
from tests.jamming_toy import ACTS, OBSERVED, Toy

TINY = Config(
    width=8,
    critic_width=8,
    num_steps=2,
    num_updates=1000,
    num_slots=8,
    batch_size=16,
    replay_size=64,
    critic_first=0,
)
EVERY_KIND = pytest.mark.parametrize(
    ("policy", "gradient"),
    [
        ("moe-gdm", "critic"),
        ("moe-gdm", "environment"),
        ("gdm", "environment"),
        ("ddpg", "critic"),
    ],
)
REWARD = jax.jit(jax.vmap(Toy().reward))


def training(**changes):
    return Training(dataclasses.replace(TINY, **changes), Toy(), devices=1)


def alone(tree):
    """Mean over the devices of a single one."""
    return tree


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def drawn(shapes):
    """Parameters of these shapes; nothing is compiled."""
    leaves, structure = jax.tree.flatten(shapes)
    scaled = [
        normal(i, *x.shape) * (0.1 if x.ndim == 1 else x.shape[-2] ** -0.5)
        for i, x in enumerate(leaves)
    ]
    return jax.tree.unflatten(structure, scaled)


def learner_of(learns):
    """Networks and optimisers before the first update."""
    actor, critic = drawn(jax.eval_shape(learns.networks, jax.random.key(0)))
    config = learns.config
    optimisers = (
        learns._optimiser(rate).init(params)
        for rate, params in ((config.actor_rate, actor), (config.critic_rate, critic))
    )
    target = jax.tree.map(lambda x: 0.9 * x, critic) if config.discount > 0 else None
    return Learner(actor, actor, critic, target, *optimisers)


def batch_of(count, looking=False):
    """Transitions, and the states that they were in."""
    state, action = normal(0, count, OBSERVED), jnp.tanh(normal(1, count, ACTS))
    reward = REWARD(state, action)
    following = normal(2, count, OBSERVED) if looking else None
    done = jnp.arange(count) % 3 == 0 if looking else None
    return Transition(state, action, reward, following, done), state


def equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)

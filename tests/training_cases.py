"""Small trainings that the tests of policy training share."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.rl import learner
from jaxsec.rl.config import Config
from jaxsec.rl.learner import Learner
from jaxsec.rl.replay import Transition
from jaxsec.rl.training import Training
from tests.jamming_toy import ACTS, OBSERVED, Toy, best

TINY = Config(
    width=8,
    critic_width=8,
    num_steps=2,
    num_updates=1000,
    num_slots=8,
    batch_size=16,
    replay_size=64,
    critic_warmup=0,
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


def taught(key, states):
    """A teacher who knows what slots ask for."""
    del key
    return best(states)


def training(**changes):
    return Training(dataclasses.replace(TINY, **changes), Toy(), devices=1)


def gaussian(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def normal(seed, *shape):
    return jnp.asarray(gaussian(seed, *shape))


def drawn(shapes):
    """Parameters of these shapes; nothing is compiled."""
    leaves, structure = jax.tree.flatten(shapes)
    scaled = [
        gaussian(i, *x.shape) * (0.1 if x.ndim == 1 else x.shape[-2] ** -0.5)
        for i, x in enumerate(leaves)
    ]
    return jax.tree.unflatten(structure, scaled)


def start_quickly(patch):
    """Trainings begin with `drawn` networks, the same for all seeds: what draws them otherwise
    takes longer to compile than an update."""
    networks = learner.networks

    def quick(agent, key):
        return drawn(jax.eval_shape(lambda key: networks(agent, key), key))

    patch.setattr(learner, "networks", quick)


def learner_of(agent):
    """Networks and optimisers before the first update."""
    shapes = jax.eval_shape(lambda key: learner.networks(agent, key), jax.random.key(0))
    actor, critic = drawn(shapes)
    kinds = agent.actor_optimiser, agent.critic_optimiser
    optimisers = jax.jit(lambda *params: [k.init(p) for k, p in zip(kinds, params, strict=True)])(
        actor, critic
    )
    target = jax.tree.map(lambda x: 0.9 * x, critic) if agent.config.discount > 0 else None
    return Learner(actor, actor, critic, target, *optimisers)


def batch_of(count, bootstrapping=False):
    """Transitions, and the states that they were in."""
    state = normal(0, count, OBSERVED)
    action = jnp.asarray(np.tanh(normal(1, count, ACTS)))
    reward = REWARD(state, action)
    after = normal(2, count, OBSERVED) if bootstrapping else None
    bootstraps = jnp.asarray(np.arange(count) % 3 > 0) if bootstrapping else None
    return Transition(state, action, reward, after, bootstraps), state


def equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)

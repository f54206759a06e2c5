"""Value-weighted denoising: a diffusion policy that learns from the better of its own actions.

In every state the policy proposes actions, to which noise is added. What is learned is to denoise
these, each weighed by w ∝ exp(Q/λ): a step of mirror descent toward valued actions, for which no
gradient of the value is needed, nor of the chain. H. Ma et al., Efficient Online Reinforcement
Learning for Diffusion Policy, 2025, there DPMD. Deviations:

1. λ is a constant times the spread of values among the proposals of a state, so that it needs no
   tuning to a reward and falls as the policy narrows down;
2. w are normalised among the proposals of a state, not over the batch: what a state is worth says
   nothing of which action is right in it;
3. noise is added to the proposals, or a policy that has narrowed down would stay.

Use it with the bound `hold`: where a tanh is flat, the loss has no gradient to leave by.

Shapes: K proposals in a state, B states, A entries of an action.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec.rl import denoising
from jaxsec.rl.denoising import Examples, Level
from jaxsec.rl.policy import Mean, Policy, Value

TEMPERATURE = 0.2
"""λ over the spread of values."""
MIN_SPREAD = 1e-6
"""Added to the spread of values, which may all be the same."""


class Noise(NamedTuple):
    """All randomness of a step."""

    chain: Any
    """Of the policy; K leads."""
    step: Float[Array, "K B A"]
    """Added to its actions."""
    level: Level


def noise(policy: Policy, key: Key[Array, ""], batch: int, count: int, exploration: float) -> Noise:
    """For `count` proposals in `batch` states, with noise up to a standard deviation of
    `exploration`: of small steps some still help when the policy is nearly right."""
    key_chain, key_size, key_step, key_level = jax.random.split(key, 4)
    chain = jax.vmap(lambda key: policy.noise(key, batch))(jax.random.split(key_chain, count))
    shape = (count, batch, policy.action_size)
    size = exploration * jax.random.uniform(key_size, (count, batch, 1)) ** 2
    step = size * jax.random.normal(key_step, shape)
    return Noise(chain, step, denoising.level(key_level, shape))


def examples(
    policy: Policy,
    actor: Any,
    noise: Noise,
    observation: Float[Array, "B O"],
    value: Value,
    mean: Mean,
) -> Examples:
    """Proposals and their weights."""
    act = jax.vmap(policy.act, in_axes=(None, 0, None))
    action = jnp.clip(act(actor, noise.chain, observation) + noise.step, -1.0, 1.0)
    return Examples(action, weights(jax.vmap(value)(action), mean), noise.level)


def weights(values: Float[Array, "K B"], mean: Mean) -> Float[Array, "K B"]:
    """Softmax over a state's proposals of values over λ."""
    spread = jnp.sqrt(mean(jnp.mean(jnp.var(values, axis=0))))
    return jax.nn.softmax(values / (TEMPERATURE * spread + MIN_SPREAD), axis=0)

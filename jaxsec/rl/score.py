"""Score matching: a diffusion policy that learns the slope of the value at every noise level.

An action of the policy is made noisy, and the network is to hold for its noise

    ε* = −√(1 − ᾱ_t)·∇Q(a_t)/λ,

the noise that a_t would have if the density of actions at this level were ∝ exp(Q/λ). So the chain
climbs Q, and neither a gradient through the chain is needed, as for the policy gradient, nor values
of several actions. M. Psenka et al., Learning a Diffusion Model Policy from Rewards via Q-Score
Matching, 2024, where the density of every level is taken for that of the actions. λ is a constant
times the mean of |∇Q|, so that it needs no tuning to a reward.

Use it with `prediction` noise and the bound `hold`: the clean action that belongs to ε* may lie far
outside of its range.

Shapes: B states, A entries of an action.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec.diffusion import process
from jaxsec.rl import denoising
from jaxsec.rl.denoising import Examples, Level
from jaxsec.rl.policy import Denoises, Mean, Policy, Value

TEMPERATURE = 0.3
"""λ over the mean of |∇Q|. Smaller, a chain of few steps ends in corners."""
MIN_SLOPE = 1e-6
"""Added to that mean, which may be 0."""


class Noise(NamedTuple):
    """All randomness of a step."""

    chain: Any
    """Of the policy."""
    level: Level


def noise(policy: Policy, key: Key[Array, ""], batch: int) -> Noise:
    """Of `batch` states."""
    key_chain, key_level = jax.random.split(key)
    level = denoising.level(key_level, (1, batch, policy.action_size))
    return Noise(policy.noise(key_chain, batch), level)


def examples(
    policy: Denoises,
    actor: Any,
    noise: Noise,
    observation: Float[Array, "B O"],
    value: Value,
    mean: Mean,
) -> Examples:
    """The policy's actions made noisy, taken apart by ε* instead of by the noise they have."""
    action, schedule = policy.act(actor, noise.chain, observation), policy.schedule
    time, eps = (x[0] for x in noise.level)
    t = denoising.step(time, schedule)
    noisy = process.add_noise(schedule, action, t, eps)
    slope = jax.grad(lambda action: jnp.sum(value(action)))(jnp.clip(noisy, -1.0, 1.0))
    clean, rest = process.amplitudes(schedule, t, 2)
    wanted = -rest * slope / (TEMPERATURE * mean(jnp.mean(jnp.abs(slope))) + MIN_SLOPE)
    start = (noisy - rest * wanted) / clean
    return Examples(start[None], jnp.ones((1, len(action))), Level(time[None], wanted[None]))

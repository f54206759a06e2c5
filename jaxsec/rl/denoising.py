"""The denoising loss of actions that are given: diffusion learned from examples, not by its chain.

An action is made noisy at a random step of the forward process, and the network is to say which
action it was, or which noise: J. Ho et al., Denoising Diffusion Probabilistic Models, 2020, as
weighed among the examples of a state.

Shapes: K examples of a state, B states, A entries of an action, T denoising steps.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxsec.diffusion import chain, process


class Level(NamedTuple):
    """Where examples lie on their way to noise."""

    time: Float[Array, "K B 1"]
    """Uniform in [0, 1), the place among the steps."""
    eps: Float[Array, "K B A"]
    """Standard normal."""


class Examples(NamedTuple):
    """Actions to learn from."""

    action: Float[Array, "K B A"]
    weight: Float[Array, "K B"]
    """Of a state's examples; they sum to 1."""
    level: Level


def level(key: Key[Array, ""], shape: tuple[int, int, int]) -> Level:
    """Random levels of [K, B, A] actions."""
    key_time, key_eps = jax.random.split(key)
    return Level(jax.random.uniform(key_time, (*shape[:2], 1)), jax.random.normal(key_eps, shape))


def step(time: Float[Array, "*any 1"], schedule: process.Schedule) -> Int[Array, "*any"]:
    """Indices of the steps that levels belong to."""
    num_steps = len(schedule.beta)
    return jnp.minimum((num_steps * time[..., 0]).astype(jnp.int32), num_steps - 1)


def loss(
    schedule: process.Schedule,
    predict: chain.Predict,
    examples: Examples,
    *,
    bound: chain.Bound,
    prediction: chain.Prediction,
) -> Float[Array, ""]:
    """Weighted mean over examples of (what the network puts out − what it should)².

    A predicted action is kept to its range first, as the chain does with it.

    Args:
      schedule: of T steps.
      predict: the network in B states.
      examples: what is learned from.
      bound: of predicted actions.
      prediction: what `predict` gives.
    """
    action, weight, (time, eps) = examples
    t = step(time, schedule)

    def errors(
        action: Float[Array, "B A"], t: Int[Array, "B"], eps: Float[Array, "B A"]
    ) -> Float[Array, "B A"]:
        out = predict(process.add_noise(schedule, action, t, eps), t)
        if prediction == "start":
            out = chain.keeper(bound)(out)
        return out - process.target(schedule, process.Estimate(action, eps), t, prediction)

    error = jnp.mean(jax.vmap(errors)(action, t, eps) ** 2, axis=-1)
    return jnp.mean(jnp.sum(weight * error, axis=0))

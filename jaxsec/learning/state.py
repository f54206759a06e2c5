"""What a training carries from step to step, and how a gradient moves it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from jaxsec import checks


class State(NamedTuple):
    """What is carried from step to step."""

    step: Int[Array, ""]
    params: Any
    ema: Any
    """Exponential moving average of `params`, which is what is used in the end."""
    optimiser: Any


def check_settings(
    learning_rate: float, warmup_steps: int, max_gradient: float, ema: float
) -> None:
    """Settings of `adam` and `advance` that a training is configured with.

    Raises:
      InputError: one is out of its range.
    """
    checks.check_positive("learning_rate", learning_rate)
    checks.check_at_least("warmup_steps", warmup_steps, 0)
    checks.check_positive("max_gradient", max_gradient)
    checks.require(0.0 <= ema < 1.0, f"`ema` must lie in [0, 1), but is {ema}")


def adam(
    learning_rate: float, warmup_steps: int, num_steps: int, max_gradient: float
) -> optax.GradientTransformation:
    """Adam behind clipped gradients; its rate warms up, then falls as a cosine to a hundredth."""
    rate = optax.warmup_cosine_decay_schedule(
        0.0, learning_rate, min(warmup_steps, num_steps // 2), num_steps, learning_rate / 100
    )
    return optax.chain(optax.clip_by_global_norm(max_gradient), optax.adam(rate))


def initial(params: Any, optimiser: optax.GradientTransformation) -> State:
    """Before the first step."""
    copy = jax.tree.map(jnp.copy, params)
    return State(jnp.zeros((), jnp.int32), params, copy, optimiser.init(params))


def advance(
    state: State, gradient: Any, optimiser: optax.GradientTransformation, ema: float
) -> State:
    """One step, and the exponential moving average of decay `ema` after it."""
    updates, carried = optimiser.update(gradient, state.optimiser, state.params)
    params = optax.apply_updates(state.params, updates)
    # A short memory first, so that the average does not remember the start.
    decay = jnp.minimum(ema, (1.0 + state.step) / (10.0 + state.step))
    mean = jax.tree.map(lambda a, p: decay * a + (1.0 - decay) * p, state.ema, params)
    return State(state.step + 1, params, mean, carried)

"""The denoising chain of a diffusion policy: from noise to an action in a handful of steps.

The forward process is that of J. Ho et al., 2020, with the variance-preserving schedule that the
public GDM framework takes from Z. Wang et al., Diffusion Policies as an Expressive Policy Class,
2023. Chains run backward along its posterior, and gradients run through all of it.
"""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.diffusion.process import Schedule, posterior

Bound = Literal["tanh", "clip", "hold"]
"""How predicted actions are kept in [-1, 1]. A cut has no gradient outside, and a chain that has
run there stays: that is how the public framework's setting gets stuck in a corner. A tanh flattens
out and can get stuck there as well. `hold` cuts too, but lets gradients through that lead back."""
Prediction = Literal["start", "noise"]
"""What a network puts out: the action, or the noise. From noise, the first steps divide by a small
√ᾱ, so that a fresh network predicts actions far outside."""

Predict = Callable[[Float[Array, "*B A"], Any], Float[Array, "*B A"]]
"""From a noisy action and the index of the step, one for all states or one each, to what the
network puts out."""


def variance_preserving(num_steps: int, min_rate: float = 0.1, max_rate: float = 10.0) -> Schedule:
    """β_t = 1 − exp(−β_min/T − (β_max − β_min)(2t − 1)/(2T²)), t = 1…T."""
    t = np.arange(1, num_steps + 1)
    rate = min_rate / num_steps + (max_rate - min_rate) * (2 * t - 1) / (2 * num_steps**2)
    beta = 1.0 - np.exp(-rate)
    return Schedule(beta, np.cumprod(1.0 - beta))


@jax.custom_vjp
def hold(x: Float[Array, "*B A"]) -> Float[Array, "*B A"]:
    """Cuts at ±1; outside, only those gradients pass whose descent leads back inside."""
    return jnp.clip(x, -1.0, 1.0)


def _hold_forward(x: Array) -> tuple[Array, Array]:
    return hold(x), x


def _hold_backward(x: Array, slope: Array) -> tuple[Array]:
    outward = ((x > 1.0) & (slope < 0.0)) | ((x < -1.0) & (slope > 0.0))
    return (jnp.where(outward, 0.0, slope),)


hold.defvjp(_hold_forward, _hold_backward)


def keeper(bound: Bound) -> Callable[[Float[Array, "*B A"]], Float[Array, "*B A"]]:
    """What keeps predicted actions in [-1, 1]."""
    return {"tanh": jnp.tanh, "clip": lambda x: jnp.clip(x, -1.0, 1.0), "hold": hold}[bound]


def denoise(
    schedule: Schedule,
    predict: Predict,
    noise: Float[Array, "T *B A"],
    *,
    bound: Bound = "tanh",
    prediction: Prediction = "start",
) -> Float[Array, "*B A"]:
    """Actions in [-1, 1].

    Args:
      schedule: of T steps.
      predict: the network, for one state or many.
      noise: standard normal: the chain's beginning, and what all steps but the last one add.
      bound: of predicted actions.
      prediction: what `predict` gives.
    """
    keep, reverse = keeper(bound), posterior(schedule)
    x = noise[0]
    for t in reversed(range(len(schedule.beta))):
        out, alpha_bar = predict(x, t), schedule.alpha_bar[t]
        if prediction == "noise":
            out = (x - np.sqrt(1.0 - alpha_bar) * out) / np.sqrt(alpha_bar)
        mean = reverse.x0[t] * keep(out) + reverse.current[t] * x
        x = mean + reverse.deviation[t] * noise[-t] if t else mean
    return jnp.clip(x, -1.0, 1.0) if bound == "clip" else x

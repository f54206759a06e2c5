"""Mixtures of experts: the gate, whom it selects, and what keeps experts from starving.

Shapes: B inputs, F features, E experts.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

GATE_DEVIATION = 0.01
"""Standard deviation of a fresh gate's weights: at first it prefers no expert."""


class Routing(NamedTuple):
    """Whom a gate sends a batch of inputs to."""

    weight: Float[Array, "B E"]
    """Softmax over all experts."""
    selected: Float[Array, "B E"]
    """The largest weights, renormalised; 0 for experts that are not selected."""


def gate(num_experts: int) -> nn.Dense:
    """The network from features to a logit an expert."""
    return nn.Dense(num_experts, kernel_init=nn.initializers.normal(GATE_DEVIATION))


def route(logits: Float[Array, "B E"], num_selected: int) -> Routing:
    """Top-k selection: the `num_selected` experts of largest logits; of equal ones the first."""
    weight = jax.nn.softmax(logits)
    largest = jax.lax.top_k(weight, num_selected)[1]
    member = jnp.sum(jax.nn.one_hot(largest, logits.shape[-1]), axis=1)
    kept = jnp.where(member > 0, weight, 0.0)
    return Routing(weight, kept / jnp.sum(kept, axis=-1, keepdims=True))


def combine(selected: Float[Array, "B E"], outputs: Float[Array, "E B A"]) -> Float[Array, "B A"]:
    """The experts' outputs, weighed by who is selected."""
    return jnp.einsum("be,eba->ba", selected, outputs)


def expert_load(selected: Float[Array, "B E"]) -> Float[Array, "E"]:
    """f_k: share of the inputs that select each expert."""
    return jnp.mean((selected > 0).astype(selected.dtype), axis=0)


def load_balance(
    load: Float[Array, "E"], weight: Float[Array, "B E"], num_selected: int
) -> Float[Array, ""]:
    """(E/k)·Σ_k f_k·P_k with P_k the mean weight: 1, its least, where all experts are used alike.

    W. Fedus et al., Switch Transformers, 2022, (4). The gradient runs through P alone.
    """
    return weight.shape[-1] / num_selected * jnp.sum(load * jnp.mean(weight, axis=0))


def entropy(weight: Float[Array, "B E"]) -> Float[Array, ""]:
    """Mean entropy of the gate's weights, nats: 0 where it is always sure."""
    return -jnp.mean(jnp.sum(weight * jnp.log(weight + 1e-9), axis=-1))

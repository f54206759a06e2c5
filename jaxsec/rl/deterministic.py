"""One action a state, straight from a network: the actor of DDPG.

T. Lillicrap et al., Continuous control with deep reinforcement learning, 2016. As many layers as
make its parameters as many as those of a diffusion policy's denoiser; or a network that keeps to
the observation's symmetries.
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec.rl import equivariant
from jaxsec.rl.layout import Layout
from jaxsec.rl.networks import Mlp
from jaxsec.rl.policy import Loss, Mean, Value

HIDDEN_LAYERS = 4


@dataclasses.dataclass(frozen=True)
class Deterministic:
    """A policy without noise of its own."""

    observation_size: int
    action_size: int
    width: int
    layout: Layout | None = None
    """Of the observation, whose symmetries the network keeps to; None for a flat one."""

    @property
    def network(self) -> nn.Module:
        if self.layout is not None:
            return equivariant.Actor(self.layout, self.width)
        return Mlp((self.width,) * HIDDEN_LAYERS + (self.action_size,), nn.relu)

    def init(self, key: Key[Array, ""]) -> Any:
        return self.network.init(key, jnp.zeros((1, self.observation_size)))["params"]

    def noise(self, key: Key[Array, ""], batch: int) -> Float[Array, "B 0"]:
        del key
        return jnp.zeros((batch, 0))

    def act(self, params: Any, noise: Any, observation: Float[Array, "B O"]) -> Float[Array, "B A"]:
        del noise
        return jnp.tanh(self.network.apply({"params": params}, observation))  # pyright: ignore

    def loss(
        self, params: Any, noise: Any, observation: Float[Array, "B O"], value: Value, mean: Mean
    ) -> Loss:
        del mean
        return Loss(-jnp.mean(value(self.act(params, noise, observation))), {})

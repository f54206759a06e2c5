"""Networks of policies and critics: small, of full layers, as in the public GDM framework.

A network that sees the state and an action has a trunk for the state alone. What the trunk gives is
computed once where the same state is seen with several actions, as along a denoising chain.
"""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsec.diffusion.networks.embedding import time_features

TIME_SIZE = 16
"""Entries of a time embedding."""


def mish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """x·tanh(log(1 + eˣ)), the framework's activation (D. Misra, 2020), by a single exponential.

    With n = eˣ(eˣ + 2) it is x·n/(n + 2), which takes 0.4 of the time on a CPU.
    """
    e = jnp.exp(jnp.minimum(x, 20.0))  # beyond, it is x
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))


class Mlp(nn.Module):
    """Full layers with an activation between, none behind the last."""

    widths: tuple[int, ...]
    activation: Callable[[Array], Array] = nn.relu

    @nn.compact
    def __call__(self, x: Float[Array, "... I"]) -> Float[Array, "... O"]:
        for width in self.widths[:-1]:
            x = self.activation(nn.Dense(width)(x))
        return nn.Dense(self.widths[-1])(x)


class Trunk(nn.Module):
    """Features of a state."""

    width: int
    activation: Callable[[Array], Array]

    @nn.compact
    def __call__(self, observation: Float[Array, "B O"]) -> Float[Array, "B F"]:
        return Mlp((self.width, self.width), self.activation)(observation)


class Head(nn.Module):
    """What a denoiser predicts from a noisy action, its time and a state's features.

    The first layer sees all three at once. It is linear, so that its part of the features, `read`,
    is computed once a chain.
    """

    action_size: int
    width: int
    activation: Callable[[Array], Array]

    def setup(self) -> None:
        self.read_features = nn.Dense(self.width)
        self.read_action = nn.Dense(self.width, use_bias=False)
        self.time = Mlp((2 * TIME_SIZE, TIME_SIZE), self.activation)
        self.read_time = nn.Dense(self.width, use_bias=False)
        self.rest = Mlp((self.width, self.action_size), self.activation)

    def read(self, features: Float[Array, "B F"]) -> Float[Array, "B W"]:
        return self.read_features(features)

    def predict(
        self, x: Float[Array, "B A"], time: Float[Array, "#B S"], read: Float[Array, "B W"]
    ) -> Float[Array, "B A"]:
        first = read + self.read_action(x) + self.read_time(self.time(time))
        return self.rest(self.activation(first))

    def __call__(
        self, x: Float[Array, "B A"], time: Float[Array, "#B S"], features: Float[Array, "B F"]
    ) -> Float[Array, "B A"]:
        return self.predict(x, time, self.read(features))


class Critic(nn.Module):
    """Values of actions in a state: a shared trunk for the state, then a network a value."""

    width: int
    num_values: int = 2

    @nn.compact
    def __call__(
        self, observation: Float[Array, "B O"], action: Float[Array, "B A"]
    ) -> Float[Array, "V B"]:
        features = Trunk(self.width, nn.relu)(observation)
        seen = jnp.concatenate((features, action), axis=-1)
        values = [Mlp((self.width, self.width, 1))(seen)[..., 0] for _ in range(self.num_values)]
        return jnp.stack(values)


def embed_time(time: int | Int[Array, "B"]) -> Float[Array, "B S"]:
    """Features of a denoising step's index, one for all states, B = 1, or one each."""
    return time_features(jnp.atleast_1d(jnp.asarray(time, jnp.int32)), TIME_SIZE)

"""GDM: actions denoised from Gaussian noise in a few steps, conditioned on the state.

H. Du et al., Enhancing Deep Reinforcement Learning: A Tutorial on Generative Diffusion Models in
Network Optimization, 2024. Trained without expert data: the gradient of an action's value runs back
through the whole chain. Or by the denoising loss of given actions (`jaxsec.rl.actor_loss`).
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec.diffusion import chain
from jaxsec.diffusion.process import Schedule
from jaxsec.rl import denoiser, denoising
from jaxsec.rl.denoising import Examples
from jaxsec.rl.layout import Layout
from jaxsec.rl.networks import embed_time
from jaxsec.rl.policy import Loss, Mean, Value


@dataclasses.dataclass(frozen=True)
class Diffusion:
    """A policy that denoises its actions."""

    observation_size: int
    action_size: int
    width: int
    num_steps: int = 6
    bound: chain.Bound = "tanh"
    prediction: chain.Prediction = "start"
    layout: Layout | None = None
    """Of the observation, whose symmetries the networks keep to; None for flat ones."""

    @property
    def trunk(self) -> nn.Module:
        return denoiser.trunk(self.width, self.layout)

    @property
    def head(self) -> nn.Module:
        return denoiser.head(self.action_size, self.width, self.layout)

    def init(self, key: Key[Array, ""]) -> Any:
        key_trunk, key_head = jax.random.split(key)
        observation, x = jnp.zeros((1, self.observation_size)), jnp.zeros((1, self.action_size))
        features, trunk = self.trunk.init_with_output(key_trunk, observation)
        return {
            "trunk": trunk["params"],
            "head": self.head.init(key_head, x, embed_time(0), features)["params"],
        }

    def noise(self, key: Key[Array, ""], batch: int) -> Float[Array, "T B A"]:
        return jax.random.normal(key, (self.num_steps, batch, self.action_size))

    def denoiser(self, params: Any, observation: Float[Array, "B O"]) -> chain.Predict:
        """The network in these states, whose features are computed once."""
        features = self.trunk.apply({"params": params["trunk"]}, observation)
        head = {"params": params["head"]}
        read = self.head.apply(head, features, method="read")

        def predict(x: Float[Array, "B A"], t: Any) -> Float[Array, "B A"]:
            return self.head.apply(head, x, embed_time(t), read, method="predict")  # pyright: ignore

        return predict

    def act(
        self, params: Any, noise: Float[Array, "T B A"], observation: Float[Array, "B O"]
    ) -> Float[Array, "B A"]:
        predict, schedule = self.denoiser(params, observation), self.schedule
        return chain.denoise(schedule, predict, noise, bound=self.bound, prediction=self.prediction)

    def loss(
        self,
        params: Any,
        noise: Float[Array, "T B A"],
        observation: Float[Array, "B O"],
        value: Value,
        mean: Mean,
    ) -> Loss:
        del mean
        return Loss(-jnp.mean(value(self.act(params, noise, observation))), {})

    def denoising_loss(
        self, params: Any, observation: Float[Array, "B O"], examples: Examples
    ) -> Float[Array, ""]:
        predict, schedule = self.denoiser(params, observation), self.schedule
        return denoising.loss(
            schedule, predict, examples, bound=self.bound, prediction=self.prediction
        )

    @property
    def schedule(self) -> Schedule:
        """Noise levels of the steps."""
        return chain.variance_preserving(self.num_steps)

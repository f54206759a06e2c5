"""Water-filling power allocation as an environment: the toy problem of the public GDM framework.

    environment = WaterFilling()
    observation, state = environment.reset(key_reset)
    observation, state, reward, done, info = environment.step(key_step, state, action)

A transmitter shares its power among parallel channels, half of them strong, half weak. The reward
is the sum rate less that of the optimum, which has a closed form: minus the regret, in bit/s/Hz.
Every slot is an episode. H. Du et al., Enhancing Deep Reinforcement Learning: A Tutorial on
Generative Diffusion Models in Network Optimization, 2024.
"""

import dataclasses
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Key

from jaxsec import checks
from jaxsec.rl.spaces import Box

LN2 = 0.6931471805599453
LEAST_GAIN = 1e-30
"""Weaker channels count as this: one of zero gain has no inverse."""
LEAST_SHARE = 1e-6
"""Added to every share, so that an action of zeros is the uniform allocation."""

Allocation = Literal["fold", "ramp"]
"""Which powers an action a stands for: shares of |a|, as in the public framework, where two signs
are the same power and no power is a kink; or of (1 + a)/2, one action a power, none at -1."""


def water_filling(gains: Float[ArrayLike, "*B N"], total_power: float) -> Float[Array, "*B N"]:
    """The powers of largest sum rate, p_i = max(0, μ − 1/g_i), by sorting.

    Args:
      gains: of the channels over their noise, at least 0.
      total_power: what the powers sum to.

    Raises:
      InputError: no channel, or power that is not positive.
    """
    checks.check_rank("gains", gains, "[..., N]")
    shape = jnp.shape(gains)
    checks.require(shape[-1] >= 1, f"`gains` must hold at least one channel, but has shape {shape}")
    checks.check_positive("total_power", total_power)
    floor = 1.0 / jnp.maximum(jnp.asarray(gains), LEAST_GAIN)
    # Above the lowest floor: differences of floors are exact where floors themselves are huge.
    floor = floor - jnp.min(floor, axis=-1, keepdims=True)
    ascending = jnp.sort(floor, axis=-1)
    # The k lowest floors, filled to a common level, need it to lie above the k-th.
    count = 1 + jax.lax.broadcasted_iota(floor.dtype, shape, len(shape) - 1)
    level = (total_power + jnp.cumsum(ascending, axis=-1)) / count
    used = jnp.sum(level > ascending, axis=-1, keepdims=True)
    return jnp.maximum(jnp.take_along_axis(level, used - 1, axis=-1) - floor, 0.0)


def sum_rate(gains: Float[Array, "*B N"], power: Float[Array, "*B N"]) -> Float[Array, "*B"]:
    """Σ log2(1 + g·p)."""
    return jnp.sum(jnp.log1p(gains * power), axis=-1) / LN2


class State(NamedTuple):
    """A slot that waits for its powers."""

    gains: Float[Array, "N"]
    best: Float[Array, ""]
    """Sum rate of the optimum."""


@dataclasses.dataclass(frozen=True)
class WaterFilling:
    """Slots of independent gains, uniform on [1, 2] and on [0, 1].

    Raises:
      InputError: a number is out of its range, or the allocation is unknown.
    """

    num_strong: int = 5
    """Channels of gains between 1 and 2; they come first."""
    num_weak: int = 5
    """Channels of gains between 0 and 1."""
    total_power: float = 3.0
    """Of all channels."""
    allocation: Allocation = "fold"
    """Which powers an action stands for."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_strong", self.num_strong, 0)
        checks.check_at_least("num_weak", self.num_weak, 0)
        checks.check_at_least("num_strong + num_weak", self.action_size, 1)
        checks.check_positive("total_power", self.total_power)
        checks.require(
            self.allocation in ("fold", "ramp"),
            f"`allocation` must be fold or ramp, but is {self.allocation!r}",
        )

    @property
    def name(self) -> str:
        return "WaterFilling"

    @property
    def action_size(self) -> int:
        """N, one entry a channel."""
        return self.num_strong + self.num_weak

    @property
    def observation_size(self) -> int:
        """N gains, and a 0 that the public framework has there."""
        return self.action_size + 1

    def action_space(self) -> Box:
        return Box(-1.0, 1.0, (self.action_size,))

    def observation_space(self) -> Box:
        return Box(0.0, 2.0, (self.observation_size,))

    def reset(self, key: Key[Array, ""]) -> tuple[Float[Array, "O"], State]:
        """A fresh slot."""
        strong = jnp.arange(self.action_size) < self.num_strong
        gains = jax.random.uniform(key, (self.action_size,)) + strong
        state = State(gains, sum_rate(gains, water_filling(gains, self.total_power)))
        return self.observe(state), state

    def step(
        self, key: Key[Array, ""], state: State, action: Float[Array, "N"]
    ) -> tuple[Float[Array, "O"], State, Float[Array, ""], Bool[Array, ""], dict[str, Any]]:
        """Transmits with the powers of `action`; the next episode starts by itself.

        Returns:
          Observation of the next slot, its state, the reward, True for the episode's end, and info:
          the sum rate and its optimum.
        """
        reward = self.reward(state, action)
        observation, following = self.reset(key)
        info = {"rate": reward + state.best, "best": state.best}
        return observation, following, reward, jnp.ones((), bool), info

    def observe(self, state: State) -> Float[Array, "O"]:
        return jnp.append(state.gains, 0.0)

    def power(self, action: Float[Array, "*B N"]) -> Float[Array, "*B N"]:
        """Powers of an action, entries beyond ±1 being cut; uniform where all shares are 0."""
        action = jnp.clip(action, -1.0, 1.0)
        if self.allocation == "fold":
            share = action * jnp.where(action < 0.0, -1.0, 1.0)  # |a|, with slope 1 at 0
        else:
            share = (1.0 + action) / 2.0
        share = share + LEAST_SHARE
        return self.total_power * share / jnp.sum(share, axis=-1, keepdims=True)

    def reward(self, state: State, action: Float[Array, "N"]) -> Float[Array, ""]:
        """Sum rate less the optimum's, at most 0."""
        return sum_rate(state.gains, self.power(action)) - state.best

"""Water-filling power allocation as an environment: the toy problem of the public GDM framework.

    environment = WaterFilling()
    observation, state = environment.reset(key_reset)
    observation, state, reward, terminated, truncated, info = environment.step(
        key_step, state, action
    )

A transmitter shares its power among parallel channels, some of them strong, some weak. The reward
is the sum rate less that of the optimum, which has a closed form: minus the regret, in bit/s/Hz.
Every slot is an episode, which terminates: no slot bears on another. H. Du et al., Enhancing Deep
Reinforcement Learning: A Tutorial on Generative Diffusion Models in Network Optimization, 2024.
"""

import dataclasses
import math
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int, Key

from jaxsec import checks
from jaxsec.rl.environment import Advance, Episodic
from jaxsec.rl.spaces import Box

LN2 = 0.6931471805599453
MIN_GAIN = 1e-30
"""Weaker channels count as this: one of zero gain has no inverse."""
MIN_SHARE = 1e-6
"""Added to every share, so that an action of zeros is the uniform allocation."""

Allocation = Literal["fold", "ramp"]
"""Which powers an action a stands for: shares of |a|, as in the public framework, where two signs
are the same power and no power is a kink; or of (1 + a)/2, one action a power, none at -1."""


def water_filling(gains: Float[ArrayLike, "*B N"], total_power: float) -> Float[Array, "*B N"]:
    """The powers of largest sum rate, p_i = max(0, μ − 1/g_i), by sorting.

    T. Cover and J. Thomas, Elements of Information Theory, 9.4.

    >>> water_filling(jnp.array([2.0, 1.0, 0.1]), 1.0).tolist()
    [0.75, 0.25, 0.0]

    Args:
      gains: of the channels over their noise, at least 0.
      total_power: what the powers sum to.

    Returns:
      [..., N], not negative.

    Raises:
      InputError: no channel, or power that is not positive.
    """
    checks.check_rank("gains", gains, "[..., N]")
    shape = jnp.shape(gains)
    checks.require(shape[-1] >= 1, f"`gains` must hold at least one channel, but has shape {shape}")
    checks.check_positive("total_power", total_power)
    return _water_filling(gains, total_power)


def _water_filling(gains: Any, total_power: Any) -> Float[Array, "*B N"]:
    """The same without checks, for powers that may be traced."""
    shape = jnp.shape(gains)
    floor = 1.0 / jnp.maximum(jnp.asarray(gains), MIN_GAIN)
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


class Params(NamedTuple):
    """Numbers that may be traced: batched, or differentiated."""

    total_power: Float[ArrayLike, ""]
    """Of all channels."""
    max_steps_in_episode: Int[ArrayLike, ""] = 1

    def replace(self, **changes: Any) -> "Params":
        """With some of the numbers changed, as gymnax's parameters have it."""
        return self._replace(**changes)


class State(NamedTuple):
    """A slot that waits for its powers, or has had them."""

    gains: Float[Array, "N"]
    best: Float[Array, ""]
    """Sum rate of the optimum."""
    time: Int[Array, ""]
    """Slots since the start of the episode."""


@dataclasses.dataclass(frozen=True)
class WaterFilling(Episodic):
    """Slots of independent gains, uniform in two ranges.

    The defaults are the small problem of the public framework; its large one is
    `WaterFilling(50, 50, strong_gains=(13.0, 14.0), weak_gains=(0.0, 0.1))`.

    Raises:
      InputError: a number is out of its range, or the allocation is unknown.
    """

    num_strong: int = 5
    """Channels of large gains; they come first."""
    num_weak: int = 5
    """Channels of small gains."""
    total_power: float = 3.0
    """Of all channels."""
    allocation: Allocation = "fold"
    """Which powers an action stands for."""
    strong_gains: tuple[float, float] = (1.0, 2.0)
    """Smallest and largest gain over noise of a strong channel, per unit of power."""
    weak_gains: tuple[float, float] = (0.0, 1.0)
    """The same of a weak one."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_strong", self.num_strong, 0)
        checks.check_at_least("num_weak", self.num_weak, 0)
        checks.check_at_least("num_strong + num_weak", self.action_size, 1)
        checks.check_positive("total_power", self.total_power)
        checks.require(
            self.allocation in ("fold", "ramp"),
            f"`allocation` must be fold or ramp, but is {self.allocation!r}",
        )
        for name in ("strong_gains", "weak_gains"):
            low, high = getattr(self, name)
            checks.require(
                0.0 <= low <= high < math.inf,
                f"`{name}` must be two finite gains, 0 <= smallest <= largest, "
                f"but is {(low, high)}",
            )

    @property
    def default_params(self) -> Params:
        return Params(self.total_power)

    @property
    def action_size(self) -> int:
        """N, one entry a channel."""
        return self.num_strong + self.num_weak

    @property
    def observation_size(self) -> int:
        """N gains, and a 0 that the public framework has there."""
        return self.action_size + 1

    def action_space(self, params: Params | None = None) -> Box:
        """What powers an entry stands for, `allocation` says."""
        return Box(-1.0, 1.0, (self.action_size,))

    def observation_space(self, params: Params | None = None) -> Box:
        """From no gain to the largest there is."""
        most = max(self.strong_gains[1], self.weak_gains[1])
        return Box(0.0, most, (self.observation_size,))

    def start(self, key: Key[Array, ""], params: Params) -> State:
        """A fresh slot."""
        strong = np.arange(self.action_size)[:, None] < self.num_strong
        low, high = np.where(strong, self.strong_gains, self.weak_gains).astype(np.float32).T
        gains = low + (high - low) * jax.random.uniform(key, (self.action_size,))
        best = sum_rate(gains, _water_filling(gains, params.total_power))
        return State(gains, best, jnp.zeros((), jnp.int32))

    def advance(
        self, key: Key[Array, ""], state: State, action: Float[Array, "N"], params: Params
    ) -> Advance:
        """Transmits with the powers of `action`; info has the sum rate and its optimum."""
        reward = self.reward(state, action, params)
        after = state._replace(time=state.time + 1)
        info = {"rate": reward + state.best, "best": state.best}
        return Advance(after, self.start(key, params), reward, info)

    def is_terminated(self, state: State, params: Params) -> Bool[Array, ""]:
        """Any slot that has had its powers is the last one."""
        del params
        return jnp.asarray(state.time > 0)

    def get_obs(
        self, state: State, params: Params | None = None, key: Key[Array, ""] | None = None
    ) -> Float[Array, "O"]:
        """The gains, and the 0."""
        del params, key
        return jnp.append(state.gains, 0.0)

    def power(
        self, action: Float[Array, "*B N"], params: Params | None = None
    ) -> Float[Array, "*B N"]:
        """Powers of an action, entries beyond ±1 being cut; uniform where all shares are 0."""
        params = self.default_params if params is None else params
        action = jnp.clip(action, -1.0, 1.0)
        if self.allocation == "fold":
            share = action * jnp.where(action < 0.0, -1.0, 1.0)  # |a|, with slope 1 at 0
        else:
            share = (1.0 + action) / 2.0
        share = share + MIN_SHARE
        return jnp.asarray(params.total_power) * share / jnp.sum(share, axis=-1, keepdims=True)

    def reward(
        self, state: State, action: Float[Array, "N"], params: Params | None = None
    ) -> Float[Array, ""]:
        """Sum rate less the optimum's, at most 0."""
        return sum_rate(state.gains, self.power(action, params)) - state.best

    def values(
        self, state: State, action: Float[Array, "N"], params: Params | None = None
    ) -> Float[Array, "1"]:
        """The sum rate."""
        return jnp.reshape(sum_rate(state.gains, self.power(action, params)), 1)

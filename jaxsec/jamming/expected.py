"""OPT of jamming where eavesdroppers are not known exactly: the best action in the mean over draws.

    drawn = posterior.draws(environment, states, 16)
    found = expected.best(environment, states, drawn)

The search is that of `optimise`, on the mean over a slot's draws of the smooth reward, and by that
of the true one: an outage in one draw of four counts as a quarter.

Shapes: N slots, D draws of each, R receivers, users first, A access points, S actions tried.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Key

from jaxsec import checks
from jaxsec.jamming import objective, optimise
from jaxsec.jamming.chunks import by_chunks
from jaxsec.jamming.environment import Environment, Params, State
from jaxsec.jamming.objective import Objective
from jaxsec.jamming.optimise import Best, Setting

LANES = 256
"""Slots times draws at a time."""


class Expected(NamedTuple):
    """The mean of an objective over draws."""

    of_draws: Objective
    """Of D·N slots, the first draws of all slots first."""
    num_draws: int

    @property
    def is_smooth(self) -> bool:
        """Whether there is a gradient to climb."""
        return self.of_draws.is_smooth

    def rewards(self, action: Float[Array, "A S N"]) -> Float[Array, "S N"]:
        """In the mean over draws."""
        return self._mean(self.of_draws.rewards(self._for_draws(action)))

    def climb(
        self, action: Float[Array, "A S N"], temperature: Float[ArrayLike, ""]
    ) -> tuple[Float[Array, "S N"], Float[Array, "A S N"]]:
        """Rewards and smooth gradients, in the mean over draws."""
        rewards, gradient = self.of_draws.climb(self._for_draws(action), temperature)
        return self._mean(rewards), self._mean(gradient)

    def _for_draws(self, action: Float[Array, "A S N"]) -> Float[Array, "A S M"]:
        return jnp.tile(action, self.num_draws)

    def _mean(self, x: Float[Array, "*any M"]) -> Float[Array, "*any N"]:
        return jnp.mean(x.reshape(*x.shape[:-1], self.num_draws, -1), axis=-2)


def best(
    environment: Environment,
    states: State,
    draws: Float[Array, "N D R A"],
    params: Params | None = None,
    *,
    starts: Float[Array, "N C A"] | None = None,
    key: Key[Array, ""] | None = None,
    setting: Setting = optimise.SETTINGS["standard"],
) -> Best:
    """A very good action of each slot in the mean over its draws, and its mean reward over them;
    none worse than its best start. Compiled, once for each scenario, shape and setting.

    Args:
      environment: what the reward is computed by.
      states: N slots, batched along the first axis of every field; of them only the preferences
        and the levels of batteries are used.
      draws: gains as `slots.gains`, such as `posterior.draws`.
      params: numbers of the reward; the scenario's by default.
      starts: actions in [-1, 1] to climb from, beside random ones.
      key: of the random starts; a fixed one by default.
      setting: how long to search.

    Raises:
      InputError: there is no draw, or no start, or one lies outside the box.
    """
    wanted = (len(states.time), environment.action_size)
    checks.require(
        draws.ndim == 4 and draws.shape[::3] == wanted and draws.shape[1] > 0,
        f"`draws` must have shape ({wanted[0]}, D, R, {wanted[1]}) with D at least 1, "
        f"but has shape {draws.shape}",
    )
    starts = optimise.checked_starts(starts, wanted, setting)
    params = environment.default_params if params is None else params
    params = jax.tree.map(jnp.asarray, params)
    key = jax.random.key(0) if key is None else key
    return _best(environment, states, draws, starts, params, key, setting=setting)


@functools.partial(jax.jit, static_argnames=("environment", "setting"))
def _best(
    environment: Environment,
    states: State,
    draws: Float[Array, "N D R A"],
    starts: Float[Array, "N C A"],
    params: Params,
    key: Key[Array, ""],
    *,
    setting: Setting,
) -> Best:
    num_draws = draws.shape[1]

    def one(key: Key[Array, ""], part: Any) -> Best:
        (preference, level), draws, starts = part
        gains = jnp.swapaxes(draws, 0, 1).reshape(-1, *draws.shape[2:])
        if level is not None:
            level = jnp.tile(level, (num_draws, 1))
        of_draws = objective.of_gains(
            environment, gains, jnp.tile(preference, (num_draws, 1)), params, level
        )
        problem = Expected(of_draws, num_draws)
        found = optimise.search(problem, starts, key, setting)
        found = jnp.concatenate((found, starts), axis=1).transpose(2, 1, 0)  # [A, K + C, n]
        rewards = problem.rewards(found)
        index = jnp.argmax(rewards, axis=0)
        action = jnp.take_along_axis(found, index[None, None], axis=1)[:, 0].T
        return Best(action, jnp.max(rewards, axis=0))

    level = None if states.battery is None else states.battery.level
    known = states.preference, level
    return by_chunks(one, (known, draws, starts), key, max(1, LANES // num_draws))

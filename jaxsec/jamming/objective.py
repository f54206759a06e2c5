"""The reward of many actions in many slots, true and smooth, gains worked out once.

Shapes: A access points, U users, W metrics, S actions tried in a slot, N slots, which are the last
axis (`links`).
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxsec.jamming import battery, links, metrics, slots
from jaxsec.jamming.environment import Environment, Params, State
from jaxsec.jamming.links import Links
from jaxsec.jamming.metrics import Outcome


@runtime_checkable
class Searchable(Protocol):
    """What a search needs to know of rewards."""

    @property
    def is_smooth(self) -> bool:
        """Whether there is a gradient to `climb`."""
        ...

    def rewards(self, action: Float[Array, "A S N"]) -> Float[Array, "S N"]:
        """The true ones."""
        ...

    def climb(
        self, action: Float[Array, "A S N"], temperature: Float[ArrayLike, ""]
    ) -> tuple[Float[Array, "S N"], Float[Array, "A S N"]]:
        """The true rewards, and the gradient of smooth ones."""
        ...


class Objective(NamedTuple):
    """The reward of slots that are known."""

    environment: Environment
    params: Params
    links: Links
    weights: Float[Array, "W N"]
    """Of the metrics, times each slot's preference."""
    level: Float[Array, "A 1 N"] | None
    """What can be spent, watt, where access points have batteries."""

    @property
    def is_smooth(self) -> bool:
        """Whether every metric has a smooth form, without which there is nothing to `climb`."""
        return all(metric.smooth is not None for metric in self.environment.metrics)

    def rewards(self, action: Float[Array, "A S N"]) -> Float[Array, "S N"]:
        """What `Environment.reward` says."""
        return self.of_power(self._power(action))

    def climb(
        self, action: Float[Array, "A S N"], temperature: Float[ArrayLike, ""]
    ) -> tuple[Float[Array, "S N"], Float[Array, "A S N"]]:
        """The true rewards, and the gradient of `Environment.smooth_reward`."""

        def total(action: Float[Array, "A S N"]) -> tuple[Float[Array, ""], Float[Array, "S N"]]:
            smooth, true = self.smooth_of_power(self._power(action), temperature)
            return jnp.sum(smooth), true

        gradient, rewards = jax.grad(total, has_aux=True)(action)
        return rewards, gradient

    def of_power(self, power: Float[Array, "A S N"]) -> Float[Array, "S N"]:
        """The true rewards of transmit powers."""
        return self._true(power, links.signed_secrecy_rates(power, self.links))

    def smooth_of_power(
        self, power: Float[Array, "A S N"], temperature: Float[ArrayLike, ""]
    ) -> tuple[Float[Array, "S N"], Float[Array, "S N"]]:
        """The smooth rewards of transmit powers, and the true ones."""
        rate = links.signed_secrecy_rates(power, self.links)
        return self._smooth(power, rate, temperature), self._true(power, rate)

    def _power(self, action: Float[Array, "A S N"]) -> Float[Array, "A S N"]:
        asked = self.environment.power(action, self.params)
        return asked if self.level is None else battery.drawn(asked, self.level)

    def _true(
        self, power: Float[Array, "A S N"], rate: Float[Array, "U S N"]
    ) -> Float[Array, "S N"]:
        def values(outcome: Outcome) -> list[Float[Array, ""]]:
            return [metric(outcome) for metric in self.environment.metrics]

        return self._weighed(values, power, jnp.maximum(rate, 0.0))

    def _smooth(
        self,
        power: Float[Array, "A S N"],
        rate: Float[Array, "U S N"],
        temperature: Float[ArrayLike, ""],
    ) -> Float[Array, "S N"]:
        def values(outcome: Outcome) -> list[Float[Array, ""]]:
            return metrics.smooth_values(self.environment.metrics, outcome, temperature)

        return self._weighed(values, power, rate)

    def _weighed(
        self,
        values: Callable[[Outcome], list[Float[Array, ""]]],
        power: Float[Array, "A S N"],
        rate: Float[Array, "U S N"],
    ) -> Float[Array, "S N"]:
        """The weighted sum of metrics, which are functions of one outcome."""
        circuit, target = self.params.circuit_power_w, self.params.target_rate

        def one(
            power: Float[Array, "A"],
            serving: Float[Array, "U"],
            rate: Float[Array, "U"],
            weights: Float[Array, "W"],
        ) -> Float[Array, ""]:
            total = jnp.zeros(())
            for i, value in enumerate(values(Outcome(power, serving, rate, circuit, target))):
                total += weights[i] * value
            return total

        of_slot = jax.vmap(one, in_axes=(-1, -1, -1, None), out_axes=-1)
        of_all = jax.vmap(of_slot, in_axes=-1, out_axes=-1)
        return of_all(power, links.of_users(power, len(rate)), rate, self.weights)


def objective(environment: Environment, states: State, params: Params) -> Objective:
    """Of N slots, batched along the first axis of every field."""
    gains = jax.vmap(slots.gains)(states.slot)
    level = None if states.battery is None else states.battery.level
    return of_gains(environment, gains, states.preference, params, level)


def of_gains(
    environment: Environment,
    gains: Float[Array, "N R A"],
    preference: Float[Array, "N W"],
    params: Params,
    level: Float[Array, "N A"] | None = None,
) -> Objective:
    """Of N slots of which no more is known, receivers R = U + E, users first."""
    weights = jnp.asarray(params.weights)[:, None] * preference.T
    known = links.links(gains, environment.scenario.num_users)
    if level is not None:
        level = level.T[:, None]
    return Objective(environment, params, known, weights, level)

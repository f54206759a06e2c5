"""The rewards of several slots in a row, whose batteries pass on what is not spent.

A plan has an action for the slot that is at hand. For those that follow it has shares of what the
batteries will then hold, which serve whatever comes: a slot's own for the first of them, the last
of these for all later ones. So a plan does not know its future, as no policy does, and its end does
not tempt it to spend everything. It is searched as an action is (`optimise.search`).

Shapes: H slots in a row, F of the later ones with shares of their own, D futures, A access points,
P = A·(1 + F) entries of a plan, S plans tried, N first slots, M = H·D·N slots in all.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxsec.jamming import ascent, battery, objective
from jaxsec.jamming.environment import Environment, Params, State
from jaxsec.jamming.objective import Objective


class Plan(NamedTuple):
    """What plans lead to: the sum over slots, in the mean over futures."""

    of_slots: Objective
    """Of M slots, without batteries."""
    level: Float[Array, "A 1 1 N"]
    """At the beginning, watt."""
    harvest: Float[Array, "H A 1 D N"]
    """Of every slot, watt."""
    capacity: Float[Array, ""]
    """Of every battery, watt."""

    @property
    def is_smooth(self) -> bool:
        """Whether there is a gradient to climb."""
        return self.of_slots.is_smooth

    def rewards(self, action: Float[Array, "P S N"]) -> Float[Array, "S N"]:
        """Of plans."""
        return self._sum(self.of_slots.of_power(self._flat(self.powers(action))))

    def climb(
        self, action: Float[Array, "P S N"], temperature: Float[ArrayLike, ""]
    ) -> tuple[Float[Array, "S N"], Float[Array, "P S N"]]:
        """Rewards, and smooth gradients, each slot's over its own largest entry: what bears on few
        slots moves as fast as what bears on many."""

        def total(action: Float[Array, "P S N"]) -> tuple[Float[Array, ""], Float[Array, "S N"]]:
            power = self._flat(self.powers(action))
            smooth, true = self.of_slots.smooth_of_power(power, temperature)
            return jnp.sum(self._sum(smooth)), self._sum(true)

        gradient, rewards = jax.grad(total, has_aux=True)(action)
        by_slot = (-1, len(self.level), *action.shape[1:])
        scaled = ascent.scaled(action.reshape(by_slot), gradient.reshape(by_slot), axis=1)
        return rewards, scaled.reshape(action.shape)

    def powers(self, action: Float[Array, "P S N"]) -> Float[Array, "H A S D N"]:
        """What is transmitted, watt."""
        num_slots, size, _, num_futures, _ = self.harvest.shape
        params = self.of_slots.params
        by_slot = action.reshape(-1, size, action.shape[1], 1, action.shape[2])
        asked = self.of_slots.environment.power(by_slot, params)
        shape = (size, action.shape[1], num_futures, action.shape[2])
        level = jnp.broadcast_to(self.level, shape)
        now = battery.drawn(jnp.broadcast_to(asked[0], shape), level)
        level = battery.after(level, now, self.harvest[0], self.capacity)

        def step(level: Any, slot: tuple[Array, Array]) -> tuple[Any, Float[Array, "A S D N"]]:
            share, harvest = slot
            power = battery.drawn(share * level, level, params.min_power_w)
            return battery.after(level, power, harvest, self.capacity), power

        which = np.minimum(np.arange(1, num_slots), len(asked) - 1)
        shares = asked[which] / params.max_power_w
        _, later = jax.lax.scan(step, level, (shares, self.harvest[1:]))
        return jnp.concatenate((now[None], later))

    def _flat(self, power: Float[Array, "H A S D N"]) -> Float[Array, "A S M"]:
        turned = jnp.moveaxis(power, 0, 2)
        return turned.reshape(*turned.shape[:2], -1)

    def _sum(self, rewards: Float[Array, "S M"]) -> Float[Array, "S N"]:
        num_slots, _, _, num_futures, _ = self.harvest.shape
        by_future = rewards.reshape(len(rewards), num_slots, num_futures, -1)
        return jnp.mean(jnp.sum(by_future, axis=1), axis=1)


def plan(environment: Environment, ahead: State, params: Params) -> Plan:
    """Of N first slots.

    Args:
      environment: with batteries.
      ahead: [H, D, N], the first slots and what follows them in every future; levels count in the
        first slots only.
      params: numbers of the reward.
    """
    held = ahead.battery
    assert held is not None
    flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[3:]), ahead._replace(battery=None))
    return Plan(
        objective.objective(environment, flat, params),
        held.level[0, 0].T[:, None, None],
        jnp.moveaxis(held.harvest, 3, 1)[:, :, None],
        battery.capacity(environment.scenario, params.max_power_w),
    )

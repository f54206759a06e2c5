"""Batteries of access points: what they hold, and what a transmission takes out of them.

    level' = min(capacity, level − spent + harvested)     spent = min(asked, level)

Energy is counted in watt, over a slot: a battery at 0.2 W feeds 0.2 W for one slot, or 0.1 W for
two. It feeds the transmission; circuits have a supply of their own. What is harvested in a slot can
be spent from the next one on, and what exceeds the capacity is lost (O. Ozel et al., Transmission
with Energy Harvesting Nodes in Fading Wireless Channels: Optimal Policies, 2011). Harvests are
Bernoulli: all of it comes in packets of equal size, independently of each other (D. Shaviv and
A. Özgür, Universally Near Optimal Online Power Control for Energy Harvesting Nodes, 2016).

Shapes: A access points.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Key

from jaxsec import keys
from jaxsec.jamming.scenario import JammingScenario


class Battery(NamedTuple):
    """Of every access point."""

    level: Float[Array, "A"]
    """What can be spent in the slot, watt."""
    harvest: Float[Array, "A"]
    """What will have come by the next slot, watt; not observed."""


def sample(
    key: Key[Array, ""], scenario: JammingScenario, max_power_w: Float[ArrayLike, ""]
) -> Battery | None:
    """At the start of an episode: levels uniform between empty and full; None without batteries."""
    if scenario.battery is None:
        return None
    key_level, key_harvest = jax.random.split(keys.stream(key, "battery"))
    shape = (scenario.num_access_points,)
    level = capacity(scenario, max_power_w) * jax.random.uniform(key_level, shape)
    arrives = jax.random.bernoulli(key_harvest, scenario.harvest_probability, shape)
    packet = scenario.harvest / scenario.harvest_probability * max_power_w
    return Battery(level, jnp.where(arrives, packet, 0.0))


def drawn(
    asked: Float[Array, "*#any"], level: Float[Array, "*#any"], least: Float[ArrayLike, ""] = 0.0
) -> Float[Array, "..."]:
    """Transmit power, min(max(asked, least), level), for searches.

    Where a limit cuts it, the derivative in what is asked is not 0 but that of asking for what
    there is: a search that has asked for too much still finds that saving pays.
    """
    fixed = jax.lax.stop_gradient(asked)
    return jnp.minimum(jnp.maximum(fixed, least), level) + (asked - fixed)


def after(
    level: Float[Array, "*#any"],
    power: Float[Array, "*#any"],
    harvest: Float[Array, "*#any"],
    capacity: Float[Array, ""],
) -> Float[Array, "..."]:
    """Levels in the next slot, a power having been drawn."""
    return jnp.minimum(level - power + harvest, capacity)


def capacity(scenario: JammingScenario, max_power_w: Float[ArrayLike, ""]) -> Float[Array, ""]:
    """Of every battery, watt."""
    assert scenario.battery is not None
    return jnp.asarray(scenario.battery * max_power_w)

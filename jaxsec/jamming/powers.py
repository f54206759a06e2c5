"""Transmit powers and the actions that ask for them, entry by entry.

Even steps of an action from -1 to 1 are even steps of the power, in decibel or in watt, from the
least to the most.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.jamming.scenario import PowerSteps


def of(action: Float[Array, "*any"], steps: PowerSteps, params: Any) -> Float[Array, "*any"]:
    """Watt, of `params` that have a least and a most power."""
    least, most = jnp.asarray(params.min_power_w), jnp.asarray(params.max_power_w)
    share = (action + 1.0) / 2.0
    if steps == "watt":
        return least + (most - least) * share
    return least * jnp.exp(share * jnp.log(most / least))  # quicker than a power


def asking(power: Float[Array, "*any"], steps: PowerSteps, params: Any) -> Float[Array, "*any"]:
    """Actions that ask for these powers in watt; -1 for less than the least, 1 for more than the
    most."""
    least, most = jnp.asarray(params.min_power_w), jnp.asarray(params.max_power_w)
    power = jnp.clip(power, least, most)
    if steps == "watt":
        return 2.0 * (power - least) / (most - least) - 1.0
    return 2.0 * jnp.log(power / least) / jnp.log(most / least) - 1.0

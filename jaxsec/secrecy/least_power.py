"""Least power for given secrecy rates: a row of the table of objectives."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxsec.shapes import lift

STEEPNESS = 4.0
"""Price of a missing rate over what the power for it costs without interference."""


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["rates"], meta_fields=["colluding"]
)
@dataclasses.dataclass(frozen=True)
class LeastPower:
    """The least power at which every user has the secrecy rate asked for.

    The value is −(‖w‖² + ‖v‖²), from −1 up, where all have it, and −2 − Σ_k (what user k lacks)
    where the budget was not enough (`reached`).
    """

    rates: Any
    """What is asked for, bit/s/Hz, one for all users, or [K] or [..., K]."""
    colluding: bool = False
    """Eavesdroppers decode together."""

    def value(self, rates: Float[Array, "... K"], spent: Float[Array, "..."]) -> Array:
        """−‖u‖², or −2 − Σ_k max(asked_k − R_k, 0) where that is positive."""
        lacking = jnp.sum(jnp.maximum(self._asked(rates) - rates, 0.0), axis=-1)
        return jnp.where(lacking > 0, -2.0 - lacking, -spent)

    def smooth(
        self, rates: Float[Array, "... K"], spent: Float[Array, "..."], smoothing: Any
    ) -> Array:
        """−log2 ‖u‖² − Σ_k price_k·α·log(1 + exp((asked_k − R_k)/α)), α the smoothing.

        An exact penalty (Nocedal & Wright, Numerical Optimization, 17.2): alone on its channel, a
        user's next bit takes at most 1 + 1/(asked·ln 2) more of log2 ‖u‖², and the price is
        `STEEPNESS` times that.
        """
        asked = self._asked(rates)
        wanted = asked > 0
        price = STEEPNESS * (1.0 + 1.0 / (jnp.log(2.0) * jnp.where(wanted, asked, 1.0)))
        lacking = smoothing * jax.nn.softplus((asked - rates) / smoothing)
        there = spent > 0
        power = jnp.where(there, jnp.log2(jnp.where(there, spent, 1.0)), 0.0)
        return -power - jnp.sum(jnp.where(wanted, price * lacking, 0.0), axis=-1)

    def reached(self, value: Float[ArrayLike, "..."]) -> Bool[Array, "..."]:
        """Whether a value is that of a design which has all rates.

        >>> LeastPower(1.0).reached(jnp.array([-0.2, -2.1])).tolist()
        [True, False]

        Args:
          value: of `objective_value`, or of `design`'s diagnostics.

        Returns:
          [...].
        """
        return jnp.asarray(value) > -1.5  # between the two, whatever a power of 1 is rounded to

    def _asked(self, rates: Float[Array, "... K"]) -> Array:
        return lift(self.rates, rates.ndim)

"""Secrecy rates of channels that are known only as draws: their mean, or what outage leaves.

A designer climbs either by weighing the draws: `weights` makes Σ_d weight_d·rate_d a rate whose
gradient is that of the objective.
"""

import dataclasses
import functools
import math
import operator
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxsec import checks
from jaxsec.compiled import compiled

GROUPS = 8
"""Of draws, that are counted together."""
BANDWIDTH = 0.35
"""Width of the kernel around a quantile, in standard deviations of the rate over the draws."""


@runtime_checkable
class OverDraws(Protocol):
    """What is asked of a rate that differs from draw to draw."""

    def value(self, rates: Float[Array, "draws *rest"]) -> Float[Array, "*rest"]:
        """The objective, bit/s/Hz."""
        ...

    def weights(self, rates: Float[Array, "draws *rest"]) -> Float[Array, "draws *rest"]:
        """What each draw counts in the objective's gradient; they sum to one."""
        ...


@dataclasses.dataclass(frozen=True)
class Mean:
    """The mean over the draws."""

    def value(self, rates: Float[Array, "draws *rest"]) -> Float[Array, "*rest"]:
        """The objective, bit/s/Hz."""
        return jnp.mean(rates, axis=0)

    def weights(self, rates: Float[Array, "draws *rest"]) -> Float[Array, "draws *rest"]:
        """All draws alike."""
        return jnp.full_like(rates, 1.0 / rates.shape[0])


MEAN = Mean()
"""What is asked for where nothing else is said."""


@dataclasses.dataclass(frozen=True)
class Outage:
    """The largest rate that is missed with at most this probability (`outage_secrecy_rate`).

    Raises:
      InputError: the probability does not lie in [0, 1).
    """

    probability: float = 0.05
    """ε, share of the draws that may fall short."""

    def __post_init__(self) -> None:
        checks.require(
            0.0 <= self.probability < 1.0,
            f"`outage_probability` must lie in [0, 1), but is {self.probability}",
        )

    def value(self, rates: Float[Array, "draws *rest"]) -> Float[Array, "*rest"]:
        """The objective, bit/s/Hz."""
        return outage_secrecy_rate(rates, self.probability)

    def weights(self, rates: Float[Array, "draws *rest"]) -> Float[Array, "draws *rest"]:
        """A normal kernel around the quantile: its gradient is the mean over draws that are there.

        L. J. Hong, Estimating quantile sensitivities, Operations Research 2009.
        """
        width = BANDWIDTH * jnp.std(rates, axis=0, keepdims=True) + 1e-6
        return jax.nn.softmax(-0.5 * jnp.square((rates - self.value(rates)[None]) / width), axis=0)


def outage_secrecy_rate(
    secrecy_rate: Float[Array, "n *rest"], outage_probability: float
) -> Float[Array, "*rest"]:
    """The largest rate R that the secrecy rate falls below in at most a share ε of the draws.

    The ε-outage secrecy rate, max {R: Pr{R_s < R} ≤ ε}, of the draws' distribution (M. Bloch and
    J. Barros, Physical-Layer Security, 5.2).

    >>> float(outage_secrecy_rate(jnp.array([4.0, 1.0, 3.0, 2.0]), 0.25))
    2.0

    Args:
      secrecy_rate: [n, ...], draws first, bit/s/Hz.
      outage_probability: ε in [0, 1).

    Returns:
      [...], bit/s/Hz.

    Raises:
      InputError: ε does not lie in [0, 1).
    """
    checks.require(
        0.0 <= outage_probability < 1.0,
        f"`outage_probability` must lie in [0, 1), but is {outage_probability}",
    )
    return _kept(secrecy_rate, draws_missed(secrecy_rate.shape[0], outage_probability))


@jax.custom_jvp
@compiled()
def _kept(secrecy_rate: Float[Array, "n *rest"], missed: Any) -> Float[Array, "*rest"]:
    return _smallest(secrecy_rate, missed)


@_kept.defjvp
def _slope_of_kept(primals: Any, tangents: Any) -> tuple[Array, Array]:
    """By way of the draw that it is; the nearest, since a compiler may round the rates of one use
    and of another differently."""
    (secrecy_rate, missed), (slope, _) = primals, tangents
    value = _kept(secrecy_rate, missed)
    nearest = jnp.argmin(jnp.abs(secrecy_rate - value[None]), axis=0, keepdims=True)
    return value, jnp.take_along_axis(slope, nearest, axis=0)[0]


def draws_missed(n: int, outage_probability: float) -> int:
    """How many of n draws may fall short; fewer than n."""
    # Products of floats fall just below whole numbers: 0.29·100 does.
    return min(math.floor(outage_probability * n * (1.0 + 1e-12)), n - 1)


def _smallest(x: Float[Array, "n *rest"], number: Any) -> Float[Array, "*rest"]:
    """The order statistic that `number` others are below, found bit by bit.

    A bisection over the integers that order floats; on CPU many times as fast as sorting them.
    """
    integer = jnp.int64 if x.dtype == jnp.float64 else jnp.int32
    bits = jnp.iinfo(integer).bits
    magnitude = jnp.iinfo(integer).max

    def ordered(i: Array) -> Array:  # and its own inverse
        return i ^ ((i >> (bits - 1)) & magnitude)

    order = ordered(jax.lax.bitcast_convert_type(x, integer))

    def halve(i: Int[Array, ""], least: Int[Array, "*rest"]) -> Int[Array, "*rest"]:
        tried = least + (jnp.ones((), integer) << (bits - 2 - i).astype(integer))
        below = _count(order < tried[None])
        return jnp.where(below <= number, tried, least)

    negative = _count(order < 0) > number
    least = jnp.where(negative, jnp.iinfo(integer).min, 0).astype(integer)
    found = jax.lax.fori_loop(0, bits - 1, halve, least)
    return jax.lax.bitcast_convert_type(ordered(found), x.dtype)


def _count(true: Bool[Array, "n *rest"]) -> Int[Array, "*rest"]:
    """How many, eight at a time: a sum that is written out is the same loop as what it is of."""
    number = true.astype(jnp.int32)
    if len(number) % GROUPS == 0:
        groups = number.reshape(GROUPS, -1, *number.shape[1:])
        number = functools.reduce(operator.add, [groups[i] for i in range(GROUPS)])
    return jnp.sum(number, axis=0)


def secrecy_outage_probability(
    secrecy_rate: Float[Array, "n *rest"], target_rate: float | Float[Array, ""]
) -> Float[Array, "*rest"]:
    """Share of channel draws in which the secrecy rate falls below a target.

    Pr{R_s < R} as a mean over draws (M. Bloch and J. Barros, Physical-Layer Security, 5.2).

    >>> float(secrecy_outage_probability(jnp.array([1.0, 2.0, 3.0, 4.0]), 2.5))
    0.5

    Args:
      secrecy_rate: [n, ...], draws first, bit/s/Hz.
      target_rate: R, bit/s/Hz.

    Returns:
      [...], in [0, 1].
    """
    return jnp.mean(secrecy_rate < target_rate, axis=0, dtype=secrecy_rate.dtype)

"""What a policy can be asked to optimise: metrics of one slot, each to be made large.

A metric is a function from an `Outcome` to one number a slot. A name of `METRICS` or any such
function can be given to a `JammingScenario`, with its weight.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxsec import checks


class Outcome(NamedTuple):
    """What the powers of a slot have led to; batch dimensions lead."""

    power: Float[Array, "... A"]
    """Transmit power of each access point, watt."""
    serving_power: Float[Array, "... U"]
    """Transmit power of the access point that serves each user, watt."""
    secrecy_rate: Float[Array, "... U"]
    """Of each user, bit/s/Hz."""
    circuit_power: Float[ArrayLike, ""]
    """What an access point needs beside its transmit power, watt."""
    target_rate: Float[ArrayLike, ""]
    """Secrecy rate below which a user is in outage, bit/s/Hz."""


Metric = Callable[[Outcome], Float[Array, "..."]]


def secrecy_rate(outcome: Outcome) -> Float[Array, "..."]:
    """Sum secrecy rate, bit/s/Hz."""
    return jnp.sum(outcome.secrecy_rate, axis=-1)


def secure_energy_efficiency(outcome: Outcome) -> Float[Array, "..."]:
    """Sum over users of secrecy rate over transmit and circuit power, bit/s/Hz/W."""
    needed = outcome.serving_power + outcome.circuit_power
    return jnp.sum(outcome.secrecy_rate / needed, axis=-1)


def worst_user(outcome: Outcome) -> Float[Array, "..."]:
    """Smallest secrecy rate of a user, bit/s/Hz."""
    return jnp.min(outcome.secrecy_rate, axis=-1)


def outage(outcome: Outcome) -> Float[Array, "..."]:
    """Minus the number of users below the target rate; its gradient is zero everywhere."""
    short = outcome.secrecy_rate < outcome.target_rate
    return -jnp.sum(short.astype(outcome.secrecy_rate.dtype), axis=-1)


def power(outcome: Outcome) -> Float[Array, "..."]:
    """Minus the sum of transmit powers, watt."""
    return -jnp.sum(outcome.power, axis=-1)


METRICS: dict[str, Metric] = {
    "secrecy_rate": secrecy_rate,
    "secure_energy_efficiency": secure_energy_efficiency,
    "worst_user": worst_user,
    "outage": outage,
    "power": power,
}


def get(metric: str | Metric) -> Metric:
    """The metric of a name, or the user's own.

    Raises:
      InputError: there is no metric of that name.
    """
    if callable(metric):
        return metric
    checks.require(
        metric in METRICS, f"`metrics` must name one of {', '.join(METRICS)}, but has {metric!r}"
    )
    return METRICS[metric]


def name(metric: str | Metric) -> str:
    """What a metric is called in tables."""
    return metric if isinstance(metric, str) else getattr(metric, "__name__", str(metric))

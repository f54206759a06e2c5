"""What a policy can be asked to optimise: metrics of one slot, each to be made large.

A metric is a function from an `Outcome` to one number a slot. A `JammingScenario` takes, with its
weight, a name of `METRICS`, a function, which goes by its own name, or a name and a function:

    JammingScenario(metrics=(("outage", 1.0), (("loudest", lambda o: -jnp.max(o.power)), 0.5)))
"""

from collections.abc import Callable, Sequence
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
NamedMetric = str | Metric | tuple[str, Metric]
"""How a scenario names a metric."""
RESERVED = ("terminated", "truncated", "final_observation")
"""What an environment's info holds beside the metrics."""


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


def get(metric: NamedMetric) -> Metric:
    """The metric of a name, or the user's own.

    Raises:
      InputError: there is no metric of that name.
    """
    if isinstance(metric, tuple):
        return metric[1]
    if callable(metric):
        return metric
    checks.require(
        metric in METRICS, f"`metrics` must name one of {', '.join(METRICS)}, but has {metric!r}"
    )
    return METRICS[metric]


def name(metric: NamedMetric) -> str:
    """What a metric is called in info, tables and reports."""
    if isinstance(metric, tuple):
        return metric[0]
    return metric if isinstance(metric, str) else getattr(metric, "__name__", str(metric))


def check_names(given: Sequence[NamedMetric]) -> None:
    """Raises `InputError` where two metrics share a name, or one has a name that info needs."""
    names = [name(metric) for metric in given]
    for metric, called in zip(given, names, strict=True):
        checks.require(
            names.count(called) == 1,
            f"`metrics` must have names of their own, but {names.count(called)} are called "
            f"{called!r}; name a function as ('name', function)",
        )
        checks.require(
            called not in RESERVED,
            f"`metrics` must not be called {', '.join(RESERVED)}, but one is: {metric!r}",
        )

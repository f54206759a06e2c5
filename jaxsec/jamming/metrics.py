"""What a policy can be asked to optimise: metrics of one slot, each to be made large.

A metric is a function from an `Outcome` to one number a slot. A `JammingScenario` takes, with its
weight, a name of `METRICS`, a function, which goes by its own name, or a name and a function:

    JammingScenario(metrics=(("outage", 1.0), (("loudest", lambda o: -jnp.max(o.power)), 0.5)))

A user whose rate is cut off at 0 has no gradient, and an outage has none anywhere. What climbs
gradients (`optimise`, `Environment.smooth_reward`) therefore asks a metric for its smooth form:

    Metric(largest, smooth=lambda o, tau: tau * jax.nn.logsumexp(above_zero(o, tau) / tau, -1))
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
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


Function = Callable[[Outcome], Float[Array, "..."]]
SmoothFunction = Callable[[Outcome, Float[Array, ""]], Float[Array, "..."]]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric with its smooth form; called as the metric itself."""

    function: Function
    smooth: SmoothFunction | None = None
    """Of an outcome whose secrecy rates are signed, not cut off at 0, and of a temperature τ in
    bit/s/Hz. Tends to the metric as τ falls to 0; None where there is no such form."""

    def __call__(self, outcome: Outcome) -> Float[Array, "..."]:
        return self.function(outcome)


NamedMetric = str | Function | tuple[str, Function]
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


def above_zero(outcome: Outcome, temperature: Float[Array, ""]) -> Float[Array, "... U"]:
    """Smooth max(D, 0) of signed secrecy rates D: τ/2·log(1 + exp(2D/τ))."""
    return temperature / 2.0 * jax.nn.softplus(2.0 * outcome.secrecy_rate / temperature)


def _with_smooth_rates(function: Function) -> Metric:
    """A metric that is smooth in the rates: its smooth form is the same of smooth rates."""

    def smooth(outcome: Outcome, temperature: Float[Array, ""]) -> Float[Array, "..."]:
        return function(outcome._replace(secrecy_rate=above_zero(outcome, temperature)))

    return Metric(function, smooth)


def _smooth_worst_user(outcome: Outcome, temperature: Float[Array, ""]) -> Float[Array, "..."]:
    """−τ·log Σ exp(−r/τ) of the smooth rates r."""
    rate = above_zero(outcome, temperature)
    return -temperature * jax.nn.logsumexp(-rate / temperature, axis=-1)


def _smooth_outage(outcome: Outcome, temperature: Float[Array, ""]) -> Float[Array, "..."]:
    """−Σ σ((R − D)/τ) of the signed rates D, with R the target."""
    short = (outcome.target_rate - outcome.secrecy_rate) / temperature
    return -jnp.sum(jax.nn.sigmoid(short), axis=-1)


METRICS: dict[str, Metric] = {
    "secrecy_rate": _with_smooth_rates(secrecy_rate),
    "secure_energy_efficiency": _with_smooth_rates(secure_energy_efficiency),
    "worst_user": Metric(worst_user, _smooth_worst_user),
    "outage": Metric(outage, _smooth_outage),
    "power": _with_smooth_rates(power),
}


def get(metric: NamedMetric) -> Metric:
    """The metric of a name, or the user's own.

    Raises:
      InputError: there is no metric of that name.
    """
    given = metric[1] if isinstance(metric, tuple) else metric
    if isinstance(given, Metric):
        return given
    if not isinstance(given, str):
        return Metric(given)
    checks.require(
        given in METRICS, f"`metrics` must name one of {', '.join(METRICS)}, but has {given!r}"
    )
    return METRICS[given]


def smooth_values(
    metrics: Sequence[Metric], outcome: Outcome, temperature: Float[ArrayLike, ""]
) -> list[Float[Array, "..."]]:
    """The smooth forms of metrics, of an outcome with signed rates.

    Raises:
      InputError: one has none.
    """
    values, temperature = [], jnp.asarray(temperature)
    for metric in metrics:
        if metric.smooth is None:
            raise checks.InputError(
                f"`metrics` must have smooth forms for this, but {name(metric)!r} has none"
            )
        values.append(metric.smooth(outcome, temperature))
    return values


def name(metric: NamedMetric) -> str:
    """What a metric is called in info, tables and reports."""
    if isinstance(metric, tuple):
        return metric[0]
    function = metric.function if isinstance(metric, Metric) else metric
    return function if isinstance(function, str) else getattr(function, "__name__", str(function))


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

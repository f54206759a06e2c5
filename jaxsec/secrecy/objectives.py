"""The table of objectives: one number of the users' secrecy rates and of the power spent on them.

    jaxsec.design(channels, objective="worst-user")
    jaxsec.design(channels, objective=secrecy.EnergyEfficiency(10.0, 1.0))

A row says what it is worth, `value`, and a form of it without corners for ascent, `smooth`, which
approaches it (of least power, its logarithm) as the smoothing goes to 0 wherever no secrecy rate is
cut at 0. Rows are pytrees:
their numbers are arrays of any batch shape, and a compiled program serves all of them. A new row
joins `OBJECTIVES`, and with it the property tests, the designer and the command line.
"""

import dataclasses
import functools
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.channels.arguments import together
from jaxsec.compiled import compiled
from jaxsec.secrecy.least_power import LeastPower
from jaxsec.secrecy.power import power
from jaxsec.secrecy.rates import (
    colluding_wiretap_rates,
    secrecy_rates,
    smooth_secrecy_rates,
    user_rates,
)
from jaxsec.shapes import AnyArray, lift


@runtime_checkable
class Objective(Protocol):
    """What is asked of the secrecy rates on channels that are known exactly."""

    @property
    def colluding(self) -> bool:
        """Whether eavesdroppers decode together (`colluding_wiretap_rates`)."""
        ...

    def value(self, rates: Float[Array, "... K"], spent: Float[Array, "..."]) -> Array:
        """The objective [...] of secrecy rates and of the power spent, ‖w‖² + ‖v‖²."""
        ...

    def smooth(
        self, rates: Float[Array, "... K"], spent: Float[Array, "..."], smoothing: Any
    ) -> Array:
        """The same without corners, `smoothing` in bit/s/Hz."""
        ...


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["user_weights"], meta_fields=["colluding"]
)
@dataclasses.dataclass(frozen=True)
class Sum:
    """R_sum of P1 (7), or its weighted sum: Σ_k weight_k·R_k^sec."""

    user_weights: Any = None
    """[K] or [..., K], not negative; all one by default."""
    colluding: bool = False
    """Eavesdroppers decode together."""

    def value(self, rates: Float[Array, "... K"], spent: Float[Array, "..."]) -> Array:
        """Σ_k weight_k·R_k."""
        del spent
        if self.user_weights is not None:
            rates = rates * lift(self.user_weights, rates.ndim)
        return jnp.sum(rates, axis=-1)

    def smooth(
        self, rates: Float[Array, "... K"], spent: Float[Array, "..."], smoothing: Any
    ) -> Array:
        """The sum itself."""
        del smoothing
        return self.value(rates, spent)


@functools.partial(jax.tree_util.register_dataclass, data_fields=[], meta_fields=["colluding"])
@dataclasses.dataclass(frozen=True)
class WorstUser:
    """min_k R_k^sec: what the least protected user gets."""

    colluding: bool = False
    """Eavesdroppers decode together."""

    def value(self, rates: Float[Array, "... K"], spent: Float[Array, "..."]) -> Array:
        """min_k R_k."""
        del spent
        return jnp.min(rates, axis=-1)

    def smooth(
        self, rates: Float[Array, "... K"], spent: Float[Array, "..."], smoothing: Any
    ) -> Array:
        """−α·log Σ_k exp(−R_k/α), α the smoothing; at most α·ln K below the minimum."""
        del spent
        return -smoothing * jax.nn.logsumexp(-rates / smoothing, axis=-1)


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["transmit_power_w", "circuit_power_w"],
    meta_fields=["colluding"],
)
@dataclasses.dataclass(frozen=True)
class EnergyEfficiency:
    """Sum secrecy rate over the power spent on it, bit/s/Hz/W; less than full power may be best."""

    transmit_power_w: Any
    """P, watt, a number or [...]; the noise over it is the channels' `noise_power`."""
    circuit_power_w: Any
    """What is spent beside it, watt, a number or [...]."""
    colluding: bool = False
    """Eavesdroppers decode together."""

    def value(self, rates: Float[Array, "... K"], spent: Float[Array, "..."]) -> Array:
        """Σ_k R_k over P·(‖w‖² + ‖v‖²) + circuit power."""
        transmit, circuit = (
            lift(x, spent.ndim) for x in (self.transmit_power_w, self.circuit_power_w)
        )
        return jnp.sum(rates, axis=-1) / (transmit * spent + circuit)

    def smooth(
        self, rates: Float[Array, "... K"], spent: Float[Array, "..."], smoothing: Any
    ) -> Array:
        """The efficiency itself."""
        del smoothing
        return self.value(rates, spent)


OBJECTIVES: dict[str, type[Any] | functools.partial[Any]] = {
    "sum": Sum,
    "weighted-sum": Sum,
    "worst-user": WorstUser,
    "colluding": functools.partial(Sum, colluding=True),
    "energy-efficiency": EnergyEfficiency,
    "least-power": LeastPower,
}
"""Every objective by its name on the command line."""

_NEEDS = {
    "weighted-sum": ("user_weights",),
    "energy-efficiency": ("transmit_power_w", "circuit_power_w"),
    "least-power": ("rates",),
}


def make_objective(name: str, **numbers: Any) -> Objective:
    """The objective of a name, with its numbers.

    >>> make_objective("weighted-sum", user_weights=[1.0, 3.0]).user_weights
    [1.0, 3.0]

    Args:
      name: in `OBJECTIVES`.
      numbers: fields that the row needs.

    Returns:
      The row.

    Raises:
      InputError: there is no such objective, or it does not need or lacks a number.
    """
    checks.require(
        name in OBJECTIVES,
        f"`objective` must be one of {', '.join(OBJECTIVES)}, but is {name!r}",
    )
    needed = _NEEDS.get(name, ())
    for field in needed:
        checks.require(field in numbers, f"objective {name!r} needs `{field}`")
    for field in numbers:
        checks.require(field in needed, f"`{field}` is not heeded by objective {name!r}")
    return OBJECTIVES[name](**numbers)


@together
@compiled()
def objective_value(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: Objective,
) -> Float[Array, "..."]:
    """What a strategy is worth by an objective.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> strategy = jaxsec.design(channels, method="rzf-ns")
    >>> worst = jaxsec.worst_user_secrecy_rate(strategy, channels)
    >>> bool((objective_value(strategy, channels, objective=WorstUser()) == worst).all())
    True

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: a row of the table, a pytree.

    Returns:
      [...], bit/s/Hz, for energy efficiency bit/s/Hz/W, for least power as `LeastPower` says.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    rates = secrecy_rates(w, v, h_user, h_eve, noise_power, colluding=objective.colluding)
    return objective.value(rates, power(w, v))


@together
@compiled()
def smooth_objective_value(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: Objective,
    smoothing: float | Float[Array, ""],
) -> Float[Array, "..."]:
    """An objective without corners: of `smooth_secrecy_rates`, or of rates against colluders.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> strategy = jaxsec.design(channels)
    >>> smooth_objective_value(strategy, channels, objective=WorstUser(), smoothing=0.1).shape
    (4,)

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: a row of the table, a pytree.
      smoothing: positive, bit/s/Hz.

    Returns:
      [...], as the objective.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    if objective.colluding:
        wiretap = colluding_wiretap_rates(w, v, h_eve, noise_power)
        rates = user_rates(w, v, h_user, noise_power) - wiretap
    else:
        rates = smooth_secrecy_rates(w, v, h_user, h_eve, noise_power, smoothing)
    return objective.smooth(rates, power(w, v), smoothing)

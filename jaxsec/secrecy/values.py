"""What a strategy is worth as one number: sums, worst cases, efficiency, P1 (7)."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec.channels.arguments import together
from jaxsec.channels.knowledge import Posterior, perturb
from jaxsec.secrecy.objectives import EnergyEfficiency, Sum, WorstUser, objective_value
from jaxsec.shapes import AnyArray, lift
from jaxsec.strategy import Strategy


@together
def sum_secrecy_rate(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    user_weights: Float[ArrayLike, "... K"] | None = None,
    colluding: bool = False,
) -> Float[Array, "..."]:
    """R_sum of P1 (7), or its weighted sum: Σ_k weight_k·R_k^sec.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> strategy = jaxsec.design(channels, method="rzf-ns")
    >>> sum_secrecy_rate(strategy, channels).shape
    (4,)

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      user_weights: not negative, [..., K]; all one by default.
      colluding: eavesdroppers decode together (`colluding_wiretap_rates`).

    Returns:
      [...], bit/s/Hz.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    objective = Sum(user_weights, colluding)
    return objective_value(w, v, h_user, h_eve, noise_power, objective=objective)


@together
def worst_user_secrecy_rate(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    colluding: bool = False,
) -> Float[Array, "..."]:
    """min_k R_k^sec: what the least protected user gets.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> strategy = jaxsec.design(channels, method="rzf-ns")
    >>> worst, whole = (f(strategy, channels) for f in (worst_user_secrecy_rate, sum_secrecy_rate))
    >>> bool((2 * worst <= whole).all())
    True

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      colluding: eavesdroppers decode together (`colluding_wiretap_rates`).

    Returns:
      [...], bit/s/Hz.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    objective = WorstUser(colluding)
    return objective_value(w, v, h_user, h_eve, noise_power, objective=objective)


@together
def secure_energy_efficiency(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    transmit_power_w: float | Float[Array, ""],
    circuit_power_w: float | Float[Array, ""],
    colluding: bool = False,
) -> Float[Array, "..."]:
    """Sum secrecy rate over the power spent on it.

    The denominator is P·(‖w‖² + ‖v‖²) + circuit power. `noise_power` is σ0² over the same P.

    >>> h = jnp.ones((1, 1), complex)
    >>> power = 2.718281828 - 1.0  # W, where one antenna is most efficient at 1 W of circuit power
    >>> options = {"transmit_power_w": power, "circuit_power_w": 1.0}
    >>> none = h[:, :0], h, h[:0]  # no noise beam, one user, no eavesdropper
    >>> round(float(secure_energy_efficiency(h, *none, 1.0 / power, **options)), 4)
    0.5307

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      transmit_power_w: P, watt.
      circuit_power_w: what is spent beside it, watt.
      colluding: eavesdroppers decode together (`colluding_wiretap_rates`).

    Returns:
      [...], bit/s/Hz/W.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    objective = EnergyEfficiency(transmit_power_w, circuit_power_w, colluding)
    return objective_value(w, v, h_user, h_eve, noise_power, objective=objective)


def expected_rate(
    strategy: Strategy,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    direction: Complex[Array, "draws ... R M"],
) -> Float[Array, "..."]:
    """Mean sum secrecy rate over the channels `perturb`ed by each direction.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> known = jaxsec.channels.knowledge.estimated(channels.h_user, channels.h_eve, 0.01)
    >>> strategy = jaxsec.design(channels, method="rzf-ns")
    >>> direction = jax.random.normal(jax.random.key(1), (16, 1, 6, 8), complex)
    >>> expected_rate(strategy, known, channels.noise_power, direction).shape
    (4,)

    Args:
      strategy: w [..., M, K] and v [..., M, J].
      known: what is known of the channels, R = K + L receivers.
      noise_power: σ0²/P, a scalar or [...].
      direction: [draws, ..., R, M], entries CN(0, 1).

    Returns:
      [...], bit/s/Hz.
    """
    h_user, h_eve = perturb(known, direction)
    noise_power = lift(noise_power, h_user.ndim - 2)
    rates = sum_secrecy_rate(strategy.w[None], strategy.v[None], h_user, h_eve, noise_power)
    return jnp.mean(rates, axis=0)

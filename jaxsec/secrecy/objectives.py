"""What a strategy is worth as one number: sums, worst cases, outage, efficiency, P1 (7)."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec.channels.arguments import together
from jaxsec.channels.knowledge import Posterior, perturb
from jaxsec.secrecy.power import power
from jaxsec.secrecy.rates import secrecy_rates
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
    """R_sum of P1 (7), or its weighted sum: Σ_k weight_k·R_k^sec."""
    rates = secrecy_rates(w, v, h_user, h_eve, noise_power, colluding=colluding)
    if user_weights is not None:
        rates = rates * lift(user_weights, rates.ndim)
    return jnp.sum(rates, axis=-1)


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
    """min_k R_k^sec: what the least protected user gets."""
    rates = secrecy_rates(w, v, h_user, h_eve, noise_power, colluding=colluding)
    return jnp.min(rates, axis=-1)


def secrecy_outage_probability(
    secrecy_rate: Float[Array, "n *rest"], target_rate: float | Float[Array, ""]
) -> Float[Array, "*rest"]:
    """Share of channel draws (first axis) in which `secrecy_rate` falls below `target_rate`."""
    return jnp.mean(secrecy_rate < target_rate, axis=0, dtype=secrecy_rate.dtype)


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
    """Sum secrecy rate over the power spent on it, bit/s/Hz/W.

    The denominator is P·(‖w‖² + ‖v‖²) + circuit power. `noise_power` is σ0² over the same P.
    """
    rate = sum_secrecy_rate(w, v, h_user, h_eve, noise_power, colluding=colluding)
    return rate / (transmit_power_w * power(w, v) + circuit_power_w)


def expected_rate(
    strategy: Strategy,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    direction: Complex[Array, "draws ... R M"],
) -> Float[Array, "..."]:
    """Mean sum secrecy rate over the channels `perturb`ed by each direction."""
    h_user, h_eve = perturb(known, direction)
    noise_power = lift(noise_power, h_user.ndim - 2)
    rates = sum_secrecy_rate(strategy.w[None], strategy.v[None], h_user, h_eve, noise_power)
    return jnp.mean(rates, axis=0)

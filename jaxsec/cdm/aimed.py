"""What a candidate is worth where more is asked than the sum secrecy rate at total power.

A model makes beams of full power for the sum. Another objective may be best served with less power,
as energy efficiency is: each candidate is tried at several. And it may count on users that the sum
leaves out: RZF-NS, with a beam for every user, is a candidate too.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.channels import Channels
from jaxsec.precoding.linear import rzf_ns
from jaxsec.secrecy import (
    Objective,
    PowerConstraint,
    Sum,
    TotalPower,
    limit_power,
    objective_value,
)
from jaxsec.secrecy.rows import over_channels
from jaxsec.strategy import Strategy

FRACTIONS = np.geomspace(1.0, 1e-3, 16)
"""Of the power that a constraint allows, at which a candidate is tried."""


class Asked(NamedTuple):
    """What candidates are chosen by; numbers of both rows as `rows.over_channels` has them."""

    objective: Objective
    constraint: PowerConstraint


def asked_for(
    objective: Objective | None,
    constraint: PowerConstraint | None,
    batch: tuple[int, ...],
    num_users: int,
    num_antennas: int,
) -> Asked | None:
    """Both rows with numbers for every channel; None where the model was trained for what is asked.

    Raises:
      InputError: a number has another shape, is not finite or negative.
    """
    if objective is None and constraint is None:
        return None
    sizes = batch, num_users, num_antennas
    return Asked(
        over_channels(Sum() if objective is None else objective, *sizes),
        over_channels(TotalPower() if constraint is None else constraint, *sizes),
    )


def fitted(
    strategy: Strategy, channels: Channels, asked: Asked
) -> tuple[Strategy, Float[Array, "B"]]:
    """A candidate at the best of `FRACTIONS` of the power it is allowed, and its objective.

    Args:
      strategy: w [B, M, K] and v [B, M, J].
      channels: [B, ...].
      asked: its numbers are [B] or [B, ...].
    """
    w, v = limit_power(*strategy, asked.constraint)
    amplitudes = jnp.sqrt(jnp.asarray(FRACTIONS, w.real.dtype))

    def value(amplitude: Float[Array, ""]) -> Float[Array, "B"]:
        beams = amplitude * w, amplitude * v
        return objective_value(*beams, *channels, objective=asked.objective)

    values = jax.vmap(value)(amplitudes)
    amplitude = amplitudes[jnp.argmax(values, axis=0)][:, None, None]
    return Strategy(amplitude * w, amplitude * v), jnp.max(values, axis=0)


def closed_form(
    channels: Channels, asked: Asked, num_noise_beams: int
) -> tuple[Strategy, Float[Array, "B"]]:
    """RZF-NS, its noise aimed and its power split that of the sum, as a candidate."""
    return fitted(rzf_ns(*channels, num_noise_beams=num_noise_beams), channels, asked)

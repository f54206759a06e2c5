"""What an ascent is given: channels over the noise, numbers for each of them, and starts."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Complex, Float

from jaxsec.precoding.first_order.solve import Rows
from jaxsec.secrecy import LeastPower, Objective, PowerConstraint
from jaxsec.secrecy.rows import over_channels
from jaxsec.shapes import AnyArray, flat, over_noise

MARGIN = 1e-3
"""Above the rates of `LeastPower`, bit/s/Hz: what float32 has reached then holds in float64."""


def problems(
    batch: tuple[int, ...],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    objective: Objective,
    constraint: PowerConstraint,
) -> Rows:
    """A batch of any shape on one axis, without starts yet.

    Raises:
      InputError: a number of a row has another shape, is not finite or negative.
    """
    sizes = batch, *h_user.shape[-2:]
    objective = over_channels(objective, *sizes)
    if isinstance(objective, LeastPower):
        objective = dataclasses.replace(objective, rates=objective.rates + MARGIN)
    rows: Any = objective, over_channels(constraint, *sizes)
    rows = jax.tree.map(lambda x: x.reshape(math.prod(batch), *x.shape[len(batch) :]), rows)
    h = [flat(batch, over_noise(h, noise_power), 2) for h in (h_user, h_eve)]
    return Rows(jnp.concatenate(h, axis=1), (), *rows)

"""Rows of the tables of objectives and of power constraints: their numbers for every channel."""

import dataclasses
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxsec import checks

Row = TypeVar("Row")

_OF_USERS = ("user_weights", "rates")
"""Numbers with an axis of users after those of the batch."""
_OF_ANTENNAS = ("limits",)
"""Numbers with an axis of antennas after those of the batch."""


def over_channels(row: Row, batch: tuple[int, ...], num_users: int, num_antennas: int) -> Row:
    """A row with all its numbers of the channels' batch shape.

    Args:
      row: a dataclass whose arrays broadcast to [*batch], or to [*batch, K] of users and to
        [*batch, M] of antennas.
      batch: shape of the batch.
      num_users: K.
      num_antennas: M.

    Raises:
      InputError: a number has another shape, or where it is concrete, is not finite or negative.
    """
    counts = dict.fromkeys(_OF_USERS, num_users) | dict.fromkeys(_OF_ANTENNAS, num_antennas)
    full: dict[str, Any] = {}
    for field in dataclasses.fields(row):  # pyright: ignore
        number = getattr(row, field.name)
        if number is None or isinstance(number, bool):
            continue
        number = number if isinstance(number, jax.Array) else np.asarray(number, float)
        shape = (*batch, counts[field.name]) if field.name in counts else batch
        checks.check_broadcasts(field.name, number, shape)
        if not isinstance(number, Tracer):
            checks.check_finite(field.name, number)
            least = np.min(np.asarray(number))
            checks.require(
                bool(least >= 0),
                f"`{field.name}` must not be negative, but its smallest entry is {least}",
            )
        full[field.name] = jnp.broadcast_to(jnp.asarray(number, jnp.result_type(float)), shape)
    return dataclasses.replace(row, **full)  # pyright: ignore

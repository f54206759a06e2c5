"""Which entries of an axis: whole numbers, ranges, or text such as 0,3,5:9."""

import re
from collections.abc import Sequence

import numpy as np

from jaxsec import checks

Indices = int | slice | str | Sequence[int] | np.ndarray
"""Entries of an axis; text has numbers and ranges start:stop:step, apart by commas."""

_PART = re.compile(r"(\d+)|(\d*):(\d*)(?::(\d+))?")


def resolve(name: str, indices: Indices, length: int) -> np.ndarray:
    """The whole numbers that are meant, of an axis of this length, in the order given.

    Args:
      name: of the argument, for the message.
      indices: as they were given.
      length: of the axis.

    Raises:
      InputError: one is malformed, outside of the axis, or there twice.
    """
    if isinstance(indices, str):
        parts = [_parse(name, part.strip(), length) for part in indices.split(",")]
        found = np.concatenate(parts)
    elif isinstance(indices, slice):
        found = np.arange(length)[indices]
    else:
        found = np.atleast_1d(np.asarray(indices))
        checks.require(
            found.ndim == 1 and (found.dtype.kind in "iu" or not found.size),
            f"`{name}` must be whole numbers, but is {indices!r}",
        )
    found = found.astype(np.int64)
    outside = found[(found < 0) | (found >= length)]
    if outside.size:
        raise checks.InputError(
            f"`{name}` must lie in 0 to {length - 1}, the entries of its axis, but has {outside[0]}"
        )
    values, counts = np.unique(found, return_counts=True)
    if (counts > 1).any():
        raise checks.InputError(f"`{name}` has {values[counts > 1][0]} twice")
    return found


def _parse(name: str, part: str, length: int) -> np.ndarray:
    match = _PART.fullmatch(part)
    if match is None:
        raise checks.InputError(
            f"`{name}` must be numbers and ranges such as 0,3,5:9, but has {part!r}"
        )
    number, start, stop, step = match.groups()
    if number is not None:
        return np.array([int(number)])
    checks.require(step is None or int(step) > 0, f"`{name}` must have steps above 0 in {part!r}")
    first, last = int(start or 0), int(stop) if stop else length
    checks.require(last <= length, f"`{name}` must end at {length} or before, but has {part!r}")
    return np.arange(first, last, int(step or 1))

"""Complex arrays out of the ways in which files hold real and imaginary parts."""

from typing import Any

import numpy as np

from jaxsec import checks

FIELDS = (("real", "imag"), ("re", "im"), ("r", "i"))
"""Names of the two fields of a compound type, in any case; MATLAB's, and those of libraries."""


def is_compound(array: np.ndarray) -> bool:
    """Whether every entry is a pair of a real and an imaginary part."""
    return tuple(name.lower() for name in array.dtype.names or ()) in FIELDS


def from_compound(name: str, array: np.ndarray) -> np.ndarray:
    """A compound array as a complex one; any other as it is.

    Raises:
      InputError: it is compound, but not of a real and an imaginary part.
    """
    if array.dtype.names is None:
        return array
    checks.require(
        is_compound(array),
        f"`{name}` must be numeric, but is a structure of {', '.join(array.dtype.names)}",
    )
    return from_pair(name, *(array[field] for field in array.dtype.names))


def from_pair(name: str, real: np.ndarray, imag: np.ndarray) -> np.ndarray:
    """real + j·imag, in single precision where both are.

    Raises:
      InputError: a part is not real, or their shapes differ.
    """
    for part, what in ((real, "real"), (imag, "imaginary")):
        checks.require(
            part.dtype.kind in "fiu",
            f"`{name}`: the {what} part must be real, but has dtype {part.dtype}",
        )
    checks.require(
        real.shape == imag.shape,
        f"`{name}`: real and imaginary parts must have one shape, but have {real.shape} and "
        f"{imag.shape}",
    )
    single = max(real.dtype.itemsize, imag.dtype.itemsize) <= 4 and {
        real.dtype.kind, imag.dtype.kind,
    } == {"f"}  # fmt: skip
    array: Any = np.empty(real.shape, np.complex64 if single else np.complex128)
    array.real, array.imag = real, imag
    return array

"""Where an array has its channels, receivers and antennas, and how it is brought to rows.

Names of axes: N channels, K receivers, M antennas of the transmitter, C real and imaginary part.
Any other name is an axis of its own, such as R receive antennas, F subcarriers, T times: one entry
of it is taken, or several, each of which then is a channel of its own.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsec import checks
from jaxsec.files import parts
from jaxsec.interop.indices import Indices, resolve

CHANNELS, RECEIVERS, ANTENNAS, PARTS = "N", "K", "M", "C"
OWN = (CHANNELS, RECEIVERS, ANTENNAS)


@dataclasses.dataclass(frozen=True)
class Layout:
    """The axes of an array, what is taken of them, and which way received signals are written.

    Raises:
      InputError: an axis is named twice or `take` names none of them.
    """

    axes: str
    """Names in order, as "N K M"; one that is not named has length one."""
    take: Mapping[str, Indices] = dataclasses.field(default_factory=dict)
    """Entries of axes, by name."""
    conjugate: bool = False
    """Received amplitudes are hᵀw there; here they are hᴴw."""

    def __post_init__(self) -> None:
        checks.require(
            bool(self.names) and all(name.isalpha() for name in self.names),
            f'`axes` must be names such as "N K M", but is {self.axes!r}',
        )
        checks.require(
            len(set(self.names)) == len(self.names),
            f"`axes` must name every axis once, but is {self.axes!r}",
        )
        for name in self.take:
            checks.require(
                name in self.names and name != PARTS,
                f"`take` has {name!r}, which is no axis of {self.axes!r} to take from",
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The axes in order."""
        return tuple(self.axes.split())

    def rows(self, name: str, array: Any) -> np.ndarray:
        """The array as channels of rows.

        Args:
          name: of the argument, for messages.
          array: complex, of pairs, or real with an axis C.

        Returns:
          [N, K, M], complex; entries of other axes count as channels, theirs varying faster.

        Raises:
          InputError: the array does not have these axes, is not complex or not finite.
        """
        array = parts.from_compound(name, np.asarray(array))
        checks.require(
            array.ndim == len(self.names),
            f"`{name}` has shape {array.shape}, but `axes` names {len(self.names)} axes, "
            f"{' '.join(self.names)}",
        )
        array = self._complex(name, array)
        names = [axis for axis in self.names if axis != PARTS]
        for axis, length in zip(names, array.shape, strict=True):
            checks.require(
                axis in OWN or axis in self.take or length == 1,
                f"`{name}` has {length} entries along axis {axis}: say which to take, as {axis}=0, "
                f"or {axis}=: for all, each of which then is a channel",
            )
        for axis, wanted in self.take.items():
            at = names.index(axis)
            array = np.take(array, resolve(f"take {axis}", wanted, array.shape[at]), axis=at)
        for axis in OWN:
            if axis not in names:
                names, array = [*names, axis], array[..., None]
        others = [axis for axis in names if axis not in OWN]
        order = [names.index(axis) for axis in (CHANNELS, *others, RECEIVERS, ANTENNAS)]
        array = array.transpose(order)
        array = np.ascontiguousarray(array.reshape(-1, *array.shape[-2:]))
        checks.check_finite(name, array)
        return array.conj() if self.conjugate else array

    def _complex(self, name: str, array: np.ndarray) -> np.ndarray:
        if PARTS in self.names:
            at = self.names.index(PARTS)
            checks.require(
                array.shape[at] == 2,
                f"`{name}` must have 2 entries, real and imaginary part, along its axis C, but has "
                f"shape {array.shape}",
            )
            return parts.from_pair(name, *np.moveaxis(array, at, 0))
        checks.require(
            array.dtype.kind == "c",
            f"`{name}` must be complex, but has dtype {array.dtype}: where real and imaginary "
            "part are entries of an axis, call that axis C",
        )
        return array.astype(np.complex64 if array.dtype.itemsize == 8 else np.complex128)

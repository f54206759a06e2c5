"""Channels of other programs, in whatever order their axes come, as this library takes them."""

from jaxsec.interop.arrays import from_arrays
from jaxsec.interop.receivers import Draws

__all__ = ["Draws", "from_arrays"]

"""Channels of other programs, in whatever order their axes come, as this library takes them."""

from jaxsec.interop.arrays import from_arrays
from jaxsec.interop.deepmimo import from_deepmimo
from jaxsec.interop.receivers import Draws
from jaxsec.interop.sionna import from_sionna

__all__ = ["Draws", "from_arrays", "from_deepmimo", "from_sionna"]

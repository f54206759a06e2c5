"""Data-parallel training: every device has the whole state and its share of each batch.

The train step is written for one device; from how its arguments lie, XLA shares out the work and
adds up the gradients. Random numbers are those of one device, whatever the number of devices.
"""

from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec


def devices() -> Mesh:
    """All devices, in a row."""
    return Mesh(np.asarray(jax.devices()), ("data",))


def replicate(mesh: Mesh, state: Any) -> Any:
    """The same on every device."""
    return jax.device_put(state, NamedSharding(mesh, PartitionSpec()))


def share(mesh: Mesh, batch: Any) -> Any:
    """The leading axis of every array, a multiple of the number of devices, shared out."""
    return jax.device_put(batch, NamedSharding(mesh, PartitionSpec("data")))

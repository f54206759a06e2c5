"""Data-parallel training: every device has the whole state and its share of each batch.

The train step is written for one device; from how its arguments lie, XLA shares out the work and
adds up the gradients. Random numbers are those of one device, whatever the number of devices, and
also where the devices are of several processes: each process runs the same program on the same
batches, and keeps the rows of its own devices. What is written, the first process writes.
"""

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxsec import checks

PATIENCE_S = 300
"""Seconds that the first process is waited for."""
MAX_MESSAGE = 2000
"""Bytes of an error that all processes are told."""


def join(
    coordinator: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Joins the processes of a run; to be called before JAX is used.

    Args:
      coordinator: host and port, free there, of the first process; None to go by what SLURM,
        Kubernetes or Open MPI say, as are the other two.
      num_processes: of the run.
      process_id: which of them this is, from 0.

    Raises:
      InputError: nothing says which processes there are, or they do not come together.
    """
    found = None if coordinator is None else "deactivate"
    jax.config.update("jax_enable_preemption_service", False)  # it would swallow SIGTERM
    if coordinator is not None and process_id:
        _wait_for(coordinator)
    try:
        jax.distributed.initialize(
            coordinator, num_processes, process_id, cluster_detection_method=found
        )
        jax.devices()  # here they tell each other of their devices
    except ValueError as error:
        raise checks.InputError(
            "`coordinator`, `num_processes` and `process_id` must be given, since no SLURM, "
            f"Kubernetes or Open MPI says what they are ({error})"
        ) from None
    except RuntimeError as error:
        where = "" if coordinator is None else f" at `coordinator` {coordinator}"
        raise checks.InputError(f"the processes cannot meet{where}: {error}") from None


def _wait_for(coordinator: str) -> None:
    """JAX would end the process without a word on what is missing."""
    host, _, port = coordinator.rpartition(":")
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
            return
        except OSError as error:
            checks.require(
                time.monotonic() < until,
                f"no process answers at `coordinator` {coordinator}: process 0 must run there "
                f"({error})",
            )
        time.sleep(0.2)


def is_first() -> bool:
    """Whether this is the first process: the only one, or the one that writes."""
    return jax.process_index() == 0


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Where the block raises `InputError` in any process, every process raises it behind the block.

    No process goes past the block before all have come to its end.
    """
    if jax.process_count() == 1:
        yield
        return
    message = b""
    try:
        yield
    except checks.InputError as error:
        message = str(error).encode()[:MAX_MESSAGE]
    padded = np.frombuffer(message.ljust(MAX_MESSAGE), np.uint8)
    for row in np.asarray(multihost_utils.process_allgather(padded)):
        text = row.tobytes().decode(errors="replace").strip()
        checks.require(not text, text)


def devices() -> Mesh:
    """All devices, of all processes, in a row."""
    return Mesh(np.asarray(jax.devices()), ("data",))


def replicate(mesh: Mesh, state: Any) -> Any:
    """The same on every device: the first process's."""
    if jax.process_count() > 1:
        state = multihost_utils.broadcast_one_to_all(state)
    return _put(state, NamedSharding(mesh, PartitionSpec()))


def share(mesh: Mesh, batch: Any) -> Any:
    """The leading axis of every array, a multiple of the number of devices, shared out.

    Every process gives the whole batch.
    """
    return _put(batch, NamedSharding(mesh, PartitionSpec("data")))


def _put(tree: Any, sharding: NamedSharding) -> Any:
    if sharding.is_fully_addressable:
        return jax.device_put(tree, sharding)

    def put(x: Any) -> jax.Array:
        whole = np.asarray(x)
        return jax.make_array_from_callback(whole.shape, sharding, lambda rows: whole[rows])

    return jax.tree.map(put, tree)

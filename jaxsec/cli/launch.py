"""How the processes of a training run find each other: options that its commands share."""

import dataclasses
from typing import Annotated, Literal

import tyro

from jaxsec import checks
from jaxsec.learning import parallel


@dataclasses.dataclass(frozen=True)
class LaunchOptions:
    """Training in several processes, each started with the same command line and FOLDER."""

    distributed: Literal["no", "auto"] = "no"
    """auto: be one of the processes that SLURM, Kubernetes or Open MPI have started."""
    coordinator: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT")] = None
    """Without such a launcher: where the first process is found, by a port that is free there."""
    num_processes: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """And how many processes there are."""
    process_id: Annotated[int | None, tyro.conf.arg(metavar="I")] = None
    """And which of them this is, from 0."""

    def join(self) -> None:
        """Joins the processes, if there are to be several; to be called before JAX is used.

        Raises:
          InputError: the options do not fit together, or the processes do not come together.
        """
        if self.coordinator is None and self.num_processes is None and self.process_id is None:
            if self.distributed == "auto":
                parallel.join()
            return
        checks.require(
            self.distributed == "no",
            "`--distributed auto` finds the processes itself: leave out `--coordinator`, "
            "`--num-processes` and `--process-id`",
        )
        for name in ("coordinator", "num_processes", "process_id"):
            checks.require(
                getattr(self, name) is not None,
                f"`--{name.replace('_', '-')}` is missing: `--coordinator`, `--num-processes` and "
                "`--process-id` belong together",
            )
        address, count, index = self.coordinator or "", self.num_processes or 0, self.process_id
        host, _, port = address.rpartition(":")
        checks.require(
            bool(host) and port.isdecimal() and 0 < int(port) < 2**16,
            f"`--coordinator` must be HOST:PORT, but is {address!r}",
        )
        checks.check_at_least("--num-processes", count, 1)
        checks.require(
            index is not None and 0 <= index < count,
            f"`--process-id` must lie in [0, {count}), the number of processes, but is {index}",
        )
        parallel.join(address, count, index)

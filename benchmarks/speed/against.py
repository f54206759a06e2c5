"""Two checkouts of the library against each other: throughput in alternating rounds, and compiling.

    python -m benchmarks.speed.against --other /path/to/another/checkout

A worker process for each checkout (`against_worker`), of which one works at a time; rounds
alternate, so that what else the machine does meets both. The first call of a method at a size is
timed apart: it compiles. Processor seconds stand beside the clock's, for machines that are shared.
Nothing is asserted.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from benchmarks.report import Report, table

HERE = Path(__file__).resolve()
CASES = ((8, 2, 4), (8, 4, 8))
METHODS = ("opt", "rzf-ns", "rzf-ns-aimed", "rzf")


@dataclasses.dataclass(frozen=True)
class Command:
    """Time this checkout against another one."""

    other: Path
    """Root of the other checkout."""
    cases: tuple[tuple[int, int, int], ...] = CASES
    """(M, K, L) of the channels."""
    methods: tuple[str, ...] = METHODS
    """Methods that both have."""
    batch: int = 4096
    """Channels a call."""
    rounds: int = 15
    """Timed calls of each."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


class Worker:
    """A process that designs on one checkout."""

    def __init__(self, checkout: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE.with_name("against_worker.py"))],
            env={**os.environ, "PYTHONPATH": str(checkout.resolve())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self, case: tuple[int, int, int], batch: int, method: str) -> dict[str, float]:
        """What one call of the method takes, by the clock and of the processor."""
        assert self.process.stdin is not None and self.process.stdout is not None
        request = {"case": case, "batch": batch, "method": method}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the worker ended at {request}; what it said is above")
        return json.loads(answer)


@contextlib.contextmanager
def workers(command: Command) -> Iterator[dict[str, Worker]]:
    """One for each checkout, until the block ends."""
    running = {"this": Worker(HERE.parents[2]), "other": Worker(command.other)}
    try:
        yield running
    finally:
        for worker in running.values():
            worker.process.kill()
            worker.process.wait()


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the table."""
    report = Report("speed.against", argv, seed=0, num_samples=command.rounds)
    with workers(command) as running:
        rows = [
            measure(running, case, method, command)
            for case in command.cases
            for method in command.methods
        ]
    cells = [line for row in rows for line in lines(row)]
    right = ("ms", "cpu ms", "first s", "first cpu s")
    shown = table("This checkout against another", ("case", "method", "checkout"), right, cells)
    return report.finish(rows, shown, path=command.json)


def measure(
    running: dict[str, Worker], case: tuple[int, int, int], method: str, command: Command
) -> dict[str, Any]:
    """First calls, then rounds in which each has one turn; ratios are this one over the other."""
    first = {name: worker.seconds(case, command.batch, method) for name, worker in running.items()}
    calls: dict[str, list[dict[str, float]]] = {name: [] for name in running}
    for _ in range(command.rounds):
        for name, worker in running.items():
            calls[name].append(worker.seconds(case, command.batch, method))
    median = {
        name: {clock: float(np.median([call[clock] for call in done])) for clock in ("wall", "cpu")}
        for name, done in calls.items()
    }
    ratio = {clock: median["this"][clock] / median["other"][clock] for clock in ("wall", "cpu")}
    return {"case": case, "method": method, "first": first, "median": median, "ratio": ratio}


def lines(row: dict[str, Any]) -> list[tuple[str, ...]]:
    """Both checkouts' lines of the table, and the ratios."""
    case, found = str(tuple(row["case"])), []
    for name, median in row["median"].items():
        first = row["first"][name]
        times = (1e3 * median["wall"], 1e3 * median["cpu"], first["wall"], first["cpu"])
        found.append((case, row["method"], name, *(f"{x:.2f}" for x in times)))
    ratio = row["ratio"]
    return [*found, ("", "", "ratio", f"{ratio['wall']:.3f}", f"{ratio['cpu']:.3f}", "", "")]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command, description=Command.__doc__), sys.argv[1:]))

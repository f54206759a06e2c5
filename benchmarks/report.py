"""What every benchmark reports: the command, seed, sample size and machine beside its numbers.

    report = Report("speed.solver", argv, seed=0)
    rows = ...
    return report.finish(rows, table("A title", ("left",), ("right",), cells), claims, path)

prints the table, what it rests on and the claims, and writes the same as JSON.
"""

import dataclasses
import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich import box
from rich.table import Table

from jaxsec.report import console, timing

INTERVAL = "half width, 95%, Student's t"


class Claim(NamedTuple):
    """Something the README says, and whether this run found it so."""

    claim: str
    measured: str
    holds: bool


@dataclasses.dataclass(frozen=True)
class Report:
    """One run of a benchmark; to be made before it measures, since it looks at the machine's load.

    `script` is the module's name behind `benchmarks.`, `num_samples` what each interval is over.
    """

    script: str
    argv: Sequence[str]
    seed: int | None = None
    num_samples: int | None = None
    load_before: float = dataclasses.field(default_factory=lambda: os.getloadavg()[0])

    @property
    def command(self) -> str:
        """How the benchmark was started."""
        return command(self.script, self.argv)

    def about(self) -> dict[str, Any]:
        """What the numbers rest on."""
        return {
            "command": self.command,
            "seed": self.seed,
            "num_samples": self.num_samples,
            "interval": INTERVAL,
            "hardware": {
                **timing.hardware(),
                "numpy": np.__version__,
                "load_before": self.load_before,
            },
        }

    def finish(
        self,
        rows: Iterable[Any],
        tables: Table | Sequence[Table],
        claims: Sequence[Claim] = (),
        path: Path | None = None,
        notes: Sequence[str] = (),
        **more: Any,
    ) -> int:
        """Prints and writes.

        Args:
          rows: named tuples or dicts.
          tables: the same for people.
          claims: what must hold.
          path: of the JSON, if it is wanted.
          notes: lines below the table.
          more: other parts of the JSON.

        Returns:
          The exit code: 1 if a claim fails.
        """
        about = self.about()
        said = [f"{'holds' if holds else 'FAILS'}: {claim}: {got}" for claim, got, holds in claims]
        shown = [tables] if isinstance(tables, Table) else tables
        console.show(*shown, *notes, in_words(about), *said)
        if path is not None:
            plain = [row if isinstance(row, dict) else row._asdict() for row in rows]
            judged = [claim._asdict() for claim in claims]
            console.write_json(path, {**about, **more, "rows": plain, "claims": judged})
            print(f"written to {path}")
        return 0 if all(claim.holds for claim in claims) else 1


def command(script: str, argv: Sequence[str]) -> str:
    """How a benchmark is started, from the repository's root."""
    return shlex.join(["python", "-m", f"benchmarks.{script}", *argv])


def in_words(about: dict[str, Any]) -> str:
    """The machine, the seed and the command in a line."""
    machine = about["hardware"]
    parts = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['device']}, jax {machine['jax']}, "
        f"numpy {machine['numpy']}",
        f"load before: {machine['load_before']:.1f}",
        None if about["seed"] is None else f"seed {about['seed']}",
        about["command"],
    ]
    return "; ".join(part for part in parts if part)


def table(
    title: str, left: Sequence[str], right: Sequence[str], cells: Iterable[Sequence[str]]
) -> Table:
    """A table: columns of words, then columns of numbers; a row without cells is a line."""
    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for name in left:
        made.add_column(name, no_wrap=True)
    for name in right:
        made.add_column(name, justify="right", no_wrap=True)
    for row in cells:
        if row:
            made.add_row(*row)
        else:
            made.add_section()
    return made

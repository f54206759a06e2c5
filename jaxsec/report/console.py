"""What a person sees while it runs, and what a program reads afterwards: progress bars, JSON."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jaxsec.files.archive import atomic_write
from jaxsec.learning import parallel


class Advance(Protocol):
    """Moves a progress bar on, with a word on how it goes."""

    def __call__(self, done: int, note: str = "", /) -> object: ...


@contextlib.contextmanager
def progress(description: str, total: int) -> Iterator[Advance]:
    """Yields a function that moves a bar on a terminal's stderr, and does nothing elsewhere.

    Of several processes the first shows its bar.
    """
    console = Console(stderr=True)
    shown = console.is_terminal and parallel.is_first()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task(description, total=total, note="")
        yield lambda done, note="": bar.update(task, advance=done, note=note)


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Writes a report as strict JSON, whole or not at all."""
    text = json.dumps(report, indent=2, allow_nan=False, default=str)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")

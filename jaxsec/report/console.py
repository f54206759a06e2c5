"""What a person sees while it runs and afterwards, and what a program reads: progress bars, tables,
JSON."""

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jaxsec.files.archive import atomic_write
from jaxsec.learning import parallel

WIDTH = 150
"""Columns of lines of text that are printed where there is no terminal."""
ENDLESS = 10_000
"""Columns more than any table has."""


class Advance(Protocol):
    """Moves a progress bar on, with a word on how it goes."""

    def __call__(self, done: int, note: str = "", /) -> object: ...


@contextlib.contextmanager
def progress(description: str, total: int) -> Iterator[Advance]:
    """Yields a function that moves a bar on a terminal's stderr, and does nothing elsewhere.

    Of several processes the first shows its bar.
    """
    console = Console(stderr=True)
    if not (console.is_terminal and parallel.is_first()):
        yield lambda done, note="": None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=total, note="")
        yield lambda done, note="": bar.update(task, advance=done, note=note)


def show(*parts: RenderableType) -> None:
    """Prints tables and lines of text: as wide as the terminal, and where there is none, to a file
    or another program, whole tables however wide."""
    width = None
    if not sys.stdout.isatty():
        measure = Console(width=ENDLESS).measure
        tables = [measure(part).maximum for part in parts if not isinstance(part, str)]
        width = max(WIDTH, *tables)
    out = Console(width=width)
    for part in parts:
        out.print(part)


def warn(source: Path, lines: Iterable[str]) -> None:
    """Says on stderr what is odd about an input that is used all the same."""
    for line in lines:
        print(f"jaxsec: warning: {source}: {line}", file=sys.stderr)


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Writes a report as strict JSON, whole or not at all."""
    text = json.dumps(report, indent=2, allow_nan=False, default=str)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")

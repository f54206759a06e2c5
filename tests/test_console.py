"""What is printed: tables of a file are whole, and lines of a terminal fit it."""

import sys

import pytest

from benchmarks.report import table
from jaxsec.report import console

HEADINGS = [f"heading number {i}" for i in range(20)]
NOTE = "a word " * 40


@pytest.fixture
def wide():
    return table("A title", ("name",), HEADINGS, [["first", *map(str, range(1000, 1020))]])


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_table_in_a_file_is_whole(wide, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    console.show(wide, NOTE)
    title, head, _, row, *notes = [
        line for line in capsys.readouterr().out.splitlines() if line.strip()
    ]
    assert title.strip() == "A title"
    assert all(heading in head for heading in HEADINGS)
    assert row.split() == ["first", *map(str, range(1000, 1020))]
    assert " ".join(notes).split() == NOTE.split()


def test_lines_beside_a_narrow_table_are_wrapped(capsys):
    console.show(table("A title", ("name",), (), [["first"]]), NOTE)
    lines = capsys.readouterr().out.splitlines()
    assert 0.9 * console.WIDTH < max(map(len, lines)) <= console.WIDTH


def test_a_terminal_is_not_overrun(wide, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # of 80 columns
    console.show(wide, NOTE)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80

"""Commands that pages, notebooks, cards and docstrings name are there, with their options."""

import dataclasses
import importlib
import json
import re
import typing
from pathlib import Path

from jaxsec.cli.__main__ import COMMANDS, GROUPS

ROOT = Path(__file__).parents[1]
CODE = [path for name in ("jaxsec", "benchmarks") for path in sorted((ROOT / name).rglob("*.py"))]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PROSE = [*PAGES, ROOT / "Makefile", *sorted((ROOT / "notebooks").glob("*.ipynb"))]
CARDS = sorted((ROOT / "jaxsec").rglob("*.json"))
MODULE = re.compile(r"\bpython -m (benchmarks(?:\.\w+)+)")
QUOTED = re.compile(r"`(benchmarks(?:\.\w+)+)[ `]")
SCRIPT = re.compile(r"\bbenchmarks(?:/\w+)+\.py\b")
MAKE = re.compile(r"(?:^|\n)make ([a-z-]+)")
QUOTED_MAKE = re.compile(r"`make ([a-z-]+)")
JAXSEC = re.compile(r"\bjaxsec ([a-z]+)((?: [^\s`#|]+)*)")
OPTION = re.compile(r" --([a-z][a-z-]+)")


def read(path):
    """The text of a file, of a notebook that of its cells; a line that goes on is one."""
    text = path.read_text()
    if path.suffix == ".ipynb":
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return re.sub(r"\s*\\\n\s*", " ", text)


def scripts():
    """Modules of benchmarks that are started, by name."""
    found = [path for path in CODE if path.is_relative_to(ROOT / "benchmarks")]
    started = [path for path in found if '__name__ == "__main__"' in path.read_text()]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in started}


def named(pattern, paths):
    """What a pattern finds, with the file that it is found in."""
    return [(path, found) for path in paths for found in pattern.findall(read(path))]


def test_benchmarks_that_are_named_exist():
    started, everywhere = scripts(), [*PROSE, *CARDS, *CODE]
    commands = named(MODULE, everywhere)
    assert len(commands) > 20
    assert [(path, name) for path, name in commands if name not in started] == []
    for path, name in named(QUOTED, everywhere):
        file = ROOT / name.replace(".", "/")
        assert file.with_suffix(".py").is_file() or file.is_dir(), (path, name)
    assert named(SCRIPT, everywhere) == []  # one way to start them


def test_targets_of_make_that_are_named_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    found = [*named(MAKE, PROSE), *named(QUOTED_MAKE, [*PROSE, *CARDS, *CODE])]
    assert {"run", "test", "figures", "jamming"} <= {name for _, name in found} <= targets


def option_names(command):
    """Options of a command, those of its groups too, as they are typed."""
    hints = typing.get_type_hints(command)
    for field in dataclasses.fields(command):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from option_names(hints[field.name])
        else:
            yield field.name.replace("_", "-")


def test_commands_that_are_named_exist_with_their_options():
    checked = set()
    for path, (name, rest) in named(JAXSEC, [*PROSE, *CARDS, *CODE]):
        words = [name]
        if name in GROUPS:
            second = rest.split()[0] if rest else ""
            if second not in GROUPS[name]:
                assert not OPTION.search(rest), (path, name, rest)
                continue
            words.append(second)
        elif name not in COMMANDS:  # "jaxsec is", in a sentence
            assert not OPTION.search(rest), (path, name, rest)
            continue
        module = importlib.import_module(".".join(["jaxsec.cli", *words]))
        known = {*option_names(module.Command), "help"}
        for option in OPTION.findall(rest):
            assert option in known or option.removeprefix("no-") in known, (path, words, option)
            checked.add(words[-1])
    assert {"sample", "design", "compare", "dataset", "train", "finetune"} <= checked


def test_every_benchmark_says_how_it_is_started():
    for name, path in scripts().items():
        text = path.read_text()
        assert f"python -m {name}" in (importlib.import_module(name).__doc__ or ""), name
        assert "Report(" not in text or f'"{name.removeprefix("benchmarks.")}"' in text, name


def test_nothing_but_the_command_line_imports_it():
    """What benchmarks use is in the library."""
    for path in CODE:
        if not path.is_relative_to(ROOT / "jaxsec" / "cli") and path.name != "__main__.py":
            imports = re.findall(r"^\s*(?:from|import) .*", path.read_text(), re.MULTILINE)
            assert not any("jaxsec.cli" in line for line in imports), path

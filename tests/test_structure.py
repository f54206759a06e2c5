"""The house: imports run one way, systems do not know each other, and everything stays small."""

import ast
import itertools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    ("checks", "compiled", "cores", "extras", "shapes", "units", "strategy", "keys", "version"),
    ("channels",),
    ("secrecy",),
    ("files",),
    ("interop",),
    ("precoding",),
    ("batch_last", "threefry"),
    ("diffusion",),
    ("learning",),
    ("report",),
    ("cdm",),
    ("methods",),
    ("designer",),
    ("report.comparison",),
    ("report.figure", "report.health"),
    ("rl",),
    ("jamming",),
    ("explore",),
    ("semantic", "channel_denoising", "anomaly", "spectrum"),
    ("cli",),
    ("__init__", "__main__"),
)
"""From the ground up; a file imports from its own layer and from those below. Of a folder whose
files stand on two floors, the upper ones are named."""
APART = (
    {"cdm"},
    {"rl", "jamming"},
    {"semantic"},
    {"channel_denoising"},
    {"anomaly"},
    {"spectrum"},
)
"""Systems that stand side by side."""
MAX_LINES, MAX_FUNCTION, MAX_CLASS = 400, 60, 150


def modules():
    """Every module of the library by its dotted name."""
    found = {}
    for path in (ROOT / "jaxsec").glob("**/*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def place(module):
    """The file or folder of `LAYERS` that a module belongs to."""
    inner = module.partition(".")[2]
    named = {name for names in LAYERS for name in names}
    return inner if inner in named else inner.partition(".")[0] or "__init__"


def imports(path):
    """Modules of the library that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jaxsec":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)


GRAPH = {module: set(imports(path)) - {module} for module, path in MODULES.items()}


def test_imports_run_from_the_roof_to_the_ground():
    rank = {name: i for i, names in enumerate(LAYERS) for name in names}
    upward = [
        f"{module} -> {other}"
        for module, others in GRAPH.items()
        for other in others
        if rank[place(other)] > rank[place(module)]
    ]
    assert upward == []


def test_systems_do_not_import_each_other():
    crossing = [
        f"{module} -> {other}"
        for module, others in GRAPH.items()
        for other in others
        for one, another in itertools.permutations(APART, 2)
        if place(module) in one and place(other) in another
    ]
    assert crossing == []


def test_no_import_goes_round_in_a_circle():
    # A package's own __init__, which gathers what it exports, is no stop on the way.
    graph = {m: {o for o in others if not m.startswith(o + ".")} for m, others in GRAPH.items()}
    done: set[str] = set()

    def visit(module, way):
        assert module not in way, " -> ".join([*way, module])
        if module not in done:
            for other in sorted(graph[module]):
                visit(other, [*way, module])
            done.add(module)

    for module in graph:
        visit(module, [])


def test_benchmarks_and_library_do_not_use_the_command_line():
    users = [*MODULES.values(), *(ROOT / "benchmarks").glob("**/*.py")]
    through = [
        str(path.relative_to(ROOT))
        for path in users
        if "cli" not in path.parts and path.name != "__main__.py"
        for name in imports(path)
        if place(name) == "cli"
    ]
    assert through == []


@pytest.mark.parametrize("folder", ["jaxsec", "benchmarks", "tests"])
def test_files_functions_and_classes_stay_small(folder):
    large = []
    for path in sorted((ROOT / folder).glob("**/*.py")):
        text = path.read_text()
        if text.count("\n") > MAX_LINES:
            large.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                most = MAX_CLASS if isinstance(node, ast.ClassDef) else MAX_FUNCTION
                lines = (node.end_lineno or 0) - node.lineno + 1 - documentation(node)
                if lines > most:
                    large.append(f"{path.relative_to(ROOT)}: {node.name}, {lines} lines")
    assert large == []


def documentation(node):
    """Lines of a docstring, which do not count: they are what keeps the rest short."""
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return (first.end_lineno or 0) - first.lineno + 1
    return 0

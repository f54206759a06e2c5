"""Notebooks run from top to bottom, and are committed as they ran."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
MAX_BYTES = 1_500_000
ABSOLUTE_PATH = re.compile(r"/(?:home|root|Users|work|tmp|usr|opt|var|private|mnt)/|[A-Za-z]:\\\\")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """Errors, and anything written to stderr: warnings among it."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    errors = [output.evalue for output in outputs if output.output_type == "error"]
    return errors + [output.text for output in outputs if output.get("name") == "stderr"]


def texts(notebook: nbformat.NotebookNode) -> str:
    """Metadata and outputs as JSON, pictures left out: their base64 may spell anything."""
    kept = [notebook.metadata]
    for cell in notebook.cells:
        kept.append(cell.metadata)
        for output in cell.get("outputs", []):
            data = {kind: x for kind, x in output.get("data", {}).items() if "image" not in kind}
            kept.append({**output, "data": data})
    return json.dumps(kept, ensure_ascii=False)


def test_there_are_notebooks():
    assert NOTEBOOKS


@every_notebook
def test_committed_as_it_ran(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert [cell.source for cell in cells if not cell.outputs] == []
    assert complaints(notebook) == []


@every_notebook
def test_tells_nothing_about_the_machine(path: Path):
    notebook = nbformat.read(path, as_version=4)
    assert ABSOLUTE_PATH.findall(texts(notebook)) == []
    assert notebook.metadata.kernelspec.name == "python3"
    assert path.stat().st_size < MAX_BYTES


@pytest.mark.long
@every_notebook
def test_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore:Error reading persistent compilation cache")
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    assert complaints(notebook) == []

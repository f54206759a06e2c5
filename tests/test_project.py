"""What the project says of itself in several places agrees."""

import re
import tomllib
from pathlib import Path

import yaml

import jaxsec
from jaxsec import extras

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_version_and_licence_are_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changes = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert citation["version"] == changes[0] == jaxsec.__version__
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert {author["name"] for author in PROJECT["authors"]} == {
        author["name"] for author in citation["authors"]
    }
    titles = [reference["title"] for reference in citation["references"]]
    assert len(titles) == 2
    prose = " ".join(" ".join(path.read_text().split()) for path in ROOT.glob("docs/*.md"))
    prose += (ROOT / "README.md").read_text()
    assert all(title in prose for title in titles)


def test_the_workflow_runs_what_the_local_check_runs():
    """Targets of `.ci/run` are jobs of the workflow, and every job is a target of the Makefile."""
    local = set(re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE))
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    jobs = set(workflow["jobs"]["check"]["strategy"]["matrix"]["target"])
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert len(local) > 3
    assert local <= jobs <= targets


def test_extras_are_those_of_the_project():
    """Errors and the page on installing name extras that there are."""
    named = set(PROJECT["optional-dependencies"])
    assert set(extras.EXTRAS.values()) <= named
    page = (ROOT / "docs" / "howto" / "command-line.md").read_text()
    assert all(f"`{name}`" in page for name in named)


def test_weights_stay_small():
    sizes = [path.stat().st_size for path in ROOT.glob("jaxsec/*/pretrained/*.npz")]
    assert max(sizes) < 10e6
    assert sum(sizes) < 40e6

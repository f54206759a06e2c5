"""What the project says of itself in several places agrees."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import jaxsec
from jaxsec import extras

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOT_LOWEST = {"sionna-rt", "deepmimo", "cvxpy"}
"""Not in `requirements-lowest.lock`: ray tracers and solvers that no test needs."""


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


def matrix():
    """Of the workflow's jobs."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    return workflow["jobs"]["check"]["strategy"]["matrix"]


def test_the_workflow_runs_what_the_local_check_runs():
    """Targets of `.ci/run` are jobs of the workflow, and every job is a target of the Makefile."""
    local = set(re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE))
    jobs = set(matrix()["target"]) | {job["target"] for job in matrix()["include"]}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"lint", "docs", "test"} == local
    assert local < jobs <= targets


def test_every_long_test_is_in_one_part_of_the_workflow():
    parts = [job["tests"] for job in matrix()["include"] if job["target"] == "test-long"]
    found = [path for part in parts for path in ROOT.glob(part)]
    assert sorted(found) == sorted(ROOT.glob("tests/test_*.py"))


def test_pythons_that_are_named_have_a_job():
    prefix = "Programming Language :: Python :: 3."
    named = {int(line.removeprefix(prefix)) for line in PROJECT["classifiers"] if prefix in line}
    jobs = matrix()["python"] + [job["python"] for job in matrix()["include"]]
    assert named <= {int(python.removeprefix("3.")) for python in jobs}
    assert PROJECT["requires-python"] == f">=3.{min(named)}"


def test_lower_bounds_are_the_versions_of_the_lowest_lock():
    """`make test-lowest` tests what pyproject.toml says; `make lock` writes the file again."""
    lines = (ROOT / "requirements-lowest.lock").read_text().split()
    locked = {name: Version(version) for name, version in (line.split("==") for line in lines)}
    listed = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    bounds = {}
    for wanted in (Requirement(line) for lines in listed for line in lines):
        bounds |= {
            canonicalize_name(wanted.name): Version(part.version)
            for part in wanted.specifier
            if part.operator == ">="
        }
    assert bounds.keys() - locked.keys() == NOT_LOWEST
    assert bounds == {name: locked.get(name, bound) for name, bound in bounds.items()}


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

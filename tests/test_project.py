"""What the project says of itself in several places agrees."""

import re
import tomllib
from pathlib import Path

import yaml

import jaxsec

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

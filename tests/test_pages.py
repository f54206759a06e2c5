"""Python in README and pages runs, block after block, but for sketches that say why they do not."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"(<!-- sketch: needs [^>]+ -->\n)?^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
PAGES = {
    str(path.relative_to(ROOT)): BLOCK.findall(path.read_text())
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
}
RUN = {page: [code for sketch, code in blocks if not sketch] for page, blocks in PAGES.items()}
FIRST = {"".join(codes): page for page, codes in reversed(RUN.items())}
"""Of pages with the same Python one: README.md, which comes first."""


def test_readme_is_short_and_most_blocks_are_no_sketches():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
    sketches = [page for page, blocks in PAGES.items() for sketch, _ in blocks if sketch]
    assert sketches == ["docs/howto/arrays.md"]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow if page == "README.md" else pytest.mark.long)
        for code, page in FIRST.items()
        if code
    ],
)
def test_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in RUN[page]:
        exec(compile(code, page, "exec"), names)

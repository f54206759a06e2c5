"""Checks the built site: it is whole without a network, and has every public name.

python docs/check.py
"""

import importlib.util
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

DOCS = Path(__file__).parent
SITE = DOCS.parent / "build" / "site"
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser fetches by itself."""


class Page(HTMLParser):
    """The anchors and links of a page, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.anchors = path, {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.anchors |= {value for value in (known.get("id"), known.get("name")) if value}
        if tag == "a" and known.get("href"):
            self.links.append(str(known["href"]))
        if tag in LOADED and known.get(LOADED[tag]) and known.get("rel") != "canonical":
            self.loaded.append(str(known[LOADED[tag]]))


def complaints(pages: dict[Path, Page], names: set[str]) -> list[str]:
    """What is wrong with the pages, a line each."""
    anchors = {anchor for page in pages.values() for anchor in page.anchors}
    # A function may have the name of the module that it is in.
    twice = {name: f"{name}.{name.rpartition('.')[2]}" for name in names}
    found = [f"{name} has no entry" for name in names if not {name, twice[name]} & anchors]
    for path, page in pages.items():
        where = path.relative_to(SITE)
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme == "data" or (parts.scheme and link not in page.loaded):
                continue  # a picture within the page, or a link out of the site
            place = unquote(parts.path)
            folder = SITE if place.startswith("/") else path.parent  # "/" in the page of error 404
            target = (folder / place.lstrip("/")).resolve() if place else path
            if parts.scheme or parts.netloc:
                found.append(f"{where} loads {link}")
            elif not target.exists():
                found.append(f"{where}: {link} is not there")
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                found.append(f"{where}: {link} has no such anchor")
    return found


def public_names() -> set[str]:
    """Every public name by the page that it stands on."""
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec and spec.loader
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    modules = {name: importlib.import_module(name) for name in reference.MODULES}
    return {f"{name}.{entry}" for name, module in modules.items() for entry in module.__all__}


if __name__ == "__main__":
    pages = {path: Page(path) for path in sorted(SITE.resolve().rglob("*.html"))}
    wrong = complaints(pages, public_names())
    print("\n".join([*wrong, f"{len(pages)} pages, {len(wrong)} complaints"]))
    sys.exit(bool(wrong) or not pages)

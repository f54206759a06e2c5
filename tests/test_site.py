"""The check of the built documentation finds what it is for."""

import importlib.util
from pathlib import Path

CHECK = Path(__file__).parents[1] / "docs" / "check.py"


def load_check():
    spec = importlib.util.spec_from_file_location("check", CHECK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_broken_links_foreign_scripts_and_missing_names_are_complaints(tmp_path, monkeypatch):
    check = load_check()
    monkeypatch.setattr(check, "SITE", tmp_path)
    (tmp_path / "a.html").write_text(
        '<a href="b.html#there">b</a> <a href="/b.html">b</a> <a href="https://else.where">x</a>'
        '<h2 id="jaxsec.design"></h2> <img src="data:image/png;base64,AA">'
    )
    (tmp_path / "b.html").write_text(
        '<h2 id="there"></h2> <a href="c.html">c</a> <a href="a.html#gone">a</a>'
        '<script src="https://cdn.where/x.js"></script> <h2 id="jaxsec.secrecy.power.power"></h2>'
    )
    pages = {path: check.Page(path) for path in sorted(tmp_path.glob("*.html"))}
    names = {"jaxsec.design", "jaxsec.secrecy.power", "jaxsec.evaluate"}
    assert check.complaints(pages, names) == [
        "jaxsec.evaluate has no entry",
        "b.html: c.html is not there",
        "b.html: a.html#gone has no such anchor",
        "b.html loads https://cdn.where/x.js",
    ]


def test_every_public_name_is_asked_for():
    names = load_check().public_names()
    assert {"jaxsec.design", "jaxsec.jamming.Environment", "jaxsec.rl.Training"} <= names

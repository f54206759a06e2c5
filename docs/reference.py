"""Writes docs/reference.md: every public name of the library, and its first sentence.

python docs/reference.py
"""

import importlib
import inspect
from pathlib import Path
from typing import Any

MODULES = (
    "jaxsec",
    "jaxsec.channels",
    "jaxsec.secrecy",
    "jaxsec.precoding",
    "jaxsec.files",
    "jaxsec.interop",
    "jaxsec.cdm",
    "jaxsec.rl",
    "jaxsec.jamming",
    "jaxsec.spectrum",
    "jaxsec.semantic",
    "jaxsec.channel_denoising",
    "jaxsec.anomaly",
)
"""What a user may import from; each says in `__all__` what of it is public."""
PATH = Path(__file__).with_name("reference.md")
HEAD = """# Public names

What is listed here is public, and nothing else: `help(jaxsec.design)` and its like have shapes,
units, errors, sources and an example that the test suite runs. `python docs/reference.py` writes
this page.
"""


def page() -> str:
    """The page's text."""
    parts = [HEAD]
    for module in MODULES:
        loaded = importlib.import_module(module)
        parts.append(
            f"\n## `{module}`\n\n{sentence(loaded)}\n\n| name | what it is |\n| --- | --- |"
        )
        parts += [f"| `{name}` | {entry(getattr(loaded, name))} |" for name in loaded.__all__]
    return "\n".join(parts) + "\n"


def entry(thing: Any) -> str:
    """One cell of the table."""
    if inspect.ismodule(thing) or inspect.isclass(thing) or inspect.isroutine(thing):
        return sentence(thing)
    if isinstance(thing, dict):
        return "names: " + ", ".join(f"`{name}`" for name in thing)
    return f"`{thing!r}`"


def sentence(thing: Any) -> str:
    """The first paragraph of a docstring, on one line."""
    text = (inspect.getdoc(thing) or "").partition("\n\n")[0]
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PATH.write_text(page())
    print(f"written to {PATH}")

"""Shipped coders, each with a card beside it (`jaxsec.semantic.file`); Apache-2.0, as the code.

| name | channels | trained with |
| --- | --- | --- |
| `parallel` | four, of different quality for Eve | λ = 0 and λ that hides the secret, three seeds |
"""

import functools
from pathlib import Path

from jaxsec import checks
from jaxsec.semantic import file as coder_file
from jaxsec.semantic.file import Model

FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The coders that are shipped."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.npz")))


@functools.cache
def load(name: str) -> Model:
    """The shipped coders called `name`.

    Raises:
      InputError: there are none of this name, or their files are damaged.
    """
    checks.require(name in names(), f"`name` must be one of {', '.join(names())}, but is {name!r}")
    return coder_file.load(FOLDER / f"{name}.npz")

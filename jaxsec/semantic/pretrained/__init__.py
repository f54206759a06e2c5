"""Shipped coders, each with a card beside it (`jaxsec.semantic.file`); Apache-2.0, as the code.

| name | channels | trained with |
| --- | --- | --- |
| `parallel` | four, of different quality for Eve | λ = 0 and 8, one seed |
"""

import functools
from pathlib import Path

from jaxsec.learning import shipped
from jaxsec.semantic import file as coder_file
from jaxsec.semantic.file import Model

FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The coders that are shipped."""
    return shipped.names(FOLDER)


@functools.cache
def load(name: str) -> Model:
    """The shipped coders called `name`.

    Raises:
      InputError: there are none of this name, or their files are damaged.
    """
    return coder_file.load(shipped.path(FOLDER, name))

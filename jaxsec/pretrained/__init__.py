"""Shipped weights, each with a model card: `cdm-set.npz` and `cdm-set.json`."""

import functools
from pathlib import Path

from jaxsec import checks, modelfile
from jaxsec.cdm import Model

FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The models that are shipped."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.npz")))


@functools.cache
def load(name: str) -> Model:
    """The shipped model called `name`.

    Raises:
      InputError: there is no such model, or its files are damaged.
    """
    checks.require(name in names(), f"`name` must be one of {', '.join(names())}, but is {name!r}")
    return modelfile.load(FOLDER / f"{name}.npz")

"""Packages that only part of the library needs, and the extras of `pip install` that bring them."""

import importlib.util

from jaxsec.checks import InputError

EXTRAS = {
    "flax": "train",
    "optax": "train",
    "orbax": "train",
    "matplotlib": "plot",
    "h5py": "hdf5",
    "gymnasium": "gymnasium",
    "marimo": "explore",
    "sklearn": "data",
}
"""The extra of each package."""


class MissingExtra(InputError, ImportError):
    """A package of an extra is not installed: the message says what to install."""


def require(package: str) -> None:
    """Raises `MissingExtra` unless the package is installed, before work that will need it."""
    if importlib.util.find_spec(package) is None:
        raise _missing(package)


def explained(error: ModuleNotFoundError) -> ImportError:
    """The error of an import, as `MissingExtra` where an extra has the package."""
    package = (error.name or "").partition(".")[0]
    return _missing(package) if package in EXTRAS else error


def _missing(package: str) -> MissingExtra:
    return MissingExtra(f"{package} is not installed: pip install 'jaxsec[{EXTRAS[package]}]'")

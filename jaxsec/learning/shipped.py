"""Weights that come with a system, in a folder of its own, by their names."""

from pathlib import Path

from jaxsec import checks


def names(folder: Path) -> tuple[str, ...]:
    """Of all that are in a folder."""
    return tuple(sorted(path.stem for path in folder.glob("*.npz")))


def path(folder: Path, name: str) -> Path:
    """The file of the weights called `name`.

    Raises:
      InputError: there are none.
    """
    known = names(folder)
    checks.require(name in known, f"`name` must be one of {', '.join(known)}, but is {name!r}")
    return folder / f"{name}.npz"


def find(folder: Path, model: str) -> Path:
    """The file of shipped weights by their name, or the file that is named itself.

    Raises:
      InputError: it is neither.
    """
    known = names(folder)
    if model in known:
        return folder / f"{model}.npz"
    checks.require(
        model.endswith(".npz"),
        f"`model` must be one of {', '.join(known)}, or a .npz file, but is {model!r}",
    )
    return Path(model)

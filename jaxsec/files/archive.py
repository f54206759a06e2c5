"""Files that are written whole or not at all, and named arrays in NumPy .npz and MATLAB v5 .mat.

A file that cannot be written is never anything but an `InputError` of one line that names it.
`reading` is the other way.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jaxsec import checks, extras

FORMATS = (".npz", ".mat")
"""Endings of the files that arrays are written to."""
PICTURES = (".png", ".pdf", ".svg")
"""Endings of the files that pictures are written to."""


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes `arrays` in the format that the ending of `path` says, whole or not at all.

    Raises:
      InputError: the ending is unknown, the file cannot be written, or does not fit the format.
    """
    path = Path(path)
    with naming(path):
        check_ending(path, FORMATS)
    with atomic_write(path) as file:
        if path.suffix.lower() == ".npz":
            named: dict[str, Any] = dict(arrays)
            np.savez(file, allow_pickle=False, **named)
        else:
            _write_mat(path, file, arrays)


def check_writable(path: str | os.PathLike[str], endings: Sequence[str] = ()) -> None:
    """Finds out, before the work starts, whether `path` can be written.

    Args:
      path: the file to be written; it may exist, and then is left as it is.
      endings: the endings `path` may have; any if empty.

    Raises:
      InputError: the ending is none of `endings`, the folder is missing or unwritable, or `path`
        is a folder, a device or write-protected.
    """
    path = Path(path)
    with naming(path):
        if endings:
            check_ending(path, endings)
        scratch = _scratch(_target(path))
        try:
            scratch.open("xb").close()
        except OSError as error:
            raise checks.InputError(f"cannot be written: {error.strerror}") from None
        finally:
            scratch.unlink(missing_ok=True)


def check_outputs(inputs: tuple[Path, ...], *outputs: tuple[Path | None, tuple[str, ...]]) -> None:
    """Whether a command may write its outputs: each fits a file, and none replaces another.

    Args:
      inputs: files that must stay.
      outputs: pairs of a path, or None for an output that nobody asked for, and the endings that it
        may have; any where there are none.

    Raises:
      InputError: an output cannot be written, or is also an input or another output.
      MissingExtra: it is a picture, and matplotlib is not installed.
    """
    taken = {os.path.realpath(path) for path in inputs}
    for path, endings in outputs:
        if path is None:
            continue
        check_writable(path, endings)
        if endings == PICTURES:
            extras.require("matplotlib")
        real = os.path.realpath(path)
        checks.require(real not in taken, f"{path}: is already an input or output of this command")
        taken.add(real)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write to, which becomes `path` if the block ends well and vanishes if not.

    Raises:
      InputError: `path` cannot be written.
    """
    path = Path(path)
    with naming(path):
        target = _target(path)
    scratch = _scratch(target)
    try:
        with scratch.open("xb") as file:
            yield file
        scratch.replace(target)
    except OSError as error:
        reason = error.strerror or error
        raise checks.InputError(f"{path}: cannot be written: {reason}") from None
    finally:
        scratch.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Puts the name of the file in front of any `InputError` from the block."""
    try:
        yield
    except checks.InputError as error:
        raise checks.InputError(" ".join(f"{os.fspath(path)}: {error}".split())) from None


def check_ending(path: Path, endings: Sequence[str]) -> None:
    """The file's ending, in any case, must be one of `endings`."""
    checks.require(
        path.suffix.lower() in endings,
        f"the file must end in {' or '.join(endings)}, but ends in {path.suffix or 'nothing'!r}",
    )


def _write_mat(path: Path, file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    import scipy.io

    try:
        scipy.io.savemat(file, dict(arrays))
    except scipy.io.matlab.MatWriteError as error:
        raise checks.InputError(
            f"{path}: does not fit a MATLAB v5 file, use .npz ({brief(error)})"
        ) from None


def _target(path: Path) -> Path:
    """Where `path` leads, links followed, once that is known to be a place for a file."""
    target = Path(os.path.realpath(path))
    checks.require(not target.is_dir(), "is a folder, not a file to write to")
    folder = target.parent
    checks.require(folder.is_dir(), f"there is no folder {str(folder)!r} to write it to")
    if target.exists():
        checks.require(target.is_file(), "is not a regular file, and is not replaced")
        checks.require(os.access(target, os.W_OK), "is write-protected")
    return target


def _scratch(target: Path) -> Path:
    """A fresh name beside `target`, hidden, on the same file system."""
    return target.with_name(f".jaxsec-{secrets.token_hex(8)}.tmp")


def brief(error: Exception) -> str:
    """One short line about a library's error."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:120]}" if text else type(error).__name__

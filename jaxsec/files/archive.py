"""Named arrays in NumPy .npz and MATLAB v5 .mat files: read without pickle, written atomically.

Nothing here knows what the arrays mean; `channels` does. A bad file is never anything but an
`InputError` of one line that names the file.
"""

import contextlib
import os
import secrets
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jaxsec import checks
from jaxsec.files import matlab

FORMATS = (".npz", ".mat")
PICTURES = (".png", ".pdf", ".svg")
"""Endings of the files that pictures are written to."""
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_RESAVE = "save it again in MATLAB with `save(..., '-v7')`"


def read_arrays(
    path: str | os.PathLike[str], names: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Reads the arrays called `names`, and of `optional` those that are there.

    The ending of `path` says the format.

    Raises:
      InputError: the file cannot be read, is damaged, lacks a name, or holds something else there.
    """
    path = Path(path)
    with naming(path):
        check_ending(path, FORMATS)
        checks.require(not path.is_dir(), "is a folder, not a file")
        checks.require(path.exists(), "there is no such file")
        checks.require(path.is_file(), "is not a regular file")
        try:
            file = path.open("rb")
        except OSError as error:
            raise checks.InputError(f"cannot be read: {error.strerror}") from None
        with file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _READERS[path.suffix.lower()](file, names, optional)


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
    """
    taken = {os.path.realpath(path) for path in inputs}
    for path, endings in outputs:
        if path is None:
            continue
        check_writable(path, endings)
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


def _read_npz(
    file: BinaryIO, names: Sequence[str], optional: Sequence[str]
) -> dict[str, np.ndarray]:
    checks.require(file.read(2) == b"PK", "is not an .npz file: it is no zip archive")
    file.seek(0)
    try:
        archive = np.load(file, allow_pickle=False)
    except Exception as error:
        raise checks.InputError(f"is damaged or truncated ({_brief(error)})") from None
    with archive:
        _check_present(names, archive.files)
        there = [*names, *(name for name in optional if name in archive.files)]
        return {name: _read_member(archive, name) for name in there}


def _read_member(archive: Mapping[str, Any], name: str) -> np.ndarray:
    try:
        array = archive[name]
    except Exception as error:
        checks.require(
            "allow_pickle" not in str(error),
            f"`{name}` holds pickled Python objects, which are never loaded: save a plain array",
        )
        raise checks.InputError(
            f"`{name}` cannot be read, the file is damaged or truncated ({_brief(error)})"
        ) from None
    checks.require(isinstance(array, np.ndarray), f"`{name}` is not a NumPy array")
    return array


def _read_mat(
    file: BinaryIO, names: Sequence[str], optional: Sequence[str]
) -> dict[str, np.ndarray]:
    # The header: 116 bytes of text, 8 of offset, 2 of version, then "MI" or "IM". Version 7.3 is
    # HDF5 behind a 512-byte block that looks the same but for the text.
    data = file.read()
    checks.require(
        not data.startswith(b"MATLAB 7.3") and HDF5_MAGIC not in (data[:8], data[512:520]),
        f"is a MATLAB v7.3 (HDF5) file, which cannot be read: {_RESAVE}",
    )
    checks.require(
        data[matlab.HEADER_BYTES - 2 : matlab.HEADER_BYTES] in (b"MI", b"IM"),
        f"is not a MATLAB v5 file, or is truncated: {_RESAVE}",
    )
    try:
        arrays, present = matlab.parse(data, [*names, *optional])
    except checks.InputError:
        raise
    except Exception as error:
        raise checks.InputError(f"is damaged or truncated ({_brief(error)})") from None
    _check_present(names, present)
    return {name: arrays[name] for name in (*names, *optional) if name in arrays}


_READERS = {".npz": _read_npz, ".mat": _read_mat}


def _write_mat(path: Path, file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    import scipy.io

    try:
        scipy.io.savemat(file, dict(arrays))
    except scipy.io.matlab.MatWriteError as error:
        raise checks.InputError(
            f"{path}: does not fit a MATLAB v5 file, use .npz ({_brief(error)})"
        ) from None


def _check_present(names: Sequence[str], present: Sequence[str]) -> None:
    for name in names:
        checks.require(
            name in present,
            f"`{name}` is missing, the file holds {', '.join(present) if present else 'nothing'}",
        )


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


def _brief(error: Exception) -> str:
    """One short line about a library's error."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:120]}" if text else type(error).__name__

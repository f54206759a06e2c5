"""Named arrays in files of other programs: NumPy, MATLAB and HDF5, without pickle.

Nothing here knows what the arrays mean; `channels` does. A bad file is never anything but an
`InputError` of one line that names the file.
"""

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jaxsec import checks, extras
from jaxsec.files import hdf5, matlab
from jaxsec.files.archive import brief, check_ending, naming

READABLE = (".npz", ".mat", ".h5", ".hdf5")
"""Endings of files of named arrays. A folder of .npy files, each an array, is one too."""


def read_arrays(
    path: str | os.PathLike[str], names: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Reads the arrays called `names`, and of `optional` those that are there.

    The ending of `path` says the format.

    Raises:
      InputError: the file cannot be read, is damaged, lacks a name, or holds something else there.
    """
    path = Path(path)
    with naming(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.is_dir():
            return _read_folder(path, names, optional)
        check_ending(path, READABLE)
        with _opened(path) as file:
            return _READERS[path.suffix.lower()](file, names, optional)


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The one array of a .npy file.

    Raises:
      InputError: the file cannot be read or is damaged, or holds Python objects.
    """
    path = Path(path)
    with naming(path):
        check_ending(path, (".npy",))
        with _opened(path) as file:
            return _load(file, "the file")


def _opened(path: Path) -> BinaryIO:
    checks.require(not path.is_dir(), "is a folder, not a file")
    checks.require(path.exists(), "there is no such file")
    checks.require(path.is_file(), "is not a regular file")
    try:
        return path.open("rb")
    except OSError as error:
        raise checks.InputError(f"cannot be read: {error.strerror}") from None


def _read_folder(
    folder: Path, names: Sequence[str], optional: Sequence[str]
) -> dict[str, np.ndarray]:
    """Of a folder, every .npy file is an array of its name."""
    present = sorted(path.stem for path in folder.glob("*.npy"))
    checks.require(bool(present), "is a folder without .npy files, not a file")
    _check_present(names, present)
    there = [*names, *(name for name in optional if name in present)]
    return {name: read_array(folder / f"{name}.npy") for name in there}


def _read_npz(
    file: BinaryIO, names: Sequence[str], optional: Sequence[str]
) -> dict[str, np.ndarray]:
    checks.require(file.read(2) == b"PK", "is not an .npz file: it is no zip archive")
    file.seek(0)
    try:
        archive = np.load(file, allow_pickle=False)
    except Exception as error:
        raise checks.InputError(f"is damaged or truncated ({brief(error)})") from None
    with archive:
        _check_present(names, archive.files)
        there = [*names, *(name for name in optional if name in archive.files)]
        return {name: _read_member(archive, name) for name in there}


def _read_member(archive: Mapping[str, Any], name: str) -> np.ndarray:
    with _explaining(f"`{name}`"):
        array = archive[name]
    checks.require(isinstance(array, np.ndarray), f"`{name}` is not a NumPy array")
    return array


def _load(file: BinaryIO, what: str) -> np.ndarray:
    with _explaining(what):
        return np.lib.format.read_array(file, allow_pickle=False)


@contextlib.contextmanager
def _explaining(what: str) -> Iterator[None]:
    """Turns NumPy's errors while it reads an array into a line."""
    try:
        yield
    except Exception as error:
        checks.require(
            "allow_pickle" not in str(error) and "Object arrays" not in str(error),
            f"{what} holds pickled Python objects, which are never loaded: save a plain array",
        )
        raise checks.InputError(
            f"{what} cannot be read, the file is damaged or truncated ({brief(error)})"
        ) from None


def _read_mat(
    file: BinaryIO, names: Sequence[str], optional: Sequence[str]
) -> dict[str, np.ndarray]:
    # The header: 116 bytes of text, 8 of offset, 2 of version, then "MI" or "IM". Version 7.3 is
    # HDF5 behind a 512-byte block that looks the same but for the text.
    start = file.read(520)
    if start.startswith(b"MATLAB 7.3") or hdf5.MAGIC in (start[:8], start[512:]):
        return _read_hdf5(file, names, optional)
    data = start + file.read()
    checks.require(
        data[matlab.HEADER_BYTES - 2 : matlab.HEADER_BYTES] in (b"MI", b"IM"),
        "is not a MATLAB file, or is truncated",
    )
    return _parsed(lambda wanted: matlab.parse(data, wanted), names, optional)


def _read_hdf5(
    file: BinaryIO, names: Sequence[str], optional: Sequence[str]
) -> dict[str, np.ndarray]:
    return _parsed(lambda wanted: hdf5.parse(Path(file.name), wanted), names, optional)


def _parsed(
    parse: Callable[[list[str]], tuple[dict[str, np.ndarray], list[str]]],
    names: Sequence[str],
    optional: Sequence[str],
) -> dict[str, np.ndarray]:
    try:
        arrays, present = parse([*names, *optional])
    except checks.InputError:
        raise
    except ModuleNotFoundError as error:
        raise extras.explained(error) from None
    except Exception as error:
        raise checks.InputError(f"is damaged or truncated ({brief(error)})") from None
    _check_present(names, [*arrays, *present])
    return {name: arrays[name] for name in (*names, *optional) if name in arrays}


_READERS = {".npz": _read_npz, ".mat": _read_mat, ".h5": _read_hdf5, ".hdf5": _read_hdf5}


def _check_present(names: Sequence[str], present: Sequence[str]) -> None:
    there = ", ".join(dict.fromkeys(present)) or "nothing"
    for name in names:
        checks.require(name in present, f"`{name}` is missing, the file holds {there}")

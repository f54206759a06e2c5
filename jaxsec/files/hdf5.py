"""A strict reader of numeric arrays in HDF5 files, and so in MATLAB v7.3 files.

A MATLAB v7.3 file (`save -v7.3`) is HDF5 behind a block of 512 bytes; its arrays have an attribute
`MATLAB_class` and, since MATLAB stores columns first, their axes reversed: they are turned back to
what MATLAB shows. A complex array is one of pairs, of fields real and imag in MATLAB.

An array inside a group, or inside a MATLAB struct, is named by its path: `group/h`. Nothing outside
the file is read, whatever the file points to.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxsec import checks
from jaxsec.files import parts

MAGIC = b"\x89HDF\r\n\x1a\n"
SHOWN = 30
"""Most names of arrays that a message lists."""
_REFERENCES = "#refs#"
"""Group in which MATLAB keeps what cells and objects hold."""


def parse(path: Path, wanted: Sequence[str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Reads the arrays called `wanted`.

    Returns:
      Those that are there, and the names of the file's arrays, of many the first.

    Raises:
      InputError: a wanted array is no plain numeric one.
      Exception: the file is damaged, of several kinds: `OSError`, `RuntimeError`, `KeyError`.
    """
    import h5py  # takes a moment to import

    with h5py.File(path, "r") as file:
        arrays = {}
        for name in wanted:
            found = _find(file, name)
            if found is not None:
                arrays[name] = _array(name, found)
        return arrays, _names(file)


def _find(file: Any, name: str) -> Any:
    """What a path leads to; None where it leads nowhere."""
    import h5py

    at: Any = file
    for part in name.strip("/").split("/"):
        if not isinstance(at, h5py.Group) or part not in at:
            return None
        group: Any = at
        checks.require(
            not isinstance(group.get(part, getlink=True), h5py.ExternalLink),
            f"`{name}` lies in another file, which is not opened",
        )
        at = group[part]
    return at


def _array(name: str, found: Any) -> np.ndarray:
    import h5py

    kind = found.attrs.get("MATLAB_class", b"")
    kind = kind.decode(errors="replace") if isinstance(kind, bytes) else str(kind)
    if isinstance(found, h5py.Group):
        what = f"a MATLAB {kind}" if kind else "a group"
        if "MATLAB_sparse" in found.attrs:
            what = "a MATLAB sparse matrix"
        inside = [f"`{name}/{part}`" for part in list(found)[:SHOWN]]
        raise checks.InputError(
            f"`{name}` must be a full numeric array, but is {what}"
            + (f" of {', '.join(inside)}" if inside else "")
        )
    checks.require(
        found.dtype.kind in "fiuc" or found.dtype.names is not None,
        f"`{name}` must be a full numeric array, but is "
        + (f"a MATLAB {kind}" if kind else f"of type {found.dtype}"),
    )
    checks.require(kind != "char", f"`{name}` must be a full numeric array, but is a MATLAB text")
    checks.require(
        not found.is_virtual and not found.external,
        f"`{name}` lies in another file, which is not opened",
    )
    if found.attrs.get("MATLAB_empty"):
        return np.zeros(tuple(int(size) for size in found[()]))  # what it holds are its sizes
    array = parts.from_compound(name, np.asarray(found[()]))
    return np.ascontiguousarray(array.T) if kind else array


def _names(file: Any) -> list[str]:
    """Paths of all arrays, but for MATLAB's own."""
    import h5py

    names: list[str] = []

    def note(path: str, found: Any) -> bool | None:
        if isinstance(found, h5py.Dataset) and not path.startswith(_REFERENCES):
            names.append(path)
        return True if len(names) >= SHOWN else None

    file.visititems(note)
    return names

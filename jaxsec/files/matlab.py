"""A strict reader of numeric arrays in MATLAB v5 files (`save -v7` and `-v6`).

MathWorks, MAT-File Format (R2024a): after a header of 128 bytes the file is a list of elements,
each a tag (kind and size, 32 bits each, or 16 and 16 where the data fit into four bytes) and its
data, padded to eight bytes. A variable is an element of elements: flags, dimensions, name, real
part, imaginary part.

Why not `scipy.io.loadmat`: it takes some kinds in the file on trust as indices, and one flipped
byte can crash the interpreter, where a user is owed a message. Every size and kind is checked here.
"""

import math
import struct
import zlib
from collections.abc import Collection, Iterator

import numpy as np

from jaxsec import checks

HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
# Kinds of numeric data, as stored; MATLAB stores doubles that are small integers as bytes.
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
# Array classes, as used.
_NUMERIC = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_OTHER = {1: "cell array", 2: "struct", 4: "text", 5: "sparse matrix", 16: "function handle"}
_OPAQUE = 17
_COMPLEX, _LOGICAL = 0x0800, 0x0200


class DamagedError(ValueError):
    """The bytes do not make a MATLAB v5 file."""


def parse(data: bytes, wanted: Collection[str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Reads the variables called `wanted` from the bytes of a file.

    Returns:
      Those that are there, and the names of all variables. Complex arrays are complex64 if single,
      else complex128; logical ones are bool.

    Raises:
      InputError: a wanted variable is a cell array, struct or other non-numeric thing.
      Exception: the file is damaged, of several kinds: `DamagedError`, `zlib.error`, `ValueError`.
    """
    order = {b"IM": "<", b"MI": ">"}[data[HEADER_BYTES - 2 : HEADER_BYTES]]
    arrays: dict[str, np.ndarray] = {}
    names: list[str] = []
    for kind, content in _elements(memoryview(data)[HEADER_BYTES:], order):
        if kind == _COMPRESSED:
            ((kind, content),) = _elements(memoryview(zlib.decompress(content)), order)
        _expect(kind == _MATRIX, f"element of kind {kind} where a variable should be")
        parts = _elements(content, order)
        flags, dims, name = _head(parts, order)
        if not name:  # MATLAB's own workspace of function handles
            continue
        _expect(name not in names, f"`{name}` is there twice")
        names.append(name)
        if name in wanted:
            kind_name = _OTHER.get(flags & 0xFF, "object")
            checks.require(
                (flags & 0xFF) in _NUMERIC,
                f"`{name}` must be a full numeric array, but is a MATLAB {kind_name}",
            )
            arrays[name] = _array(flags, dims, parts, order)
    return arrays, names


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Kind and content of each element in `data`."""
    at = 0
    while at < len(data):
        (word,) = struct.unpack_from(order + "I", data, at)
        if word >> 16:
            kind, size, start = word & 0xFFFF, word >> 16, at + 4
            _expect(size <= 4, "a small element is too large")
            at += 8
        else:
            kind, start = word, at + 8
            (size,) = struct.unpack_from(order + "I", data, at + 4)
            at = start + size if kind == _COMPRESSED else start + 8 * math.ceil(size / 8)
        _expect(start + size <= len(data), "an element ends beyond its container")
        yield kind, data[start : start + size]


def _head(parts: Iterator[tuple[int, memoryview]], order: str) -> tuple[int, tuple[int, ...], str]:
    """Flags, dimensions and name, the first elements of a variable."""
    flags = int(_numbers(next(parts), order)[0])
    dims: tuple[int, ...] = ()
    if flags & 0xFF != _OPAQUE:
        dims = tuple(int(size) for size in _numbers(next(parts), order))
        _expect(len(dims) >= 2 and min(dims) >= 0, f"dimensions {dims}")
    return flags, dims, bytes(next(parts)[1]).decode("ascii")


def _array(
    flags: int, dims: tuple[int, ...], parts: Iterator[tuple[int, memoryview]], order: str
) -> np.ndarray:
    dtype = np.dtype(_NUMERIC[flags & 0xFF])
    array = _part(dims, parts, order).astype(bool if flags & _LOGICAL else dtype)
    if flags & _COMPLEX:
        real = array
        array = np.empty(real.shape, np.complex64 if dtype == np.float32 else np.complex128)
        array.real, array.imag = real, _part(dims, parts, order)
    return np.ascontiguousarray(array.reshape(dims, order="F"))


def _part(dims: tuple[int, ...], parts: Iterator[tuple[int, memoryview]], order: str) -> np.ndarray:
    numbers = _numbers(next(parts), order)
    _expect(numbers.size == math.prod(dims), f"{numbers.size} numbers for dimensions {dims}")
    return numbers


def _numbers(element: tuple[int, memoryview], order: str) -> np.ndarray:
    kind, content = element
    _expect(kind in _STORED, f"element of kind {kind} where numbers should be")
    return np.frombuffer(content, order + _STORED[kind])


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise DamagedError(message)

"""Loaders on arbitrary, truncated and damaged bytes: a clear error or a channel file, no crash."""

import io
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsec.checks import InputError
from jaxsec.files import channels as channel_files
from tests.file_cases import ENDINGS, QUICK, make_channels


def valid_bytes(ending: str, *, compressed: bool) -> bytes:
    buffer, arrays = io.BytesIO(), make_channels(1, 1, 1, 2)._asdict()
    if ending == ".npz":
        (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    else:
        scipy.io.savemat(buffer, arrays, do_compression=compressed)
    return buffer.getvalue()


def load_or_refuse(path: Path) -> bool:
    """Whether the file could be read; anything but a Channels or an InputError escapes."""
    try:
        channels = channel_files.load_channels(path)
    except InputError as error:
        clear = "\n" not in str(error) and path.name in str(error)
        if not clear:
            raise
        return False
    assert channels.h_user.ndim == channels.h_eve.ndim == 3
    return True


@pytest.mark.slow
@given(ending=ENDINGS, data=st.binary(max_size=300))
@QUICK
def test_arbitrary_bytes_are_refused(folder, ending, data):
    path = folder / f"bytes{ending}"
    for prefix in (b"", b"PK\x03\x04", b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"):
        path.write_bytes(prefix + data)
        assert not load_or_refuse(path)


@given(ending=ENDINGS, compressed=st.booleans(), share=st.floats(0, 1, exclude_max=True))
@QUICK
def test_truncated_files_are_refused(folder, ending, compressed, share):
    data = valid_bytes(ending, compressed=compressed)
    path = folder / f"truncated{ending}"
    path.write_bytes(data[: int(share * len(data))])
    assert not load_or_refuse(path)


@given(
    ending=ENDINGS,
    compressed=st.booleans(),
    place=st.floats(0, 1, exclude_max=True),
    flip=st.integers(1, 255),
)
@settings(QUICK, max_examples=150)
def test_damaged_files_never_crash(folder, ending, compressed, place, flip):
    data = bytearray(valid_bytes(ending, compressed=compressed))
    data[int(place * len(data))] ^= flip
    path = folder / f"damaged{ending}"
    path.write_bytes(data)
    load_or_refuse(path)

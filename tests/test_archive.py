"""Writing: all or nothing, where it may, with nothing left behind."""

import os
import warnings

import pytest
import scipy.io

from jaxsec.checks import InputError
from jaxsec.files import archive
from jaxsec.files import channels as channel_files
from tests.file_cases import error_of, make_channels


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError, OSError(28, "No space left")])
def test_nothing_is_left_of_a_failed_write(tmp_path, stop):
    path = tmp_path / "s.npz"
    path.write_bytes(b"old")
    expected = InputError if isinstance(stop, OSError) else stop
    with pytest.raises(expected), archive.atomic_write(path) as file:
        file.write(b"half")
        raise stop
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["s.npz"]


def test_writing_follows_a_link_and_keeps_it(tmp_path):
    (tmp_path / "real.npz").write_bytes(b"old")
    (tmp_path / "link.npz").symlink_to("real.npz")
    with archive.atomic_write(tmp_path / "link.npz") as file:
        file.write(b"new")
    assert (tmp_path / "link.npz").is_symlink()
    assert (tmp_path / "real.npz").read_bytes() == b"new"


def test_check_writable(tmp_path, monkeypatch):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "there.npz").write_bytes(b"old")
    archive.check_writable(tmp_path / "new.npz", archive.FORMATS)
    archive.check_writable(tmp_path / "there.npz", archive.FORMATS)
    archive.check_writable(tmp_path / "any.thing")
    assert "is a folder" in error_of(archive.check_writable, tmp_path / "folder.npz")
    assert "no folder" in error_of(archive.check_writable, tmp_path / "nowhere" / "s.npz")
    assert "must end in" in error_of(archive.check_writable, tmp_path / "s.txt", archive.FORMATS)
    if os.path.exists(os.devnull):
        assert "regular file" in error_of(archive.check_writable, os.devnull)
    monkeypatch.setattr(archive.os, "access", lambda *_: False)
    assert "write-protected" in error_of(archive.check_writable, tmp_path / "there.npz")

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(archive.Path, "open", refuse)
    assert "Permission denied" in error_of(archive.check_writable, tmp_path / "new.npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.npz", "there.npz"]


def test_too_large_for_matlab_is_said(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise scipy.io.matlab.MatWriteError("Matrix too large")

    monkeypatch.setattr(scipy.io, "savemat", refuse)
    message = error_of(channel_files.save_channels, tmp_path / "c.mat", make_channels())
    assert "use .npz" in message
    assert list(tmp_path.iterdir()) == []


def test_loading_is_silent(tmp_path):
    path = tmp_path / "c.mat"
    channel_files.save_channels(path, make_channels())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        channel_files.load_channels(path)

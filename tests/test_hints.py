"""What a message proposes is what the file needed: the hint is followed, and the file is read."""

import numpy as np
import pytest

from jaxsec import files
from jaxsec.channels.remarks import remarks
from jaxsec.cli.__main__ import main
from jaxsec.files.archive import write_arrays
from tests.file_cases import complex_normal, error_of, make_channels, same

N, K, L, M = 3, 2, 4, 5


def stored(path, channels, **change):
    write_arrays(path, {**channels._asdict(), **change})
    return path


def test_parts_in_the_last_axis(tmp_path):
    channels = make_channels(N, K, L, M)
    h = np.stack([channels.h_user.real, channels.h_user.imag], axis=-1)
    message = error_of(files.load_channels, stored(tmp_path / "c.npz", channels, h_user=h))
    assert "save h[..., 0] + 1j * h[..., 1]" in message
    assert same((h[..., 0] + 1j * h[..., 1]).astype(np.complex64), channels.h_user)


@pytest.mark.parametrize(
    ("real", "wanted", "kind"),
    [("f4", np.complex64, "np.complex64"), ("f8", np.complex128, "np.complex128")],
)
def test_pairs_of_parts(tmp_path, real, wanted, kind):
    channels = make_channels(N, K, L, M, dtype=wanted)
    h = channels.h_user.view([("real", real), ("imag", real)])
    message = error_of(files.load_channels, stored(tmp_path / "c.npz", channels, h_user=h))
    assert f"h.view({kind})" in message
    assert same(h.view(wanted), channels.h_user)


def test_one_channel_of_matlab_in_either_order(tmp_path):
    channels = make_channels(1, K, L, M)
    flat = channels.h_user[0]
    for h, form in (
        (flat, "of K x M as reshape(h, 1, K, M)"),
        (flat.T, "of M x K as reshape(h.', 1, K, M) (h' would conjugate)"),
    ):
        path = stored(tmp_path / "c.mat", channels, h_user=h)
        assert form in error_of(files.load_channels, path)


def test_oddities_are_counted_with_the_first():
    channels = make_channels(N, K, L, M)
    assert remarks(channels) == []
    h_user, h_eve = (np.array(h) for h in channels[:2])
    h_user[1, 0] = 0
    h_eve[1:, 2] = 0
    h_eve[2, 0] = h_user[2, 1]
    h_eve[2, 1] = h_user[2, 1]
    lines = remarks(channels._replace(h_user=h_user, h_eve=h_eve))
    assert lines[0].startswith("1 of 6 receivers in `h_user` are blank")
    assert lines[0].endswith("index (1, 0)")
    assert lines[1].startswith("2 of 12 receivers in `h_eve` are blank")
    assert lines[1].endswith("index (1, 2)")
    assert lines[2].startswith("2 of 18 receivers are exact duplicates")
    assert lines[2].endswith("index (2, 2)")
    assert len(lines) == 3


def test_channels_that_come_again_are_counted():
    channels = make_channels(6, 1, 1, M)
    h_user, h_eve = (np.array(h) for h in channels[:2])
    for again, first in ((3, 1), (5, 1)):
        h_user[again], h_eve[again] = h_user[first], h_eve[first]
    h_user[4] = h_user[0]  # but not its eavesdropper
    (line,) = remarks(channels._replace(h_user=h_user, h_eve=h_eve))
    assert line == "2 of 6 channels are exact duplicates of an earlier, the first at index (3)"


def test_noise_that_may_have_been_meant_for_users():
    channels = make_channels(K, K, L, M, noise=np.array([0.1, 0.2]))
    (line,) = remarks(channels)
    assert "one for each channel" in line and "`noise_user`" in line


def test_the_command_warns_and_designs(tmp_path, capsys):
    h = complex_normal(np.random.default_rng(0), (1, 2, M))
    h[:, 1] = 0
    channels = make_channels(1, K, L, M)._replace(h_user=h)
    path = stored(tmp_path / "c.npz", channels)
    assert main(["design", str(path), "--method", "mrt", "--out", str(tmp_path / "s.npz")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"jaxsec: warning: {path}: 1 of 2 receivers in `h_user` are blank")

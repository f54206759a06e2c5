"""Files as other people have them, each in its own layout, as channels."""

import h5py
import numpy as np
import pytest
import scipy.io

from jaxsec import files
from jaxsec.cli.__main__ import main
from tests.file_cases import complex_normal, error_of
from tests.test_cli import names_in, refused

N, K, L, M = 3, 2, 4, 5
RNG = np.random.default_rng(0)
USER, EVE = complex_normal(RNG, (N, K, M)), complex_normal(RNG, (N, L, M))
ALL = np.concatenate([USER, EVE], axis=1)
"""All receivers, users first: [N, R, M]."""
PAIR = np.dtype([("real", "f4"), ("imag", "f4")])
LIST = ["--users", "0:2", "--eavesdroppers", "2:6"]


def pairs(array, names=("real", "imag")):
    """As HDF5 and MATLAB v7.3 have complex numbers."""
    out = np.empty(array.shape, np.dtype([(name, "f4") for name in names]))
    out[names[0]], out[names[1]] = array.real, array.imag
    return out


def matlab73(path, **arrays):
    """What `save -v7.3` writes: a block of text, then HDF5 with axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            stored = pairs(array) if np.iscomplexobj(array) else array
            data = file.create_dataset(name, data=np.asarray(stored).T)
            data.attrs["MATLAB_class"] = np.bytes_("single")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


def hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


def npz(path, **arrays):
    np.savez(path, **arrays)


def npy(path, array):
    np.save(path, array)


def mat(path, **arrays):
    scipy.io.savemat(path, arrays)


def folder(path, **arrays):
    path.mkdir()
    for name, array in arrays.items():
        np.save(path / f"{name}.npy", array)


# One channel of all receivers where a layout has no axis of channels.
LAYOUTS = {
    # H·w: antennas last, conjugated, as P1's own code has it
    "hᵀw in .npz": (
        npz, "c.npz", {"H": ALL.conj()},
        ["--user-key", "H", "--conjugate", *LIST], slice(None),
    ),
    "users in columns, channels last, v5": (
        mat, "c.mat", {"H": USER.transpose(2, 1, 0), "G": EVE.transpose(2, 1, 0)},
        ["--user-key", "H", "--eve-key", "G", "--axes", "M K N"], slice(None),
    ),
    "one channel of M x K, v5": (
        mat, "c.mat", {"H": ALL[0].T}, ["--user-key", "H", "--axes", "M K", *LIST], slice(0, 1),
    ),
    "v7.3, axes reversed, compound": (
        matlab73, "c.mat", {"H": ALL.transpose(2, 1, 0)},
        ["--user-key", "H", "--axes", "M K N", *LIST], slice(None),
    ),
    "v7.3, real and imaginary part apart, no channels axis": (
        matlab73, "c.mat", {"H_re": ALL[0].real.T, "H_im": ALL[0].imag.T},
        ["--user-key", "H_re", "H_im", "--axes", "M K N", *LIST], slice(0, 1),
    ),
    "HDF5 in a group, complex": (
        hdf5, "c.h5", {"train/H": ALL.conj()[:, :, None]},
        ["--user-key", "train/H", "--axes", "N K R M", "--conjugate", *LIST], slice(None),
    ),
    "HDF5, compound of re and im": (
        hdf5, "c.hdf5", {"H": pairs(ALL, ("re", "im"))},
        ["--user-key", "H", *LIST], slice(None),
    ),
    "real and imaginary part in the last axis": (
        npz, "c.npz", {"H": np.stack([ALL.real, ALL.imag], axis=-1)},
        ["--user-key", "H", "--axes", "N K M C", *LIST], slice(None),
    ),
    "real and imaginary part in an axis, integers": (
        npy, "c.npy", np.round(100 * np.stack([ALL.real, ALL.imag], axis=1)).astype(np.int16),
        ["--axes", "N C K M", *LIST], slice(None),
    ),
    "a structured .npy": (npy, "c.npy", pairs(ALL), LIST, slice(None)),
    "DeepMIMO: receivers, receive antennas, antennas, subcarriers": (
        npy, "c.npy", np.stack([0 * ALL[0].conj(), ALL[0].conj()], axis=-1)[:, None],
        ["--axes", "K R M F", "--take", "F=1", "--conjugate", *LIST], slice(0, 1),
    ),
    "subcarriers as channels": (
        npz, "c.npz", {"H": ALL.transpose(1, 2, 0)[:, :, None]},
        ["--user-key", "H", "--axes", "K M T F", "--take", "F=:", *LIST], slice(None),
    ),
    "time and a receive antenna of two, in a folder of .npy": (
        folder, "c", {"H": np.stack([ALL, 0 * ALL], axis=2)[:, :, :, None]},
        ["--user-key", "H", "--axes", "N K R T M", "--take", "R=0", *LIST], slice(None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_becomes_channels(tmp_path, capsys, layout):
    write, name, arrays, options, channels = LAYOUTS[layout]
    source, out = tmp_path / name, tmp_path / "out.npz"
    write(source, **arrays) if isinstance(arrays, dict) else write(source, arrays)
    argv = ["convert", str(source), "--out", str(out), "--noise-power", "0.01", *options]
    assert main(argv) == 0, capsys.readouterr().err
    found = files.load_channels(out)
    scale = 100 if "integers" in layout else 1
    tolerance = 0.5 if "integers" in layout else 0.0
    np.testing.assert_allclose(found.h_user, scale * USER[channels], rtol=0, atol=2 * tolerance)
    np.testing.assert_allclose(found.h_eve, scale * EVE[channels], rtol=0, atol=2 * tolerance)
    assert found.noise_power == 0.01
    text = capsys.readouterr().out
    assert "mean gain" in text and "SNR an antenna" in text and "correlation" in text


@pytest.mark.parametrize("write", [hdf5, matlab73, folder])
def test_design_reads_what_has_its_own_names(tmp_path, write):
    source = tmp_path / {hdf5: "c.h5", matlab73: "c.mat", folder: "c"}[write]
    write(source, h_user=USER, h_eve=EVE, noise_power=np.array(0.01))
    found = files.load_channels(source)
    np.testing.assert_array_equal(found.h_user, USER)
    np.testing.assert_array_equal(found.h_eve, EVE)
    argv = ["design", str(source), "--out", str(tmp_path / "s.npz"), "--method", "mrt"]
    assert main(argv) == 0


def test_eavesdroppers_of_another_file(tmp_path, capsys):
    npy(tmp_path / "users.npy", USER)
    npy(tmp_path / "eves.npy", EVE.swapaxes(1, 2))
    argv = ["convert", tmp_path / "users.npy", "--eve-source", tmp_path / "eves.npy"]
    argv += ["--eve-axes", "N M K", "--out", tmp_path / "o.mat"]
    argv += ["--noise-power-dbm", "-90", "--transmit-power-dbm", "20"]
    assert main([str(x) for x in argv]) == 0
    found = files.load_channels(tmp_path / "o.mat")
    np.testing.assert_array_equal(found.h_eve, EVE)
    assert found.noise_power == pytest.approx(1e-11)


def test_receivers_are_drawn(tmp_path, capsys):
    blank = ALL.copy()
    blank[:, 3] = 0
    npz(tmp_path / "c.npz", H=blank, noise=np.array(0.1))
    common = ["convert", str(tmp_path / "c.npz"), "--user-key", "H", "--noise-key", "noise"]
    common += ["--draws", "50", "--num-users", "2", "--num-eavesdroppers", "3"]
    found = []
    for seed in ("0", "0", "1"):
        out = tmp_path / f"o{len(found)}.npz"
        assert main([*common, "--out", str(out), "--seed", seed, "--skip-blank"]) == 0
        found.append(files.load_channels(out))
    np.testing.assert_array_equal(found[0].h_user, found[1].h_user)
    assert (found[0].h_user != found[2].h_user).any()
    rows = np.concatenate(found[0][:2], axis=1)
    assert rows.shape == (50, 5, M) and rows.any(axis=-1).all()
    known = {
        row.tobytes(): (n, r) for n, channel in enumerate(ALL) for r, row in enumerate(channel)
    }
    for channel in rows:  # of one channel, and five different receivers
        places = [known[row.tobytes()] for row in channel]
        assert len({n for n, _ in places}) == 1 and len({r for _, r in places}) == 5
    assert {known[row.tobytes()][1] for row in rows.reshape(-1, M)} == {0, 1, 2, 4, 5}


def test_what_was_understood_can_be_checked(tmp_path, capsys):
    h = np.full((2, 3, 4), 0.1, np.complex64)
    h[:, 1] = [0.1, -0.1, 0.1, -0.1]
    h[0, 2] = 0
    npz(tmp_path / "c.npz", H=h)
    argv = ["convert", str(tmp_path / "c.npz"), "--user-key", "H", "--out", str(tmp_path / "o.npz")]
    assert main([*argv, "--noise-power", "1e-4", "--users", "0", "--eavesdroppers", "1,2"]) == 0
    text = capsys.readouterr().out
    assert "N = 2, M = 4 antennas, K = 1 users, L = 2 eavesdroppers" in text
    assert "mean gain -20.0 dB, SNR an antenna 20.0 dB" in text
    assert "largest 1.000" in text
    assert "1 of 4 receivers in `h_eve` are blank (all zero), the first at index (0, 1)" in text
    assert "1 of 6 receivers are exact duplicates" in text and "index (1, 2)" in text


BAD = {
    "no name": ([], "`h_user` is missing, the file holds H, cube, real, S"),
    "wrong name": (["--user-key", "h"], "`h` is missing, the file holds"),
    "three names": (["--user-key", "H", "H", "H"], "one name or two, not 3"),
    "rank": (["--user-key", "cube"], "`--axes` names 3 axes, N K M"),
    "extra axis": (["--user-key", "cube", "--axes", "N K M F"], "2 entries along axis F: say whi"),
    "axis twice": (["--user-key", "H", "--axes", "N K K"], "`--axes` must name every axis once"),
    "axis name": (["--user-key", "H", "--axes", "N K 1"], "`--axes` must be names"),
    "no parts": (["--user-key", "real", "--axes", "N K C"], "must have 2 entries, real and imag"),
    "real": (["--user-key", "real"], "call that axis C"),
    "structure": (["--user-key", "S"], "is a structure of x, y"),
    "take": (["--user-key", "H", "--take", "F=0"], "which is no axis of"),
    "take text": (["--user-key", "H", "--take", "N"], "`--take` must be such as F=0"),
    "take outside": (["--user-key", "H", "--take", "N=3"], "must lie in 0 to 2"),
    "index text": (["--user-key", "H", "--users", "a"], "must be numbers and ranges"),
    "index range": (["--user-key", "H", "--users", "4:9"], "must end at 6 or before"),
    "index twice": (["--user-key", "H", "--users", "0,0"], "`--users` has 0 twice"),
    "both": (["--user-key", "H", "--users", "0:3", "--eavesdroppers", "2"], "have 2 in common"),
    "draws and users": (["--user-key", "H", "--users", "0", "--draws", "2"], "exclude each other"),
    "seed": (["--user-key", "H", "--seed", "3"], "`--seed` is heeded with `--draws` only"),
    "too many": (["--user-key", "H", "--draws", "2", "--num-users", "9"], "at most 6 together"),
    "eves alone": (["--user-key", "H", "--eavesdroppers", "0"], "`--users` is missing"),
    "eve axes": (["--user-key", "H", "--eve-axes", "N K M"], "`--eve-axes` must be left out"),
    "half a noise": (["--user-key", "H", "--noise-power-dbm", "1"], "must be given together"),
    "two noises": (["--user-key", "H", "--noise-key", "real"], "exclude each other"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_options_are_named(tmp_path, capsys, case):
    options, wanted = BAD[case]
    structure = np.zeros(3, np.dtype([("x", "f4"), ("y", "f4")]))
    arrays = {"H": ALL, "cube": np.stack([ALL, ALL], axis=-1), "real": ALL.real, "S": structure}
    npz(tmp_path / "c.npz", **arrays)
    argv = ["convert", tmp_path / "c.npz", "--out", tmp_path / "o.npz", "--noise-power", "1"]
    assert wanted in refused(capsys, *argv, *options)
    assert names_in(tmp_path) == ["c.npz"]


def test_noise_must_be_said(tmp_path, capsys):
    npz(tmp_path / "c.npz", H=ALL)
    argv = ["convert", tmp_path / "c.npz", "--out", tmp_path / "o.npz", "--user-key", "H"]
    assert "`--noise-power` is missing" in refused(capsys, *argv)
    for value, wanted in (("0", "must be positive"), ("nan", "must be finite")):
        assert wanted in refused(capsys, *argv, "--noise-power", value)


def test_what_hdf5_holds_beside_arrays_is_refused(tmp_path):
    hdf5(tmp_path / "far.h5", h_user=USER)
    path = tmp_path / "c.h5"
    with h5py.File(path, "w") as file:
        file["h_eve"], file["noise_power"] = EVE, 0.1
        file["struct/x"], file["struct/y"] = 1.0, 2.0
        file["struct"].attrs["MATLAB_class"] = np.bytes_("struct")
        file["cell"] = np.array([file["struct"].ref] * 2, h5py.ref_dtype)
        file["cell"].attrs["MATLAB_class"] = np.bytes_("cell")
        file["char"] = np.array([104, 105], np.uint16)
        file["char"].attrs["MATLAB_class"] = np.bytes_("char")
        file["text"] = "hello"
        file["outside"] = h5py.ExternalLink("far.h5", "h_user")
        virtual = h5py.VirtualLayout(USER.shape, USER.dtype)
        virtual[:] = h5py.VirtualSource(str(tmp_path / "far.h5"), "h_user", USER.shape)
        file.create_virtual_dataset("virtual", virtual)
    for name, wanted in (
        ("struct", "is a MATLAB struct of `struct/x`, `struct/y`"),
        ("cell", "is a MATLAB cell"),
        ("char", "is a MATLAB text"),
        ("text", "must be a full numeric array, but is of type"),
        ("outside", "lies in another file"),
        ("virtual", "lies in another file"),
        ("struct/z", "is missing, the file holds"),
    ):
        from jaxsec.files.reading import read_arrays

        message = error_of(read_arrays, path, (name,))
        assert wanted in message and f"`{name}`" in message


def test_a_damaged_hdf5_file_is_said(tmp_path):
    matlab73(tmp_path / "c.mat", h_user=USER, h_eve=EVE, noise_power=np.array(0.1))
    whole = (tmp_path / "c.mat").read_bytes()
    for length in (530, len(whole) // 2, len(whole) - 100):
        (tmp_path / "d.mat").write_bytes(whole[:length])
        assert "damaged or truncated" in error_of(files.load_channels, tmp_path / "d.mat")


def test_no_eavesdroppers_in_v73(tmp_path):
    matlab73(tmp_path / "c.mat", h_user=USER, noise_power=np.array(0.1))
    with h5py.File(tmp_path / "c.mat", "r+") as file:
        empty = file.create_dataset("h_eve", data=np.zeros(2, np.uint64))
        empty.attrs["MATLAB_class"], empty.attrs["MATLAB_empty"] = np.bytes_("double"), np.uint8(1)
    assert files.load_channels(tmp_path / "c.mat").h_eve.shape == (N, 0, M)


@pytest.mark.parametrize(
    ("write", "name", "noise", "wanted"),
    [
        (mat, "c.mat", np.array([[1.0, 2.0, 3.0]]), np.array([1.0, 2.0, 3.0])),
        (npz, "c.npz", np.array([4.0]), np.array(4.0)),
        (npz, "c.npz", np.full((N, K + L), 5.0), np.full((N, K + L), 5.0)),
    ],
)
def test_noise_of_the_file_itself(tmp_path, write, name, noise, wanted):
    write(tmp_path / name, h_user=USER, h_eve=EVE, noise_power=noise)
    assert main(["convert", str(tmp_path / name), "--out", str(tmp_path / "o.npz")]) == 0
    np.testing.assert_array_equal(files.load_channels(tmp_path / "o.npz").noise_power, wanted)

"""Channel and strategy files: what goes in comes out, and nothing bad comes in."""

import struct

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from jaxsec.channels import Channels
from jaxsec.channels.normalise import normalise
from jaxsec.files import channels as channel_files
from jaxsec.files import matlab
from jaxsec.files import strategy as strategy_files
from jaxsec.strategy import Strategy
from tests.file_cases import ENDINGS, QUICK, complex_normal, error_of, make_channels, same, write


@given(
    ending=ENDINGS,
    n=st.integers(1, 4),
    k=st.integers(1, 3),
    num_eves=st.integers(0, 3),
    m=st.integers(1, 4),
    dtype=st.sampled_from([np.complex64, np.complex128]),
    noise_dtype=st.sampled_from([np.float32, np.float64]),
    noise_vector=st.booleans(),
    seed=st.integers(0, 99),
)
@QUICK
def test_channels_round_trip(
    folder, ending, n, k, num_eves, m, dtype, noise_dtype, noise_vector, seed
):
    noise = np.full((n,) if noise_vector else (), 1e-12, noise_dtype)
    channels = make_channels(n, k, num_eves, m, noise, dtype, seed)
    path = folder / f"channels{ending}"
    channel_files.save_channels(path, channels)
    back = channel_files.load_channels(path)
    assert same(back.h_user, channels.h_user)
    assert back.h_eve.shape == channels.h_eve.shape
    assert num_eves == 0 or same(back.h_eve, channels.h_eve)
    assert back.noise_power.dtype == noise_dtype
    assert back.noise_power.shape in ((), (n,)) and (back.noise_power == noise).all()
    if n > 1:
        assert back.noise_power.shape == noise.shape
    assert [p.name for p in folder.glob(".*")] == []


@given(ending=ENDINGS, n=st.integers(1, 3), j=st.integers(0, 2), k=st.integers(1, 3))
@QUICK
def test_strategy_round_trip(folder, ending, n, j, k):
    rng = np.random.default_rng(0)
    strategy = Strategy(complex_normal(rng, (n, 4, k)), complex_normal(rng, (n, 4, j)))
    rate = rng.random((n, k), np.float32)
    path = folder / f"strategy{ending}"
    strategy_files.save_strategy(path, strategy, rate, rate.sum(-1))
    back = strategy_files.load_strategy(path)
    assert same(back.strategy.w, strategy.w)
    assert back.strategy.v.shape == (n, 4, j) and np.array_equal(back.strategy.v, strategy.v)
    assert same(back.secrecy_rate, rate) and same(back.sum_secrecy_rate, rate.sum(-1))


@given(ending=ENDINGS, shape=st.sampled_from(["()", "(n,)", "(1,)", "(1,1)", "(1,n)", "(n,1)"]))
@QUICK
def test_noise_power_may_have_the_shapes_that_matlab_gives_it(folder, ending, shape):
    shape = {"()": (), "(n,)": (3,), "(1,)": (1,), "(1,1)": (1, 1), "(1,n)": (1, 3)}.get(
        shape, (3, 1)
    )
    path = folder / f"noise{ending}"
    values = np.full(shape, 0.5) if np.prod(shape) == 1 else np.arange(1.0, 4.0).reshape(shape)
    write(path, make_channels()._asdict() | {"noise_power": values})
    noise = channel_files.load_channels(path).noise_power
    assert noise.shape == (() if values.size == 1 else (3,))
    assert np.array_equal(noise.ravel(), values.ravel())


@pytest.mark.parametrize("dtype", [np.float16, np.int32, np.uint8])
def test_other_noise_dtypes_become_float64(tmp_path, dtype):
    arrays = make_channels()._asdict() | {"noise_power": np.array(2, dtype)}
    noise = channel_files.load_channels(write(tmp_path / "c.npz", arrays)).noise_power
    assert noise.dtype == np.float64 and noise == 2.0


def test_foreign_byte_order_is_read(tmp_path):
    channels = make_channels()
    path = write(tmp_path / "c.npz", {k: a.astype(a.dtype.newbyteorder(">")) for k, a in
                                      channels._asdict().items()})  # fmt: skip
    back = channel_files.load_channels(path)
    assert all(array.dtype.isnative for array in back)
    assert np.array_equal(back.h_user, channels.h_user)


def test_no_eavesdroppers_in_the_ways_they_come(tmp_path):
    """An empty array is often real, since there is no imaginary part to lose."""
    arrays = make_channels()._asdict()
    for ending, empty in (
        (".npz", np.zeros((3, 0, 5))),
        (".mat", np.zeros((3, 0, 5))),
        (".mat", np.zeros((0, 0))),
    ):
        path = write(tmp_path / f"c{ending}", arrays | {"h_eve": empty})
        assert channel_files.load_channels(path).h_eve.shape == (3, 0, 5)
    path = write(tmp_path / "c.npz", arrays | {"h_eve": np.zeros((0, 0))})
    assert "`h_eve` must" in error_of(channel_files.load_channels, path)


def test_matlab_drops_the_axis_of_a_single_antenna(tmp_path):
    channels = make_channels(m=1)
    squeezed = {"h_user": channels.h_user[..., 0], "h_eve": channels.h_eve[..., 0]}
    each = squeezed | {"noise_power": np.ones((3, 1))}
    back = channel_files.load_channels(write(tmp_path / "c.mat", each))
    assert np.array_equal(back.h_user, channels.h_user)
    assert np.array_equal(back.h_eve, channels.h_eve)
    # With one noise power for all, this may as well be one channel of shape (K, M).
    message = error_of(
        channel_files.load_channels, write(tmp_path / "d.mat", squeezed | {"noise_power": 1.0})
    )
    assert "(3, 2)" in message and "reshape(h, 1, K, M)" in message


BAD_FIELDS = {
    "rank": ({"h_user": np.ones((3, 2), np.complex64)}, "`h_user` must have shape (N, K, M)"),
    "rank 4": ({"h_eve": np.ones((3, 2, 5, 2), np.complex64)}, "`h_eve` must have shape (N, L, M)"),
    "antennas": ({"h_eve": np.ones((3, 4, 6), np.complex64)}, "antennas M"),
    "channels": ({"h_eve": np.ones((2, 4, 5), np.complex64)}, "channels N"),
    "nan": ({"h_user": np.full((3, 2, 5), np.nan + 0j)}, "`h_user` must be finite, but 30 of 30"),
    "inf": ({"h_eve": np.full((3, 4, 5), 1j * np.inf)}, "`h_eve` must be finite"),
    "real": ({"h_user": np.ones((3, 2, 5))}, "`h_user` must be complex64 or complex128"),
    "integer": ({"h_eve": np.ones((3, 4, 5), int)}, "MATLAB drops one that is all zero"),
    "no channels": (
        {"h_user": np.ones((0, 2, 5), np.complex64), "h_eve": np.ones((0, 4, 5), np.complex64)},
        "at least one channel",
    ),
    "no users": ({"h_user": np.ones((3, 0, 5), np.complex64)}, "at least one user"),
    "no antennas": (
        {"h_user": np.ones((3, 2, 0), np.complex64), "h_eve": np.ones((3, 4, 0), np.complex64)},
        "at least one antenna",
    ),
    "zero noise": ({"noise_power": 0.0}, "`noise_power` must be positive"),
    "negative noise": ({"noise_power": np.array([1.0, -1.0, 1.0])}, "`noise_power` must be pos"),
    "nan noise": ({"noise_power": np.nan}, "`noise_power` must be finite"),
    "inf noise": ({"noise_power": np.inf}, "`noise_power` must be finite"),
    "noise shape": ({"noise_power": np.ones(2)}, "one number or have shape (3,)"),
    "noise rank": ({"noise_power": np.ones((1, 3, 1))}, "one number or have shape (3,)"),
    "empty noise": ({"noise_power": np.ones(0)}, "one number or have shape (3,)"),
    "complex noise": ({"noise_power": 1.0 + 1.0j}, "`noise_power` must be real"),
    "text noise": ({"noise_power": "loud"}, "`noise_power` must be real"),
    "text": ({"h_user": "channel"}, "`h_user` must be complex64 or complex128"),
}  # fmt: skip


@pytest.mark.parametrize("ending", [".npz", ".mat"])
@pytest.mark.parametrize("case", BAD_FIELDS)
def test_bad_field_is_named(tmp_path, case, ending):
    fields, wanted = BAD_FIELDS[case]
    path = write(tmp_path / f"c{ending}", make_channels()._asdict() | fields)
    message = error_of(channel_files.load_channels, path)
    assert message.startswith(f"{path}: ")
    # SciPy writes some empty or flat arrays in a shape that MATLAB can hold.
    assert wanted in message or (ending == ".mat" and "`" in message)


@pytest.mark.parametrize("ending", [".npz", ".mat"])
def test_missing_key_lists_what_is_there(tmp_path, ending):
    arrays = make_channels()._asdict()
    del arrays["noise_power"]
    path = write(tmp_path / f"c{ending}", arrays | {"noise": 1.0})
    message = error_of(channel_files.load_channels, path)
    assert "`noise_power` is missing, the file holds h_user, h_eve, noise" in message


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "c.npz"
    np.savez(path, **make_channels()._asdict() | {"h_eve": np.array([{"a": 1}], object)})
    assert "`h_eve` holds pickled Python objects" in error_of(channel_files.load_channels, path)


def test_matlab_cells_and_structs_are_refused(tmp_path):
    for value in ({"a": 1.0}, np.array([1, "a"], object)):
        path = write(tmp_path / "c.mat", make_channels()._asdict() | {"h_eve": value})
        assert "`h_eve` must be a full numeric array" in error_of(channel_files.load_channels, path)


@pytest.mark.parametrize("compressed", [True, False])
def test_matlab_reader_agrees_with_scipy(tmp_path, compressed):
    """Whatever numeric array SciPy writes and reads, beside things that are no such array."""
    rng = np.random.default_rng(0)
    arrays = {
        "a": complex_normal(rng, (2, 3, 4, 2), np.complex128),
        "b": complex_normal(rng, (1, 1)),
        "empty": np.zeros((3, 0, 5), np.complex64),
        "one": np.array([[7]], np.uint8),
        "a_name_of_some_length_over_four": rng.normal(size=(3, 2)).astype(np.float32),
    } | {code: np.arange(-3, 3).astype(code).reshape(2, 3) for code in "bBhHiIqQ"}
    others = {"cell": np.array([1, "a"], object), "struct": {"x": 1.0}, "text": "hello"}
    path = tmp_path / "all.mat"
    scipy.io.savemat(path, others | arrays, do_compression=compressed)
    expected = scipy.io.loadmat(path)
    read, names = matlab.parse(path.read_bytes(), list(arrays))
    assert set(names) == set(others | arrays)
    for name in arrays:
        assert same(read[name], expected[name]), name


def test_matlab_stores_small_whole_numbers_as_bytes():
    """A double array as MATLAB itself writes it: the class says double, the data are bytes."""
    variable = struct.pack("<IIII", 6, 8, 6, 0) + struct.pack("<IIii", 5, 8, 1, 3)
    variable += struct.pack("<I4s", 1 | 1 << 16, b"x") + struct.pack("<I4s", 2 | 3 << 16, b"\1\2\3")
    data = b" " * 124 + b"\x00\x01IM" + struct.pack("<II", 14, len(variable)) + variable
    read, _ = matlab.parse(data, ["x"])
    assert same(read["x"], np.array([[1.0, 2.0, 3.0]]))


def test_unreadable_paths(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "c.h5").write_bytes(b"x")
    (tmp_path / "c.csv").write_bytes(b"x")
    (tmp_path / "c.npz").write_bytes(b"not a zip")
    (tmp_path / "c.mat").write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    (tmp_path / "hdf5.mat").write_bytes(b"MATLAB".ljust(512) + b"\x89HDF\r\n\x1a\n" + b"x" * 99)
    (tmp_path / "d.mat").write_bytes(b"")
    for name, wanted in (
        ("folder.npz", "is a folder"),
        ("nowhere.npz", "no such file"),
        ("c.csv", "must end in .npz or .mat or .h5 or .hdf5, but ends in '.csv'"),
        ("c.h5", "damaged or truncated"),
        ("c", "ends in 'nothing'"),
        ("c.npz", "no zip archive"),
        ("c.mat", "damaged or truncated"),
        ("hdf5.mat", "damaged or truncated"),
        ("d.mat", "truncated"),
    ):
        message = error_of(channel_files.load_channels, tmp_path / name)
        assert name in message and wanted in message


def test_save_refuses_what_load_would(tmp_path):
    path = tmp_path / "c.npz"
    assert "`noise_power`" in error_of(channel_files.save_channels, path, make_channels(noise=0.0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("w", "v", "rate", "wanted"),
    [
        ((3, 4, 2), (3, 5, 1), (3, 2), "`v`"),
        ((3, 4, 2), (3, 4, 1), (3, 3), "`secrecy_rate`"),
        ((3, 4), (3, 4, 1), (3, 2), "`w`"),
    ],
)
def test_strategy_fields_must_fit(tmp_path, w, v, rate, wanted):
    path = tmp_path / "s.npz"
    strategy = Strategy(np.ones(w, np.complex64), np.ones(v, np.complex64))
    strategy_files.save_strategy(path, strategy, np.ones(rate), np.ones(3))
    assert wanted in error_of(strategy_files.load_strategy, path)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1.0, 1e150])
def test_normalise_brings_any_units_into_float32(scale):
    channels = make_channels(noise=1e-5, dtype=np.complex128)
    scaled = Channels(channels.h_user * scale, channels.h_eve * scale, np.array(1e-5 * scale**2))
    got = normalise(scaled)
    assert got.h_user.dtype == np.complex64 and got.noise_power.dtype == np.float32
    assert np.array_equal(got.noise_power, np.ones(3))
    np.testing.assert_allclose(got.h_user, channels.h_user / np.sqrt(1e-5), rtol=1e-6)
    np.testing.assert_allclose(got.h_eve, channels.h_eve / np.sqrt(1e-5), rtol=1e-6)


def test_normalise_takes_a_noise_power_for_each_channel():
    noise = np.array([1.0, 4.0, 16.0])
    channels = make_channels(noise=noise)
    expected = channels.h_eve / np.sqrt(noise)[:, None, None]
    np.testing.assert_allclose(normalise(channels).h_eve, expected, rtol=1e-6)


@pytest.mark.parametrize(("gain", "noise"), [(1e16, 1.0), (1.0, 1e-31), (1e300, 1e-300)])
def test_normalise_refuses_what_float32_cannot_square(gain, noise):
    channels = make_channels(noise=noise, dtype=np.complex128)
    message = error_of(normalise, channels._replace(h_eve=channels.h_eve * gain))
    assert "|h|²/noise_power" in message and "units" in message

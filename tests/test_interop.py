"""Arrays of other programs: axes by name, receivers by choice, and the programs themselves."""

import importlib.util
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest

import jaxsec
from jaxsec import files
from jaxsec.cli.__main__ import main
from jaxsec.interop import Draws, from_arrays, from_deepmimo, from_sionna
from jaxsec.interop.indices import resolve
from tests.file_cases import complex_normal, error_of

RNG = np.random.default_rng(0)
N, R, M = 3, 6, 4
ALL = complex_normal(RNG, (N, R, M))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("0,3,5:9", [0, 3, 5, 6, 7, 8]),
        ("8, 0", [8, 0]),
        (":", list(range(10))),
        ("1:8:3", [1, 4, 7]),
        (":2", [0, 1]),
        (slice(7, None), [7, 8, 9]),
        (4, [4]),
        ([2, 1], [2, 1]),
        ([], []),
    ],
)
def test_indices(given, wanted):
    assert resolve("x", given, 10).tolist() == wanted


@pytest.mark.parametrize(
    "given", ["-1", "a", "", "1:2:0", "9:11", "3,3", [10], np.array([0.5]), np.array([True])]
)
def test_bad_indices_are_named(given):
    assert "`x`" in error_of(resolve, "x", given, 10)


def test_noise_may_differ_from_receiver_to_receiver():
    noise = np.abs(RNG.normal(size=(N, R)))
    which = {"users": ":2", "eavesdroppers": "2:"}
    found = from_arrays(ALL, noise_power=noise, **which)
    np.testing.assert_array_equal(found.noise_power, noise)
    apart = from_arrays(ALL, noise_user=noise[:, :2], noise_eve=noise[:, 2:], **which)
    np.testing.assert_array_equal(apart.noise_power, noise)
    assert jaxsec.design(found, method="mrt").w.shape == (N, M, 2)


def test_eavesdroppers_of_their_own_array_take_their_own_axes():
    eves = np.stack([0 * ALL, ALL], axis=-1).transpose(3, 0, 2, 1)  # F N M K
    found = from_arrays(
        np.stack([0 * ALL, ALL]), eves, axes="F N K M", eve_axes="F N M K",
        take={"F": 1, "K": "0:2"}, noise_power=1.0,
    )  # fmt: skip
    np.testing.assert_array_equal(found.h_user, ALL[:, :2])
    np.testing.assert_array_equal(found.h_eve, ALL)


def test_several_entries_are_channels_the_later_axis_faster():
    h = complex_normal(RNG, (R, 2, M, 3))  # K T M F
    found = from_arrays(h, axes="K T M F", take={"T": ":", "F": [2, 0]}, noise_power=1.0)
    wanted = [h[:, t, :, f] for t in range(2) for f in (2, 0)]
    np.testing.assert_array_equal(found.h_user, wanted)


def test_arguments_that_exclude_each_other_are_named():
    draws = Draws(2, 1, 1)
    for options, wanted in (
        ({"users": "0", "draws": draws}, "`users` and `draws` exclude each other"),
        ({"h_eve": ALL, "draws": draws}, "`h_eve` and `draws` exclude each other"),
        ({"noise_user": 1.0}, "must be given together"),
        ({"noise_power": None}, "must be given"),
        ({"noise_power": np.ones((N, 2))}, "`noise_power` must be a scalar"),
        ({"h_eve": ALL[:2]}, "must agree in their number of channels"),
        ({"axes": "N K M", "take": {"C": 0}}, "is no axis"),
    ):
        assert wanted in error_of(lambda o=options: from_arrays(ALL, **{"noise_power": 1.0} | o))


def test_what_sionna_receives_is_what_users_hear():
    response = complex_normal(RNG, (R, 1, 1, M, 1, 2))
    w = complex_normal(RNG, (M, 1))
    for given in (response, (response.real, response.imag)):
        found = from_sionna(given, noise_power=1.0, take={"F": 1}, users=[0], eavesdroppers="1:6")
        heard = np.concatenate(found[:2], axis=1)[0].conj() @ w
        np.testing.assert_allclose(heard, response[:, 0, 0, :, 0, 1] @ w, rtol=1e-5)
    batch = from_sionna(np.stack([response] * 3), noise_power=1.0, take={"F": ":"})
    assert batch.h_user.shape == (6, R, M)
    assert "`response` must have shape" in error_of(
        lambda: from_sionna(response[0], noise_power=1.0)
    )
    assert "2 entries along axis F" in error_of(lambda: from_sionna(response, noise_power=1.0))


def test_what_deepmimo_receives_is_what_users_hear():
    channel = complex_normal(RNG, (R, 1, M, 8))
    channel[3] = 0
    draws = Draws(20, 1, 2, skip_blank=True)
    found = from_deepmimo(channel, noise_power=1.0, take={"F": 5}, draws=draws)
    heard = {row.tobytes() for h in found[:2] for row in h.conj().reshape(-1, M)}
    assert heard == {channel[r, 0, :, 5].tobytes() for r in (0, 1, 2, 4, 5)}
    assert "`channel` must have shape" in error_of(
        lambda: from_deepmimo(channel[0], noise_power=1.0)
    )


PLACES = [[2.0, 1.0, 1.5], [3.0, -1.0, 1.5], [4.0, 0.5, 1.5]]
TRACE = """
import sys
import numpy as np, sionna.rt as rt
from jaxsec.interop import from_sionna

name, folder, places = sys.argv[1], sys.argv[2], eval(sys.argv[3])
scene = rt.load_scene(getattr(rt.scene, name), merge_shapes=True)
array = {"vertical_spacing": 0.5, "horizontal_spacing": 0.5, "pattern": "iso", "num_rows": 1}
scene.tx_array, scene.rx_array = (
    rt.PlanarArray(num_cols=m, polarization="V", **array) for m in (4, 1)
)
scene.add(rt.Transmitter("base", [0.0, 0.0, 1.5]))
for i, place in enumerate(places):
    scene.add(rt.Receiver(f"receiver {i}", place))
for depth in (0, 1):
    paths = rt.PathSolver()(scene, max_depth=depth, samples_per_src=10_000)
    options = {"noise_power": 1e-9, "users": [0], "eavesdroppers": [1, 2]}
    found = from_sionna(paths, **options)
    default = paths.cfr(frequencies=[0.0], normalize_delays=False)  # a pair of Dr.Jit's
    again = from_sionna(default, **options)
    assert (again.h_eve == found.h_eve).all() and isinstance(default, tuple)
    response = paths.cfr(frequencies=[0.0], normalize_delays=False, out_type="numpy")
    np.save(f"{folder}/{depth}.npy", response)
    np.save(f"{folder}/h_{depth}.npy", np.concatenate(found[:2], axis=1))
np.save(f"{folder}/wavelength.npy", np.asarray(scene.wavelength))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["simple_street_canyon", "box"])
def test_paths_of_sionna(tmp_path, capsys, name):
    """Line of sight by its formula, λ/(4πd)·exp(−j2πd/λ), and one reflection. Traced by a process
    of its own: an LLVM library that Dr.Jit cannot use ends it."""
    if importlib.util.find_spec("sionna") is None:
        pytest.skip("Sionna RT is not installed")
    traced = subprocess.run(
        [sys.executable, "-c", TRACE, name, str(tmp_path), str(PLACES)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if traced.returncode:
        assert "Assertion" not in traced.stderr
        pytest.skip(f"Sionna RT cannot trace here: {traced.stderr[-200:]}")
    wavelength = np.load(tmp_path / "wavelength.npy").item()
    antennas = np.zeros((M, 3))
    antennas[:, 1] = (np.arange(M) - (M - 1) / 2) * wavelength / 2
    antennas[:, 2] = 1.5
    distance = np.linalg.norm(np.array(PLACES)[:, None] - antennas, axis=-1)
    free = wavelength / (4 * np.pi * distance) * np.exp(-2j * np.pi * distance / wavelength)
    heard = np.load(tmp_path / "h_0.npy")[0].conj()  # hᴴ
    np.testing.assert_allclose(np.abs(heard), np.abs(free), rtol=0.02)
    turn = heard * heard[:, :1].conj() / (free * free[:, :1].conj())
    np.testing.assert_allclose(np.angle(turn), 0.0, atol=0.15)  # Sionna's waves are plane

    argv = ["convert", str(tmp_path / "1.npy"), "--axes", "K R B M T F", "--conjugate"]
    argv += ["--users", "0", "--eavesdroppers", "1:3", "--noise-power", "1e-9"]
    assert main([*argv, "--out", str(tmp_path / "c.npz")]) == 0
    read = files.load_channels(tmp_path / "c.npz")
    np.testing.assert_array_equal(np.concatenate(read[:2], axis=1), np.load(tmp_path / "h_1.npy"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_dataset_of_deepmimo():
    """Made-up paths, through DeepMIMO's own generator; one path turns by its angle of departure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        deepmimo = pytest.importorskip("deepmimo", exc_type=ImportError)
    angle = np.array([[-30.0], [0.0], [50.0]])  # azimuth of departure
    flat = np.zeros_like(angle)
    dataset = deepmimo.Dataset({
        "power": flat - 70.0, "phase": flat, "delay": flat + 1e-7, "inter": flat,
        "aod_az": angle, "aod_el": flat + 90.0, "aoa_az": flat, "aoa_el": flat + 90.0,
        "num_paths": np.ones(3, int), "rx_pos": np.zeros((3, 3)), "tx_pos": np.zeros(3),
        "rx_vel": np.zeros((3, 3)), "tx_vel": np.zeros(3), "rt_params": {"frequency": 3.5e9},
        "scene": types.SimpleNamespace(objects=[]),
    })  # fmt: skip
    parameters = deepmimo.ChannelParameters()
    parameters.bs_antenna.shape, parameters.ue_antenna.shape = [M, 1], [1, 1]
    dataset.compute_channels(parameters)
    found = from_deepmimo(dataset.channel, noise_power=1e-9, users=[0], eavesdroppers=[1, 2])
    heard = np.concatenate(found[:2], axis=1)[0].conj()  # hᴴ
    np.testing.assert_allclose(heard, np.asarray(dataset.channel)[:, 0, :, 0])
    turn = np.exp(1j * np.pi * np.arange(M) * np.sin(np.deg2rad(angle)))
    np.testing.assert_allclose(heard / heard[:, :1], turn, atol=1e-4)

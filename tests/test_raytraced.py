"""The ray-traced benchmark: its saved channels are what they are said to be, and it runs."""

import importlib
import json

import jax
import numpy as np
import pytest

from benchmarks import generative
from benchmarks.raytraced import figure, judge, make, sites
from benchmarks.raytraced.sites import SITES
from benchmarks.raytraced.trace import Tracer
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained
from jaxsec.checks import InputError
from jaxsec.report import comparison
from jaxsec.strategy import Strategy
from tests import models

NUM, USERS, EVES, ANTENNAS = 64, 2, 4, 8


@pytest.fixture(autouse=True)
def numpy_promotion():
    """Results are handled by NumPy, which promotes ranks."""
    with jax.numpy_rank_promotion("allow"):
        yield


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_saved_channels_are_whole(site):
    channels = sites.load(site)
    assert channels.h_user.shape == (NUM, USERS, ANTENNAS)
    assert channels.h_eve.shape == (NUM, EVES, ANTENNAS)
    assert channels.noise_power == pytest.approx(1e-12)
    for h in channels[:2]:
        assert h.dtype == np.complex64
        assert np.all(np.any(h != 0, axis=-1))
        assert np.max(np.abs(h)) < 1e-2  # path loss is in them
    assert np.all(judge.snr_db(channels.h_user, channels.noise_power) > 0)
    assert len(np.unique(channels.h_user[..., 0])) == NUM * USERS


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_receivers_stand_where_they_should(site):
    scene = sites.load_scene(site)
    offset = (scene.users - scene.base)[..., :2]
    distance = np.hypot(*np.moveaxis(offset, -1, 0))
    assert np.all((distance >= 29.9) & (distance <= 200.1))
    centres = np.take_along_axis(scene.users, scene.near_user[..., None].astype(int), 1)
    apart = np.linalg.norm((scene.eavesdroppers - centres)[..., :2], axis=-1)
    assert np.all(apart <= 5.001)
    assert set(np.unique(scene.near_user)) == {0, 1}
    assert scene.h_street.shape == (scene.street.sum(), ANTENNAS)
    assert np.all(np.isfinite(scene.h_street))
    assert np.mean(np.any(scene.h_street != 0, axis=-1)) > 0.5
    assert scene.street.shape == (scene.y.size, scene.x.size)
    assert scene.roof.shape == (scene.roof_y.size, scene.roof_x.size)
    assert np.nanmin(scene.roof) > -50


def test_files_are_small():
    files = [path for site in SITES.values() for path in (site.channels_file, site.scene_file)]
    assert sum(path.stat().st_size for path in files) < 1.5e6


def test_correlation_is_one_of_parallel_channels():
    rng = np.random.default_rng(0)
    h = rng.standard_normal((3, 5, 2)) @ np.array([1, 1j])
    np.testing.assert_allclose(judge.correlation(h, (2 - 1j) * h), 1.0)
    assert np.all(judge.correlation(h, rng.standard_normal((3, 5)) + 0j) < 1.0)


def test_receivers_are_drawn_until_each_has_a_path():
    class Street:
        def heights(self, xy):
            return np.full(len(xy), 7.0), xy[:, 0] < 0.8  # houses to the east

        def channels(self, points):
            assert np.all(points[:, 0] < 0.8)
            return np.where(points[:, 1:2] < 0.5, 1.0, 0.0) * np.ones(ANTENNAS, np.complex64)

    rng = np.random.default_rng(0)
    points, h = make.place(Street(), 20, lambda rows: rng.uniform(size=(rows.size, 2)), 0.0)
    assert np.all(points[:, 2] == 8.5) and np.all(points[:, 1] < 0.5) and np.all(h == 1)
    with pytest.raises(InputError, match="3 of 3 receivers"):
        make.place(Street(), 3, lambda rows: np.ones((rows.size, 2)), 0.0)


def test_without_the_ray_tracer_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InputError, match=r"sionna-rt is missing.*jaxsec\[bench\]"):
        Tracer(SITES["florence"])


def test_received_power_is_that_of_the_channel():
    h = np.array([[1.0, 1.0j], [0.0, 0.0]])
    strategy = Strategy(np.array([[1.0], [0.0]]), np.array([[0.0], [0.5]]))
    maps = figure.received(h, strategy, 0.01)
    assert maps["beams"][0] == pytest.approx(20.0)
    assert maps["noise"][0] == pytest.approx(10.0 * np.log10(25.0))
    assert maps["rate"][0] == pytest.approx(np.log2(1 + 100 / 26))
    assert all(np.isnan(values[1]) for values in maps.values())


@pytest.mark.long
def test_judge_and_figure_run(monkeypatch, tmp_path, capsys, no_type_checks):
    def best_known(normalised, seed, *, num_noise_beams, advance):
        del seed, num_noise_beams
        advance(len(normalised.h_user))
        return np.full(len(normalised.h_user), 10.0)

    monkeypatch.setattr(comparison, "best_known", best_known)
    model, report = tmp_path / "tiny.npz", tmp_path / "report.json"
    cdm_file.save(model, models.tiny(), {})
    arguments = judge.Arguments(channels=3, models=(str(model),), json=report)
    assert judge.main(arguments, ["--channels", "3"]) == 0
    written = json.loads(report.read_text())
    names = [*judge.CLASSICAL, "tiny", "tiny, best of 8", "tiny, best of 8 + 3 steps"]
    assert [row["method"] for row in written["rows"]] == names * 2
    for row in written["rows"]:
        assert 0 <= row["worst"] <= row["of_best_known"] <= 1
        assert 0 <= row["below_95"] <= 3 and row["us_per_channel"] > 0
    assert written["num_samples"] == 3
    assert "of best known" in capsys.readouterr().out

    picture = tmp_path / "street.png"
    assert figure.main(figure.Arguments(picture, method="rzf-ns")) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="below 64"):
        figure.main(figure.Arguments(picture, channel=NUM))


def test_a_model_that_does_not_sample_has_no_best_of_several():
    made = list(judge.contenders(("cdm-f", "setnet-robust")))
    assert "cdm-f, best of 8" in made and "setnet-robust + 3 steps" in made
    assert not any(name.startswith("setnet-robust, best") for name in made)
    one = generative.contenders(pretrained.load("setnet-robust"))
    many = generative.contenders(pretrained.load("cdm-f"))
    assert one == many[: len(one)] and one[-1] == "1 sample" and many[-1] == "best of 8 + 2"

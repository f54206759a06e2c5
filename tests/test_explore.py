"""The explorer: its plane obeys propagation, its tables are the library's rates, its page runs."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import files
from jaxsec.channels.geometry import large_scale_gain
from jaxsec.channels.scenario import Scenario
from jaxsec.cli.__main__ import main
from jaxsec.explore import figure, plane
from jaxsec.explore import view as views
from jaxsec.report import judge
from tests import cases

USERS, EVES = np.array([[60.0, 10.0], [50.0, -20.0]]), np.array([[40.0, 30.0]])


@pytest.fixture(scope="module")
def view():
    return views.look(USERS, EVES, views.Choice(method="rzf-ns"))


@pytest.mark.slow
def test_with_a_line_of_sight_alone_the_mean_power_is_the_power():
    scenario = Scenario(rician_factor=1e8)
    places = jnp.array([[30.0, 4.0], [80.0, -50.0]])
    u = jnp.asarray(cases.gaussian(np.random.default_rng(0), (8, 3)), jnp.complex64)
    heard = jnp.abs(plane.channels_at(places, scenario).conj() @ u) ** 2
    mean = plane.mean_powers(u, places, scenario)
    np.testing.assert_allclose(mean, heard.sum(axis=1), rtol=1e-3)


@pytest.mark.slow
def test_within_wavelengths_of_a_place_the_mean_power_is_the_mean_of_the_power():
    scenario = Scenario(rician_factor=1.0)
    steps = jax.random.uniform(jax.random.key(0), (4000, 2), minval=-1.0, maxval=1.0)
    places = jnp.array([[70.0, 20.0]]) + steps
    u = jnp.asarray(cases.gaussian(np.random.default_rng(1), (8, 2)), jnp.complex64)
    h = plane.channels_at(places, scenario)
    heard = jnp.sum(jnp.abs(h.conj() @ u) ** 2, axis=1)
    mean = plane.mean_powers(u, places, scenario)
    np.testing.assert_allclose(heard.mean(), mean.mean(), rtol=0.05)
    gain = large_scale_gain(places, scenario)
    np.testing.assert_allclose(jnp.mean(jnp.abs(h) ** 2), jnp.mean(gain**2), rtol=0.05)


def test_tables_are_the_rates_of_the_true_channels(view):
    batch = jax.tree.map(lambda x: np.asarray(x)[None], (view.strategy, view.channels))
    rates = judge.secrecy_rates(*batch)
    shown = [row["secrecy rate"] for row in views.users_table(view)]
    np.testing.assert_allclose(shown, rates[0], atol=0.011)
    leak = max(views.eves_table(view)[0][f"of user {k}"] for k in (0, 1))
    rate = views.users_table(view)
    assert max(row["rate"] - row["secrecy rate"] for row in rate) == pytest.approx(leak, abs=0.02)


def test_what_is_exported_is_what_is_seen(view, tmp_path, capsys):
    channels, strategy = views.export(view, tmp_path)
    loaded = files.load_channels(channels)
    np.testing.assert_array_equal(loaded.h_user[0], view.channels.h_user)
    np.testing.assert_allclose(files.load_beams(strategy).w[0], view.strategy.w, rtol=1e-6)
    assert main(["evaluate", str(strategy), str(channels)]) == 0
    total = sum(row["secrecy rate"] for row in views.users_table(view))
    assert f"{total:.3f}"[:5] in capsys.readouterr().out


def test_the_map_is_dark_for_the_noise_where_users_stand(view):
    drawn = figure.maps(view)
    side = plane.RANGE_M / figure.PIXELS
    at = [(int((y + plane.RANGE_M / 2) / side), int(x / side)) for x, y in (*USERS, *EVES)]
    noise, beams = ([drawn[name][place] for place in at] for name in ("artificial noise", "beams"))
    assert max(noise[:2]) < noise[2] - 3.0
    assert min(beams[:2]) > beams[2] + 3.0


def test_what_a_method_cannot_do_is_refused():
    with pytest.raises(jaxsec.InputError, match="known exactly"):
        views.look(USERS, EVES, views.Choice(method="opt", error_eve=0.5))


@pytest.mark.slow
def test_the_page_runs_without_a_browser():
    from jaxsec.explore.app import app

    _, defined = app.run()
    assert defined["problem"] is None
    assert sorted(defined["exported"]) == ["channels.npz", "strategy.npz"]
    assert len(defined["view"].users_m) == 2


def test_a_port_that_is_none(capsys):
    assert main(["explore", "--port", "0"]) == 2
    assert "`--port` must lie in 1 to 65535, but is 0" in capsys.readouterr().err


@pytest.mark.long
def test_a_slider_moves_the_map_in_a_browser(tmp_path):
    api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jaxsec", "explore", "--no-browser", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert f"http://127.0.0.1:{port}" in server.stdout.readline()
            _wait_for(f"http://127.0.0.1:{port}/health")
            with api.sync_playwright() as playwright:
                options = {"executable_path": chromium, "args": ["--no-sandbox"]}
                browser = playwright.chromium.launch(**options)
                found = _moved(browser.new_page(), f"http://127.0.0.1:{port}", tmp_path)
                browser.close()
        finally:
            server.terminate()
    place = 40.0 * np.array([[np.cos(np.deg2rad(-20.0)), np.sin(np.deg2rad(-20.0))]])
    wanted = plane.channels_at(jnp.asarray(place, jnp.float32), views.Choice().scenario())
    np.testing.assert_allclose(np.abs(found), np.abs(wanted[0]), rtol=0.02)


def _moved(page, address, folder):
    """The first user's channel in the exported file, once its range has become 40 m."""
    page.set_default_timeout(180_000)
    page.goto(address)
    page.wait_for_selector("img")
    map_before, before = page.locator("img").first.get_attribute("src"), _exported(page, folder)
    number = page.locator("input[aria-label*='user 0: m']")
    number.fill("40")
    number.press("Enter")
    changed = "src => document.querySelector('img') && document.querySelector('img').src != src"
    page.wait_for_function(changed, arg=map_before)
    for _ in range(60):  # what is exported follows the map
        found = _exported(page, folder)
        if not np.array_equal(found, before):
            return found
        page.wait_for_timeout(500)
    raise AssertionError("what is exported does not follow the map")


def _exported(page, folder):
    with page.expect_download() as download:
        page.get_by_text("channels.npz").click()
    download.value.save_as(folder / "channels.npz")
    return files.load_channels(folder / "channels.npz").h_user[0, 0]


def _wait_for(address):
    for _ in range(600):
        try:
            return urllib.request.urlopen(address, timeout=1).status
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {address}")

"""`jaxsec doctor` finds a sound installation sound, and says what is wrong with another."""

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxsec
from jaxsec.channels import Channels
from jaxsec.cli.__main__ import main
from jaxsec.report import health, judge
from jaxsec.strategy import Strategy

PRETRAINED = Path(jaxsec.__file__).parent / "cdm" / "pretrained"


def test_the_command_fails_where_a_check_does(monkeypatch, capsys):
    sound = health.Finding("weights", True, "seven files")
    monkeypatch.setattr(health, "examine", lambda: [sound])
    assert main(["doctor"]) == 0
    monkeypatch.setattr(
        health, "examine", lambda: [sound, health.Finding("maps", False, "few [train]")]
    )
    assert main(["doctor"]) == 1
    assert "WRONG  few [train]" in capsys.readouterr().out


def test_machine_and_packages():
    for finding in (health.versions(), health.optional(), health.devices()):
        assert finding.ok, finding
    assert f"jaxsec {jaxsec.__version__}" in health.versions().text
    assert "flax" in health.optional().text
    assert "missing" not in health.optional().text  # the suite needs all of them


def test_a_backend_that_does_not_start(monkeypatch):
    def fail():
        raise RuntimeError("Unable to initialize\nbackend 'tpu'")

    monkeypatch.setattr(jax, "devices", fail)
    assert health.devices() == ("devices", False, "Unable to initialize backend 'tpu'")


def test_too_few_memory_maps(tmp_path):
    limit = tmp_path / "max_map_count"
    assert health.memory_maps(limit).ok  # no Linux
    limit.write_text("65530\n")
    assert health.memory_maps(limit).ok
    limit.write_text("1000\n")
    finding = health.memory_maps(limit)
    assert not finding.ok and "1,000 allowed" in finding.text and "65530" in finding.text


def test_weights_that_are_not_those_of_their_card(tmp_path):
    folder = tmp_path / "cdm" / "pretrained"
    folder.mkdir(parents=True)
    for ending in (".npz", ".json"):
        shutil.copy(PRETRAINED / f"cdm-mlp{ending}", folder)
    assert health.trained(tmp_path).ok
    with (folder / "cdm-mlp.npz").open("r+b") as file:
        file.seek(1000)
        file.write(b"\0\1\2\3")
    finding = health.trained(tmp_path)
    assert not finding.ok and "cdm-mlp.npz" in finding.text and "damaged" in finding.text
    assert not health.trained(tmp_path / "nowhere").ok


@pytest.mark.slow
def test_a_design_below_its_known_rate(monkeypatch):
    assert health.known_rate().ok
    monkeypatch.setattr(health, "design", lambda channels: jaxsec.design(channels, method="mrt"))
    assert not health.known_rate().ok


def test_capacity_of_an_eavesdropper_that_hears_nothing_of_the_user():
    """Orthogonal channels: log₂(1 + ‖h‖²/n), by the beam along h."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 5, 4)) + 1j * rng.normal(size=(2, 5, 4))
    g = y - x * (np.sum(x.conj() * y, -1) / np.sum(np.abs(x) ** 2, -1))[:, None]
    noise = rng.uniform(0.1, 10.0, size=5)
    channels = Channels(x[:, None], g[:, None], noise)
    expected = np.log2(1 + np.sum(np.abs(x) ** 2, -1) / noise)
    np.testing.assert_allclose(health.single_user_capacity(channels), expected, rtol=1e-12)
    matched = Strategy((x / np.linalg.norm(x, axis=-1)[:, None])[..., None], np.zeros((5, 4, 0)))
    np.testing.assert_allclose(judge.secrecy_rates(matched, channels)[:, 0], expected, rtol=1e-12)

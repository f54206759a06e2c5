"""Model files: what is written is read, and nothing damaged or foreign is."""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained
from jaxsec.methods import Diffusion
from tests import cases, models


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.npz"
    cdm_file.save(path, models.tiny(), {"command": "jaxsec train"})
    return path


def card_of(path):
    return json.loads(path.with_suffix(".json").read_text())


def rewrite_card(path, **changes):
    path.with_suffix(".json").write_text(json.dumps({**card_of(path), **changes}))


def test_a_model_is_read_as_it_was_written(path):
    written, read = models.tiny(), cdm_file.load(path)
    for name in ("denoiser", "coordinates", "prediction", "sizes", "num_noise_beams", "network"):
        assert getattr(read, name) == getattr(written, name)
    np.testing.assert_array_equal(read.standardiser.spread, written.standardiser.spread)
    assert jax.tree.structure(read.params) == jax.tree.structure(written.params)
    jax.tree.map(np.testing.assert_array_equal, read.params, written.params)
    assert card_of(path)["command"] == "jaxsec train"


def test_a_method_reads_its_file_once_and_again_where_it_has_changed(path):
    method = Diffusion(str(path))
    first = method.weights()
    assert method.weights() is first
    doubled = jax.tree.map(lambda x: 2 * x, models.tiny().params)
    written = path.stat().st_mtime_ns
    cdm_file.save(path, models.tiny(doubled), {})
    os.utime(path, ns=(written + 1, written + 1))
    jax.tree.map(np.testing.assert_array_equal, method.weights().params, doubled)
    path.unlink()
    with pytest.raises(jaxsec.InputError, match="no such file"):
        method.weights()


def test_a_model_that_is_not_told_errors_refuses_them(path):
    """A file may hold either kind: which it is, is known when it is read."""
    with pytest.raises(jaxsec.InputError, match="`model` must be told CSI errors"):
        jaxsec.design(*cases.channels(n=2), method=str(path), csi_error=0.1)


def test_half_precision_halves_the_file_and_rounds(path, tmp_path):
    half = tmp_path / "half.npz"
    model = models.tiny()
    cdm_file.save(half, model, {}, half=True)
    assert half.stat().st_size < path.stat().st_size
    read = cdm_file.load(half)
    np.testing.assert_array_equal(read.standardiser.spread, model.standardiser.spread)

    def check(found, exact):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.asarray(exact, np.float16))

    jax.tree.map(check, read.params, model.params)


def test_every_flipped_byte_is_noticed(path):
    data = path.read_bytes()
    for at in np.random.default_rng(0).integers(len(data), size=40):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(jaxsec.InputError, match="the weights are damaged, or not those that"):
            cdm_file.load(path)


def test_damaged_and_missing_files_are_named(path):
    data = path.read_bytes()
    path.write_bytes(data[:100])
    with pytest.raises(jaxsec.InputError, match=r"model\.npz: the weights are damaged"):
        cdm_file.load(path)
    path.write_bytes(data)
    card = path.with_suffix(".json")
    text = card.read_text()
    for bad, message in (
        (text[:-40], "is damaged: it is not JSON"),
        ("[]", "it must hold a JSON object"),
    ):
        card.write_text(bad)
        with pytest.raises(jaxsec.InputError, match=message):
            cdm_file.load(path)
    card.unlink()
    with pytest.raises(jaxsec.InputError, match="the card must lie beside the weights"):
        cdm_file.load(path)
    card.write_text(text)
    path.unlink()
    with pytest.raises(jaxsec.InputError, match=r"model\.npz: there is no such file"):
        cdm_file.load(path)


def test_another_configuration_than_the_card_is_refused(path):
    config = card_of(path)["config"]
    rewrite_card(path, config={**config, "prediction": "noise"})
    with pytest.raises(jaxsec.InputError, match="the configuration must be that of the card"):
        cdm_file.load(path)


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    params = jax.tree.map(lambda x: x * jnp.nan, models.tiny().params)
    cdm_file.save(path, models.tiny(params=params), {})
    with pytest.raises(jaxsec.InputError, match="must be finite"):
        cdm_file.load(path)


@pytest.mark.slow
def test_shipped_models_are_written_again_as_they_are(tmp_path):
    """Bit by bit, their cards too: the format has not moved."""
    for name in pretrained.names():
        shipped = pretrained.FOLDER / f"{name}.npz"
        card = cdm_file.read_card(shipped)
        del card["sha256"], card["config"]
        again = tmp_path / shipped.name
        with np.load(shipped) as arrays:
            half = any(array.dtype == np.float16 for array in arrays.values())
        cdm_file.save(again, cdm_file.load(shipped), card, half=half)
        for ending in (".npz", ".json"):
            wanted = shipped.with_suffix(ending).read_bytes()
            assert again.with_suffix(ending).read_bytes() == wanted, name


def test_weights_that_do_not_fit_the_network_are_refused(tmp_path):
    """The hash is right, but the file holds something else than its configuration says."""
    path = tmp_path / "model.npz"
    model = models.tiny()
    broken = jax.tree.map(lambda x: x, model.params)
    first = next(iter(broken["params"]))
    del broken["params"][first]
    cdm_file.save(path, models.tiny(params=broken), {})
    with pytest.raises(jaxsec.InputError, match="do not fit the network"):
        cdm_file.load(path)
    wide = jax.tree.map(lambda x: jnp.concatenate([x, x]), model.params)
    cdm_file.save(path, models.tiny(params=wide), {})
    with pytest.raises(jaxsec.InputError, match="do not fit the network"):
        cdm_file.load(path)

"""Expert data: the same bytes from the same recipe, resumed, checked, and refused when damaged."""

import dataclasses
import json

import numpy as np
import pytest

import jaxsec
from jaxsec.cdm.training import dataset
from jaxsec.cli.__main__ import main

pytestmark = pytest.mark.slow

RECIPE = dataset.Recipe(
    sizes=(dataset.Size(4, 2, 1), dataset.Size(4, 1, 2)), num_shards=3, shard_channels=8
)


def nothing(done):
    del done


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    dataset.generate(folder, RECIPE, nothing)
    return folder


def test_shards_hold_channels_and_strategies_that_reach_the_rate(made):
    shards = list(dataset.load(made))
    assert [s.channels.h_user.shape for s in shards] == [(8, 2, 4), (8, 1, 4), (8, 2, 4)]
    assert [s.strategy.v.shape for s in shards] == [(8, 4, 2)] * 3
    for shard in shards:
        rate = jaxsec.sum_secrecy_rate(*shard.strategy, *shard.channels)
        np.testing.assert_allclose(rate, shard.rate, rtol=1e-3)
        link_db = -10 * np.log10(shard.channels.noise_power)
        assert link_db.min() >= 85
        assert link_db.max() <= 135
    assert not np.array_equal(shards[0].channels.h_user, shards[2].channels.h_user)


def test_interrupted_and_resumed_gives_the_same_bytes(made, tmp_path):
    class Stopped(Exception):
        pass

    def stop(done):
        raise Stopped

    with pytest.raises(Stopped):
        dataset.generate(tmp_path, RECIPE, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["shard-00000.npz"]
    with pytest.raises(jaxsec.InputError, match="there is no finished dataset here"):
        list(dataset.load(tmp_path))
    dataset.generate(tmp_path, RECIPE, nothing)
    assert contents(tmp_path) == contents(made)


def test_another_recipe_in_the_same_folder_is_refused(made):
    other = dataclasses.replace(RECIPE, seed=1)
    with pytest.raises(jaxsec.InputError, match=r"shard-00000\.npz: was made from another recipe"):
        dataset.generate(made, other, nothing)


def test_damage_is_found(made, tmp_path):
    for name, data in contents(made).items():
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "shard-00001.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(jaxsec.InputError, match=r"shard-00001\.npz: is not the file"):
        list(dataset.load(tmp_path))
    path.unlink()
    with pytest.raises(jaxsec.InputError, match=r"shard-00001\.npz: .* is missing"):
        list(dataset.load(tmp_path))
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(jaxsec.InputError, match=r"dataset\.json: cannot be read"):
        list(dataset.load(tmp_path))


def test_datasets_of_the_schema_before_are_read(tmp_path):
    """It drew other channels from a seed, but held the same arrays."""
    for schema in (1, dataset.SCHEMA):
        (tmp_path / "dataset.json").write_text(json.dumps({"schema": schema, "shards": []}))
        assert dataset.read_manifest(tmp_path)["schema"] == schema
    (tmp_path / "dataset.json").write_text(json.dumps({"schema": 0, "shards": []}))
    with pytest.raises(jaxsec.InputError, match="is not a dataset of schema 1 or 2"):
        dataset.read_manifest(tmp_path)


def test_mixed_sizes_hold_all_of_the_papers_figures():
    sizes = dataset.mixed_sizes()
    assert {(8, *pair) for pair in dataset.FIGURES} <= set(sizes)
    assert not {size.num_antennas for size in sizes} & {6, 16, 32}  # kept for tests of the model
    assert max(size.num_users for size in sizes) == 8
    assert max(size.num_eavesdroppers for size in sizes) == 8


def test_command_names_a_bad_option(capsys, tmp_path):
    code = main(["dataset", "--out", str(tmp_path / "data"), "--num-channels", "0"])
    assert code == 2
    assert "`--num-channels` must be at least 1" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
    taken = tmp_path / "file"
    taken.write_text("")
    assert main(["dataset", "--out", str(taken), "--num-channels", "1"]) == 2
    assert "cannot be made" in capsys.readouterr().err

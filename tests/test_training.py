"""Pre-training: batches from the step alone, a loss that falls, exact resume."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.training import batches, dataset, pretrain
from jaxsec.cli.__main__ import main
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.learning.checkpoint import Checkpoints
from tests import cases

SIZES = (dataset.Size(4, 2, 1), dataset.Size(4, 1, 2))
TINY = {"num_parameters": 4000, "num_layers": 1, "num_rows": 6, "num_columns": 4}
CONFIG = pretrain.Config(denoiser="mlp", num_steps=60, batch_entries=480, warmup_steps=5)


def nothing(*rest):
    del rest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    recipe = dataset.Recipe(sizes=SIZES, num_shards=4, shard_channels=32)
    dataset.generate(folder, recipe, nothing)
    return folder


def load(folder, multiple=1, which="received"):
    return batches.load(
        folder, coordinates.get(which), entries=480, multiple=multiple, seed=3, advance=nothing
    )


@pytest.fixture(scope="module")
def data(folder):
    return load(folder)[0]


@pytest.mark.slow
def test_batches_follow_from_seed_and_step(data):
    assert [bucket.z.shape for bucket in data.buckets] == [(128, 2, 6, 4)]
    assert data.sizes == (20,)
    first, again, later = data.sample(7), data.sample(7), data.sample(8)
    np.testing.assert_array_equal(first.z, again.z)
    assert not np.array_equal(first.z, later.z)
    other = data._replace(seed=4).sample(7)
    assert not np.array_equal(first.z, other.z)


@pytest.mark.slow
def test_every_sample_is_drawn_in_the_end(data):
    seen = {x.tobytes() for step in range(80) for x in data.sample(step).z}
    assert len(seen) == data.buckets[0].z.shape[0]


@pytest.mark.slow
def test_a_sample_is_the_strategy_it_was_made_from(folder):
    """Standardised, padded, drawn; then read back, it has the rate of the shard."""
    shard = next(iter(dataset.load(folder)))
    received = coordinates.get("received")
    part = batches.encode(received, shard)
    standardiser = batches.fit(received, [part])
    samples = batches.pad(batches.to_samples(received, part, standardiser), (6, 4))
    from jaxsec.cdm import standardise

    spread = standardise.spreads(standardiser, 2, 1, part.kind)
    table = standardise.from_sample(jnp.asarray(samples.z[:, :, :3]), spread)
    strategy = received.decode(jax.tree.map(jnp.asarray, part.frame), table, 2)
    rate = jaxsec.sum_secrecy_rate(*jaxsec.normalise_power(*strategy), *shard.channels)
    close = np.abs(samples.z).max(axis=(1, 2, 3)) < batches.LIMIT
    assert close.mean() > 0.5
    np.testing.assert_allclose(rate[close], shard.rate[close], rtol=2e-3)
    assert samples.condition.mask[:, :, 3:].max() == 0


def test_sizes_without_a_bucket_are_refused():
    with pytest.raises(jaxsec.InputError, match="must be at most 8 and 8, but the data has tables"):
        batches.bucket_of(17, 4)


@pytest.mark.slow
def test_the_loss_falls_and_the_moving_average_follows(data):
    config = dataclasses.replace(CONFIG, learning_rate=1e-2)
    network = denoisers.make("mlp", TINY)
    state = pretrain.initial_state(config, network, data.buckets[0])
    step = pretrain.make_train_step(config, network)
    losses = []
    for i in range(CONFIG.num_steps):
        state, loss = step(state, data.sample(i))
        losses.append(float(loss))
    assert np.mean(losses[-15:]) < 0.8 * np.mean(losses[:5])
    apart = jax.tree.map(lambda a, p: float(jnp.abs(a - p).max()), state.ema, state.params)
    assert 0 < max(jax.tree.leaves(apart)) < 0.1
    assert int(state.step) == CONFIG.num_steps
    assert step._cache_size() == 1  # pyright: ignore


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_steps": 0}, "`num_steps` must be at least 1"),
        ({"ema": 1.0}, "`ema` must lie in"),
        ({"prediction": "score"}, "`prediction` must be one of noise, start, velocity"),
        ({"learning_rate": 0.0}, "`learning_rate` must be positive"),
    ],
)
def test_bad_configurations_are_named(change, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        dataclasses.replace(CONFIG, **change)


@pytest.mark.slow
def test_a_checkpoint_of_another_run_or_damaged_is_refused(tmp_path):
    state = {"a": jnp.arange(4.0)}
    first = Checkpoints(tmp_path, {"seed": 1})
    assert first.restore(state) is None
    for step in (1, 2, 3):
        first.save(step, {"a": jnp.arange(4.0) + step})
    first.close()
    step, restored = Checkpoints(tmp_path, {"seed": 1}).restore(state)
    assert step == 3
    np.testing.assert_array_equal(restored["a"], np.arange(4.0) + 3)
    with pytest.raises(jaxsec.InputError, match="the folder holds a run with other options"):
        Checkpoints(tmp_path, {"seed": 2})
    newest = tmp_path / "checkpoints" / "3"
    for path in [p for p in newest.rglob("*") if p.is_file()]:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(jaxsec.InputError, match="3: the checkpoint is damaged or does not fit"):
        Checkpoints(tmp_path, {"seed": 1}).restore(state)


def arguments(folder, out):
    options = ["--denoiser", "mlp", "--num-steps", "150", "--save-every", "10"]
    return ["train", str(folder), "--out", str(out), "--batch-entries", "96", *options]


def newest(folder):
    """The step of the newest whole checkpoint."""
    names = [path.name for path in (folder / "checkpoints").glob("*")]
    return max([int(name) for name in names if name.isdigit()], default=0)


@pytest.mark.long
def test_killed_at_any_moment_it_ends_with_the_same_parameters(folder, tmp_path, no_type_checks):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main(arguments(folder, whole)) == 0
    generator = np.random.default_rng(0)
    environment = os.environ | cases.OWN_PROGRAMS
    for reached in (20, 80):
        command = [sys.executable, "-m", "jaxsec", *arguments(folder, killed)]
        with subprocess.Popen(command, env=environment) as run:
            until = time.monotonic() + 200
            while newest(killed) < reached:
                assert run.poll() is None, "it ended before it could be killed"
                assert time.monotonic() < until
                time.sleep(0.01)
            time.sleep(generator.uniform(0, 0.05))
            run.send_signal(signal.SIGKILL)
        assert run.returncode == -signal.SIGKILL
        assert not (killed / "model.npz").exists()
    assert main(arguments(folder, killed)) == 0
    ours, theirs = (cdm_file.load(path / "model.npz") for path in (killed, whole))
    jax.tree.map(np.testing.assert_array_equal, ours.params, theirs.params)
    lines = [
        [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
        for path in (killed, whole)
    ]
    assert [x["step"] for x in lines[0]] == [x["step"] for x in lines[1]] == [50, 100, 150]
    assert lines[0][-1]["loss"] == lines[1][-1]["loss"]  # the lines before lost their first steps


@pytest.mark.slow
def test_train_reports_what_is_wrong_before_it_starts(folder, tmp_path, capsys):
    for change, message in (
        (["--save-every", "0"], "`--save-every` must be at least 1"),
        (["--num-steps", "0"], "`num_steps` must be at least 1"),
    ):
        assert main([*arguments(folder, tmp_path / "out"), *change]) == 2
        assert message in capsys.readouterr().err
    assert main(arguments(tmp_path / "nowhere", tmp_path / "out")) == 2
    assert "there is no finished dataset here" in capsys.readouterr().err
    assert not (tmp_path / "out" / "model.npz").exists()

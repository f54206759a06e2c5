"""Many devices and several processes train as one device does."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

import jaxsec
from jaxsec.cdm import file as cdm_file
from jaxsec.cli.__main__ import main
from jaxsec.learning import parallel
from tests import cases

pytestmark = pytest.mark.long


@contextlib.contextmanager
def started(*commands, devices=1):
    """Processes at work, each one a command of Python."""
    environment = os.environ | cases.OWN_PROGRAMS | {"JAX_NUM_CPU_DEVICES": str(devices)}
    pipe = subprocess.PIPE
    with contextlib.ExitStack() as stack:
        runs = []
        for command in commands:
            words = [sys.executable, "-W", "error", *map(str, command)]
            run = subprocess.Popen(words, env=environment, stdout=pipe, stderr=pipe, text=True)
            stack.enter_context(run)
            stack.callback(run.kill)
            runs.append(run)
        yield runs


def finish(*commands, code=0, devices=1):
    """What each of the processes has printed, as (stdout, stderr)."""
    with started(*commands, devices=devices) as runs:
        printed = [run.communicate(timeout=200) for run in runs]
        assert [run.returncode for run in runs] == [code] * len(runs), printed
    return printed


def address():
    """A free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


DATA = """
import sys
from jaxsec.cdm.training import dataset

recipe = dataset.Recipe(sizes=(dataset.Size(4, 2, 1),), num_shards=2, shard_channels=32)
dataset.generate(sys.argv[1], recipe, lambda done: None)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    finish(["-c", DATA, folder])
    return folder


PROGRAM = """
import sys
import jax, numpy as np
from jaxsec.cdm import sampler
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.diffusion.condition import Condition
from jaxsec.strategy import Size
from jaxsec.cdm.training import batches, finetune, pretrain, problems
from jaxsec.learning import parallel
from jaxsec.learning import state as states
from tests import models
from tests import test_training as ours

out, count, *launch = sys.argv[1:]
if launch:
    parallel.join(launch[0], int(launch[1]), int(launch[2]))
assert jax.device_count() == int(count)
mesh = parallel.devices()


def shared(whole):
    batch = parallel.share(mesh, whole)
    part, all_ = jax.tree.leaves(batch)[0], jax.tree.leaves(whole)[0]
    assert len(part.sharding.device_set) == mesh.size
    for shard in part.addressable_shards:
        assert shard.data.shape[0] == len(all_) // mesh.size
        np.testing.assert_array_equal(shard.data, all_[shard.index])
    return batch


generator = np.random.default_rng(0)
normal = lambda *shape: generator.standard_normal((64, *shape)).astype(np.float32)
condition = Condition(
    np.ones((64, 2, 6, 4), np.float32), normal(6, 4, 3), normal(2, 6, 4, 1), normal(6, 2),
    normal(4, 2), normal(2, 2, 6, 6), normal(0, 0),
)
data = batches.Batches((batches.Samples(normal(2, 6, 4), condition),), (16,), 3)
network = denoisers.make("mlp", ours.TINY)
state = pretrain.initial_state(ours.CONFIG, network, data.buckets[0])
state = parallel.replicate(mesh, state)
step = pretrain.make_train_step(ours.CONFIG, network, mesh)
losses = []
for i in range(4):
    state, loss = step(state, shared(data.sample(i)))
    losses.append(float(loss))
leaves = jax.tree.leaves(state.params)

config, model = finetune.Config(num_steps=4, ddim_steps=(1,), warmup_steps=0), models.tiny()
source = problems.Source(
    coordinates.get("received"),
    model.standardiser,
    num_noise_beams=2,
    batch_entries=192,
    clustered=0.0,
    multiple=8,
    seed=3,
    only=Size(4, 2, 1),
)
state = parallel.replicate(mesh, states.initial(model.params, finetune.optimiser(config)))
step = finetune.make_step(config, sampler.sampler_of(model), mesh)
for i in range(2):
    state, loss = step(state, shared(source.sample(i)), finetune.timesteps_of(config, i))
    losses.append(float(loss))
leaves += jax.tree.leaves(state.params)
assert all(leaf.sharding.is_fully_replicated for leaf in leaves)
if parallel.is_first():
    np.savez(out, np.array(losses), *map(np.asarray, leaves))
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Losses and parameters of one device, of training and of fine-tuning."""
    out = tmp_path_factory.mktemp("parallel") / "alone.npz"
    finish(["-c", PROGRAM, out, 1])
    return out


def check_same(one, other):
    with np.load(one) as ours, np.load(other) as theirs:
        assert len(ours.files) == len(theirs.files) > 4
        for name in ours.files:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6)


def test_eight_devices_train_as_one(alone):
    out = alone.with_name("eight.npz")
    finish(["-c", PROGRAM, out, 8], devices=8)
    check_same(out, alone)


def test_two_processes_of_two_devices_train_as_one(alone):
    out, where = alone.with_name("two.npz"), address()
    finish(*(["-c", PROGRAM, out, 4, where, 2, i] for i in range(2)), devices=2)
    check_same(out, alone)


def arguments(folder, out, *more):
    options = ["--denoiser", "mlp", "--coordinates", "antenna"]
    options += ["--batch-entries", "96", "--num-steps", "20", "--save-every", "10"]
    return ["train", folder, "--out", out, *options, *more]


def two(folder, out, **change):
    """The commands of two processes."""
    launch = ["--coordinator", address(), "--num-processes", "2", "--process-id"]
    more = [*launch, "0"], [*launch, "1", *change.get("second", ())]
    return [["-m", "jaxsec", *arguments(folder, out, *options)] for options in more]


def test_two_processes_killed_and_started_again_write_one_model(folder, tmp_path, no_type_checks):
    one, both = tmp_path / "one", tmp_path / "both"
    finish(["-m", "jaxsec", *arguments(folder, one)])
    with started(*two(folder, both)) as runs:
        until = time.monotonic() + 200
        while not (both / "checkpoints" / "10").exists():
            assert all(run.poll() is None for run in runs), "it ended before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.01)
    assert not (both / "model.npz").exists()
    first, second = finish(*two(folder, both))
    assert "written to" in first[0] and "written to" not in second[0]
    ours, theirs = (cdm_file.load(path / "model.npz") for path in (both, one))
    close = lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)  # noqa: E731
    jax.tree.map(close, ours.params, theirs.params)
    names = ["checkpoints", "metrics.jsonl", "model.json", "model.npz", "run.json"]
    assert sorted(path.name for path in both.iterdir()) == names
    lines = [(path / "metrics.jsonl").read_text().splitlines() for path in (both, one)]
    assert [json.loads(line)["step"] for line in lines[0]] == [20]


def test_a_mistake_in_one_process_is_told_by_all(folder, tmp_path):
    out = tmp_path / "out"
    printed = finish(*two(folder, out, second=["--seed", "5"]), code=2)
    for _, errors in printed:
        assert "run.json: the folder holds a run with other options" in errors
    assert not (out / "model.npz").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--coordinator a:1 --num-processes 2 --process-id 2", "`--process-id` must lie in [0, 2)"),
        (
            "--coordinator a:1 --num-processes 0 --process-id 0",
            "`--num-processes` must be at least",
        ),
        ("--coordinator here --num-processes 2 --process-id 0", "must be HOST:PORT, but is 'here'"),
        ("--num-processes 2 --process-id 0", "`--coordinator` is missing"),
        ("--coordinator a:1 --num-processes 2", "`--process-id` is missing"),
        ("--distributed auto --process-id 1", "leave out `--coordinator`"),
    ],
)
def test_a_bad_launch_is_named(folder, tmp_path, capsys, options, message):
    given = arguments(folder, tmp_path / "out", *options.split())
    assert main([str(word) for word in given]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_coordinator_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(parallel, "PATIENCE_S", 0)
    where = address()
    with pytest.raises(jaxsec.InputError, match=f"no process answers at `coordinator` {where}"):
        parallel.join(where, 2, 1)


def test_no_launcher_to_go_by_is_named(folder, tmp_path):
    [(_, error)] = finish(
        ["-m", "jaxsec", *arguments(folder, tmp_path / "out", "--distributed", "auto")], code=2
    )
    assert "must be given, since no SLURM, Kubernetes or Open MPI says what they are" in error

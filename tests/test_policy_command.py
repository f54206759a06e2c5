"""`jaxsec jamming train`: resumed exactly, and its mistakes told in one line."""

import json
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from jaxsec.cli.__main__ import main
from jaxsec.jamming import file as policy_file
from tests import cases


def arguments(out, *more):
    options = {
        "--policy": "moe-gdm",
        "--width": 8,
        "--critic-width": 8,
        "--num-steps": 2,
        "--num-updates": 1000,
        "--num-slots": 8,
        "--batch-size": 16,
        "--replay-size": 64,
        "--critic-warmup": 5,
        "--every": 50,
        "--num-access-points": 2,
        "--num-users": 2,
        "--num-eavesdroppers": 1,
    }
    words = [str(word) for pair in options.items() for word in pair]
    return ["jamming", "train", "--out", str(out), "--seeds", "0", "1", *words, *more]


def newest(folder):
    """The step of the newest whole checkpoint."""
    names = [path.name for path in (folder / "checkpoints").glob("*")]
    return max([int(name) for name in names if name.isdigit()], default=0)


def steps(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["step"] for line in lines], lines


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run's folder. The process compiles as those that are to be killed do."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    start(folder).wait(200)
    return folder


def start(folder):
    """The command as a process of its own, without others' compiled programs."""
    environment = os.environ | cases.OWN_PROGRAMS
    return subprocess.Popen([sys.executable, "-m", "jaxsec", *arguments(folder)], env=environment)


@pytest.mark.long
def test_killed_at_any_moment_it_ends_with_the_same_policy(finished, tmp_path):
    killed = tmp_path / "killed"
    with start(killed) as run:
        until = time.monotonic() + 200
        while newest(killed) < 200:
            assert run.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    assert not (killed / "policy.npz").exists()
    with start(killed) as run:
        assert run.wait(200) == 0
    assert (killed / "policy.npz").read_bytes() == (finished / "policy.npz").read_bytes()
    (done, ours), (wanted, theirs) = steps(killed), steps(finished)
    assert done == wanted == list(range(50, 1001, 50))
    for line, other in zip(ours, theirs, strict=True):
        assert {**line, "seconds": 0} == {**other, "seconds": 0}
    names = ["checkpoints", "metrics.jsonl", "policy.json", "policy.npz", "run.json"]
    assert sorted(path.name for path in killed.iterdir()) == names


@pytest.mark.slow
def test_a_run_leaves_a_policy_and_its_curve(finished, no_type_checks):
    policy = policy_file.load(finished / "policy.npz")
    assert policy.config.policy == "moe-gdm" and policy.scenario.num_access_points == 2
    assert policy.actor["gate"]["bias"].shape == (2, 3)
    card = json.loads((finished / "policy.json").read_text())
    single = sum(x[0].size for x in jax.tree.leaves(policy.actor))
    assert card["num_parameters"] == single and card["seeds"] == [0, 1]
    _, lines = steps(finished)
    rewards = np.array([line["reward"] for line in lines])
    assert rewards.shape == (20, 2)
    assert np.isfinite(rewards).all() and len(np.unique(rewards)) == 40
    assert [line["slots"] for line in lines] == [8 * line["step"] for line in lines]
    assert (np.diff([line["seconds"] for line in lines]) > 0).all()
    assert np.shape(lines[0]["metrics"]) == (2, 2)
    # What the curve shows is the weighted sum of the metrics.
    np.testing.assert_allclose(np.sum(lines[-1]["metrics"], axis=1), rewards[-1], rtol=1e-5)


def told(capsys, code=2):
    """The one line of an error."""
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("jaxsec: error: "), error
    return error


@pytest.mark.slow
def test_another_runs_folder_is_refused(finished, capsys, no_type_checks):
    before = (finished / "policy.npz").read_bytes()
    for change in (["--seeds", "2"], ["--width", "9"], ["--every", "25"], ["--num-users", "3"]):
        assert main(arguments(finished, *change)) == 2
        assert "the folder holds a run with other options" in told(capsys)
    assert (finished / "policy.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("--num-access-points 0", "`num_access_points` must be at least 1, but is 0"),
        ("--num-users 0", "`num_users` must be at least 1"),
        ("--min-power-w 0.1", "`max_power_w` must be above `min_power_w` = 0.1"),
        ("--min-power-w 0.2 --max-power-w 0.1", "`max_power_w` must be above `min_power_w`"),
        ("--min-power-w 0", "`min_power_w` must be positive"),
        ("--metrics wealth", "`metrics` must name one of secrecy_rate, "),
        ("--metrics secrecy_rate=much", "must be NAME or NAME=WEIGHT, but has"),
        ("--metrics secrecy_rate=nan", "`metrics` must have finite weights"),
        (
            "--scenario sparse",
            "must be one of paper, dense, noisy, sensed, hidden, battery, but is",
        ),
        ("--num-experts 3 --num-selected 4", "`num_selected` must lie in [1, 3]"),
        ("--num-experts 0", "`num_experts` must be at least 1"),
        ("--policy sac", "`policy` must be one of moe-gdm, gdm, mlp, ddpg, but is 'sac'"),
        ("--policy ddpg --actor-loss weighted", "`actor_loss` must be pathwise for all policies"),
        ("--replay-size 100", "`replay_size` must be a multiple of `num_slots` = 8, but is 100"),
        ("--actor-learning-rate -1", "`actor_learning_rate` must be positive, but is -1.0"),
        ("--critic-learning-rate 0", "`critic_learning_rate` must be positive"),
        ("--seeds -1", "`--seeds` must lie in [0, 2**31), but has -1"),
        ("--seeds 2147483648", "`--seeds` must lie in [0, 2**31), but has 2147483648"),
        ("--seeds", "`--seeds` must name at least one seed"),
        ("--every 0", "`--every` must be at least 1"),
        ("--correlation 1.5", "`correlation` must lie between 0 and 1"),
    ],
)
def test_a_bad_command_line_is_told_in_one_line(change, message, tmp_path, capsys, no_type_checks):
    assert main(arguments(tmp_path / "out", *change.split())) == 2
    assert message in told(capsys)
    assert not (tmp_path / "out").exists()

"""Jamming at sizes that are named on the command line, and policies that serve several."""

import dataclasses
import functools
import json

import jax
import numpy as np
import pytest

from jaxsec.cli.__main__ import main
from jaxsec.jamming import SCENARIOS, Environment, evaluate, sizes, slots
from jaxsec.jamming import file as policy_file
from jaxsec.jamming import train as jamming_train
from jaxsec.jamming.file import Trained
from jaxsec.jamming.sizes import Size
from jaxsec.learning import weights
from jaxsec.rl import equivariant, learner
from jaxsec.rl.config import Config
from tests.training_cases import drawn

DENSE = SCENARIOS["dense"]
TRAIN = "jamming train --scenario dense --policy mlp --network equivariant --gradient smooth"
TRAIN += " --width 8 --critic-width 8 --num-updates 3 --every 2 --critic-warmup 0"
TRAIN += " --num-slots 4 --batch-size 4 --replay-size 4"


@pytest.fixture(autouse=True)
def one_round(monkeypatch):
    """Of messages: networks that take less time, and serve all sizes as those of several do."""
    monkeypatch.setattr(equivariant, "NUM_ROUNDS", 1)


@functools.cache
def fresh(network, size="3x2"):
    """Networks as if they had been trained at a size."""
    scenario = sizes.resized(DENSE, sizes.parse("--size", size))
    config = Config(policy="mlp", network=network, width=8, critic_width=8, gradient="smooth")
    agent = learner.make_agent(config, Environment(scenario))
    networks = jax.vmap(lambda key: learner.networks(agent, key))
    shapes = jax.eval_shape(networks, jax.random.split(jax.random.key(0), 1))
    return Trained(scenario, config, *drawn(shapes))


@pytest.mark.parametrize("text", ["2x1", "16x8", "8x0", "4x6x2"])
def test_sizes_are_read_as_they_are_written(text):
    size = sizes.parse("--size", text)
    assert str(size) == text
    assert sizes.of(sizes.resized(DENSE, size)) == size
    assert size.num_users == (6 if text == "4x6x2" else size.num_access_points)


@pytest.mark.parametrize("num_aps", [2, 3, 6, 16])
def test_access_points_stand_as_far_apart_at_any_size(num_aps):
    """So that the density of access points, and of their users, is one and the same."""
    scenario = sizes.resized(DENSE, Size(num_aps, num_aps, 1))
    at = slots.access_points(scenario)
    apart = np.linalg.norm(at[:, None] - at[None], axis=2)
    np.testing.assert_allclose(np.sort(apart, axis=1)[:, 1], DENSE.spacing_m)
    assert dataclasses.replace(scenario, **sizes.of(DENSE)._asdict()) == DENSE


@pytest.mark.parametrize("size", ["2x1", "5x0", "4x6x3"])
def test_the_same_parameters_are_a_policy_at_every_size(size):
    trained = fresh("equivariant")
    moved = trained.at(sizes.parse("--size", size))
    assert moved.actor is trained.actor and moved.agent.config == trained.config
    wanted = jax.eval_shape(lambda key: learner.networks(moved.agent, key), jax.random.key(0))
    found = jax.tree.map(lambda x: x[0], (trained.actor, trained.critic))
    for one, other in zip(found, wanted, strict=True):
        weights.check_fit(weights.flatten(one), weights.flatten(other))


def test_a_file_says_what_it_was_trained_on(tmp_path):
    path, turns = tmp_path / "policy.npz", (Size(3, 3, 2), Size(4, 6, 0))
    policy_file.save(path, fresh("equivariant")._replace(sizes=turns), {})
    again = policy_file.load(path)
    assert again.sizes == turns and sizes.of(again.scenario) == turns[0]
    assert json.loads(path.with_suffix(".json").read_text())["config"]["sizes"][1] == [4, 6, 0]
    policy_file.save(path, fresh("equivariant"), {})
    assert policy_file.load(path).sizes == ()
    assert "sizes" not in json.loads(path.with_suffix(".json").read_text())["config"]


class Judged(Exception):
    """Raised in the place of a judgement, with the scenario."""


@pytest.fixture
def unjudged(monkeypatch):
    def bounds(environment, slots, seed):
        raise Judged(environment.scenario)

    monkeypatch.setattr(evaluate.judge, "bounds", bounds)


def saved(folder, *trained):
    """Files of policies."""
    paths = [folder / f"{i}.npz" for i in range(len(trained))]
    for path, one in zip(paths, trained, strict=True):
        policy_file.save(path, one, {})
    return [str(path) for path in paths]


def test_policies_of_several_sizes_are_judged_at_one(tmp_path, unjudged):
    paths = saved(tmp_path, fresh("equivariant"), fresh("equivariant", "2x1"))
    with pytest.raises(Judged) as caught:
        main(["jamming", "evaluate", *paths, "--fresh-slots", "2", "--size", "4x1"])
    assert caught.value.args == (sizes.resized(DENSE, Size(4, 4, 1)),)
    with pytest.raises(Judged):
        main(["jamming", "evaluate", paths[0], "--fresh-slots", "2"])


def told(capsys):
    """The one line of an error."""
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("jaxsec: error: "), error
    return error


def test_a_flat_policy_serves_its_own_size_only(tmp_path, unjudged, capsys, no_type_checks):
    (path,) = saved(tmp_path, fresh("flat"))
    assert main(["jamming", "evaluate", path, "--size", "2x1"]) == 2
    assert (
        f"{path}: the networks must not be flat to act at size 2x1, but are, and serve "
        "3x2 only" in told(capsys)
    )
    with pytest.raises(Judged):
        main(["jamming", "evaluate", path, "--fresh-slots", "2", "--size", "3x2"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--sizes 8", "`--sizes` must be AxE, as 8x4 for 8 access points, a user each, and 4"),
        ("--sizes 2x1 8x-1", "or AxUxE, but has '8x-1'"),
        ("--sizes 2x1 0x1", "`num_access_points` must be at least 1, but is 0"),
        ("--sizes 2x0x1 2x1", "`num_users` must be at least 1, but is 0"),
        ("--sizes 8x4", "`--sizes` must name two sizes or more, each once, but names 8x4"),
        ("--sizes 2x1 2x1", "each once, but names 2x1 2x1"),
        ("--sizes 2x1 4x2 --num-updates 1", "`num_updates` must be at least 2, an update each of"),
        ("--sizes 2x1 --num-users 3", "`--num-users` must not be given beside `--sizes`"),
        (
            "--sizes 2x1 4x2 --network flat",
            "`network` must be equivariant or interference where environments",
        ),
        ("--sizes 2x1 4x2 --gradient critic", "`gradient` must be environment or smooth where"),
    ],
)
def test_bad_sizes_are_told_in_one_line(words, message, tmp_path, capsys, no_type_checks):
    out = tmp_path / "out"
    assert main([*TRAIN.split(), "--out", str(out), *words.split()]) == 2
    assert message in told(capsys)
    assert not out.exists()


def test_a_bad_size_to_be_judged_at_is_told_in_one_line(tmp_path, capsys, no_type_checks):
    (path,) = saved(tmp_path, fresh("equivariant"))
    for size, message in [
        ("4,2", "`--size` must be AxE, as 8x4 for 8 access points, a user each, and 4"),
        ("0x2", f"{path}: `num_access_points` must be at least 1, but is 0"),
    ]:
        assert main(["jamming", "evaluate", path, "--size", size]) == 2
        assert message in told(capsys)


@pytest.mark.long
def test_two_sizes_are_trained_in_turn(tmp_path, monkeypatch, no_type_checks):
    monkeypatch.setattr(jamming_train, "CURVE_SLOTS", 8)
    out = tmp_path / "out"
    assert main([*TRAIN.split(), "--out", str(out), "--sizes", "2x1", "3x0"]) == 0
    trained = policy_file.load(out / "policy.npz")
    assert list(map(str, trained.sizes)) == ["2x1", "3x0"]
    assert trained.scenario == sizes.resized(DENSE, Size(2, 2, 1))
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 3]
    for line in lines:
        np.testing.assert_allclose(np.mean(line["reward_of_sizes"], axis=1), line["reward"])
        assert np.shape(line["reward_of_sizes"]) == (1, 2)

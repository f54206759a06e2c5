"""Training of policies: one step, whole runs, their files, and the command."""

import dataclasses
import functools
import hashlib
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
from jaxsec.cli import common
from jaxsec.cli.__main__ import main
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.training import policy_file
from jaxsec.training.policy import Config, Learner, Scale, Training, Transition
from tests.jamming_toy import ACTS, OBSERVED, Toy, best

pytestmark = pytest.mark.usefixtures("quick_compilation")

TINY = Config(
    width=8,
    critic_width=8,
    num_steps=2,
    num_updates=1000,
    num_slots=8,
    batch_size=16,
    replay_size=64,
    critic_first=0,
)
EVERY_KIND = pytest.mark.parametrize(
    ("policy", "gradient"),
    [
        ("moe-gdm", "critic"),
        ("moe-gdm", "environment"),
        ("gdm", "environment"),
        ("ddpg", "critic"),
    ],
)
REWARD = jax.jit(jax.vmap(Toy().reward))


def training(**changes):
    return Training(dataclasses.replace(TINY, **changes), Toy(), devices=1)


def alone(tree):
    """Mean over the devices of a single one."""
    return tree


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def drawn(shapes):
    """Parameters of these shapes; nothing is compiled."""
    leaves, structure = jax.tree.flatten(shapes)
    scaled = [
        normal(i, *x.shape) * (0.1 if x.ndim == 1 else x.shape[-2] ** -0.5)
        for i, x in enumerate(leaves)
    ]
    return jax.tree.unflatten(structure, scaled)


def learner_of(learns):
    """Networks and optimisers before the first update."""
    actor, critic = drawn(jax.eval_shape(learns.networks, jax.random.key(0)))
    config = learns.config
    optimisers = (
        learns._optimiser(rate).init(params)
        for rate, params in ((config.actor_rate, actor), (config.critic_rate, critic))
    )
    target = jax.tree.map(lambda x: 0.9 * x, critic) if config.discount > 0 else None
    return Learner(actor, actor, critic, target, *optimisers)


def batch_of(count, looking=False):
    """Transitions, and the states that they were in."""
    state, action = normal(0, count, OBSERVED), jnp.tanh(normal(1, count, ACTS))
    reward = REWARD(state, action)
    following = normal(2, count, OBSERVED) if looking else None
    done = jnp.arange(count) % 3 == 0 if looking else None
    return Transition(state, action, reward, following, done), state


class Step:
    """`learn` on one batch, compiled."""

    def __init__(self, **changes):
        self.training = training(**changes)
        config = self.training.config
        self.batch, states = batch_of(16, looking=config.discount > 0)
        self.states = states if config.gradient == "environment" else None
        self.scale = Scale(jnp.asarray(1.0), jnp.asarray(2.0))
        self.learner = learner_of(self.training)
        shape = jax.eval_shape(lambda: self.training.policy.noise(jax.random.key(0), 16)).shape
        self.noise = normal(3, *shape)
        self.act, self.values = jax.jit(self.training.policy.act), jax.jit(self.training.values)
        self.goal = jax.jit(self.training._goal)
        self.learn = jax.jit(
            lambda learner, turn: self.training.learn(
                learner, self.scale, self.batch, self.noise, self.states, turn, alone
            )
        )

    def value(self, actor, critic):
        """Mean value of the actor's actions in the batch."""
        action = self.act(actor, self.noise, self.batch.observation)
        if self.states is not None:
            return float(jnp.mean(REWARD(self.states, action)))
        values = self.values(critic, self.batch.observation, action)
        return float(jnp.mean(jnp.min(values, axis=0)))


def equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


# --------------------------------------------------------------------------------------- one step


def test_critics_learn_first_and_leave_the_actor_alone():
    step = Step(policy="mlp", critic_first=25, critic_rate=1e-2)
    learner, losses = step.learner, []
    for turn in range(25):
        learner, metrics = step.learn(learner, turn)
        losses.append(float(metrics["critic_loss"]))
    assert losses[-1] < 0.5 * losses[0]
    assert np.isfinite(losses).all()
    equal(learner.actor, step.learner.actor)
    learner, _ = step.learn(learner, 25)
    moved = jax.tree.map(
        lambda x, y: float(jnp.abs(x - y).max()), learner.actor, step.learner.actor
    )
    assert min(jax.tree.leaves(moved)) > 0


@pytest.mark.slow
@EVERY_KIND
def test_a_step_of_the_actor_raises_what_it_climbs(policy, gradient):
    """The critics, or the reward; the critics stand still meanwhile."""
    step = Step(policy=policy, gradient=gradient, critic_rate=1e-12, actor_rate=1e-3, balance=0.0)
    learner, values = step.learner, [step.value(step.learner.actor, step.learner.critic)]
    for turn in range(3):
        learner, metrics = step.learn(learner, turn)
        values.append(step.value(learner.actor, learner.critic))
        assert ("critic_loss" in metrics) == (gradient == "critic")
    assert (np.diff(values) > 0).all()
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    jax.tree.map(close, learner.critic, step.learner.critic)


def test_the_average_follows_the_actor():
    step = Step(policy="mlp", gradient="environment", tracking=0.25)
    learner, _ = step.learn(step.learner, 0)
    jax.tree.map(
        lambda x, new, old: np.testing.assert_allclose(x, 0.25 * new + 0.75 * old, rtol=1e-5),
        learner.average,
        learner.actor,
        step.learner.average,
    )


def test_the_critics_goal_is_the_reward_and_what_the_next_slot_is_worth():
    step = Step(policy="mlp", discount=0.7, tracking=0.25)
    learner, batch = step.learner, step.batch
    found = step.goal(learner, step.scale, batch, step.noise)
    reward = (np.asarray(batch.reward) - 1.0) / 2.0
    action = step.act(learner.average, step.noise, batch.following)
    after = np.asarray(step.values(learner.target, batch.following, action)).min(axis=0)
    wanted = reward + 0.7 * (1 - np.asarray(batch.done)) * after
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert np.asarray(batch.done).any() and not np.asarray(batch.done).all()
    np.testing.assert_allclose(found[batch.done], reward[batch.done], rtol=1e-6)

    learned, metrics = step.learn(learner, 0)
    values = np.asarray(step.values(learner.critic, batch.observation, batch.action))
    np.testing.assert_allclose(metrics["critic_loss"], np.mean((values - wanted) ** 2), rtol=1e-5)
    jax.tree.map(
        lambda x, new, old: np.testing.assert_allclose(
            x, 0.25 * new + 0.75 * old, rtol=1e-4, atol=1e-7
        ),
        learned.target,
        learned.critic,
        learner.target,
    )


def test_slots_that_end_at_once_need_no_target():
    step = Step(policy="mlp")
    assert step.learner.target is None
    goal = step.goal(step.learner, step.scale, step.batch, step.noise)
    np.testing.assert_allclose(goal, (np.asarray(step.batch.reward) - 1.0) / 2.0, rtol=1e-6)


# ------------------------------------------------------------------------------------------- runs


@pytest.mark.slow
def test_the_scale_of_rewards_is_that_of_the_first_slots():
    state = training(policy="mlp").start(np.array([3, 4]))
    rewards = np.asarray(state.replay.transitions.reward)[0]  # [S, 64], all of them
    np.testing.assert_allclose(state.scale.mean[0], rewards.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(state.scale.deviation[0], rewards.std(axis=1), rtol=1e-4)
    actions = np.asarray(state.replay.transitions.action)
    assert np.abs(actions).max() <= 1 and actions.std() > 0.5
    observations = np.asarray(state.replay.transitions.observation)
    wanted = REWARD(observations.reshape(128, -1), actions.reshape(128, -1)).reshape(2, 64)
    np.testing.assert_allclose(rewards, wanted, rtol=1e-5)


def curve(learns, seeds):
    """The state after three chunks of updates, and the metrics of each."""
    state, metrics = learns.run(learns.start(np.asarray(seeds)), 0, 3)
    found = [metrics]
    with common.compile_clock() as seconds:
        for turn in (3, 6):
            state, metrics = learns.run(state, turn, 3)
            found.append(metrics)
        assert seconds() == 0.0  # only the first chunk is compiled
    return state, jax.tree.map(np.asarray, found)


def plain(state):
    return jax.tree.map(np.asarray, state._replace(key=jax.random.key_data(state.key)))


@pytest.mark.slow
@pytest.mark.parametrize(("policy", "gradient"), [("moe-gdm", "critic"), ("ddpg", "environment")])
def test_a_seed_has_one_curve(policy, gradient):
    """Bit by bit, if run again; to rounding, beside another seed or alone."""
    learns = training(policy=policy, gradient=gradient)
    state, metrics = curve(learns, [3, 5])
    again, more = curve(learns, [3, 5])
    equal(metrics, more)
    equal(plain(state), plain(again))
    for chunk in metrics:
        for name, values in chunk.items():
            assert values.shape == (2,), name
            assert np.isfinite(values).all(), name
    assert "collected" in metrics[0] and "actor_loss" in metrics[0]

    single, few = curve(learns, [5])
    close = functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-4)
    for chunk, other in zip(few, metrics, strict=True):
        jax.tree.map(lambda x, y: close(x[0], y[1]), chunk, other)
    jax.tree.map(lambda x, y: close(x[0, 0], y[0, 1]), single.learner, state.learner)
    apart = [np.abs(x[0, 0] - x[0, 1]).max() for x in jax.tree.leaves(state.learner.actor)]
    assert max(apart) > 0.1


@pytest.mark.slow
def test_what_is_collected_is_remembered_block_by_block():
    learns = training(policy="mlp", exploration=0.0, critic_first=10**6)
    state = learns.start(np.array([0]))
    before = np.asarray(state.observation)[0, 0]
    first = np.asarray(state.replay.transitions.observation)[0, 0]
    actor = jax.tree.map(lambda x: x[0, 0], state.learner.actor)
    state, metrics = learns.run(state, 1, 1)
    now = jax.tree.map(lambda x: np.asarray(x)[0, 0], state.replay.transitions)
    np.testing.assert_array_equal(now.observation[8:16], before)
    np.testing.assert_array_equal(
        np.delete(now.observation, np.s_[8:16], 0), np.delete(first, np.s_[8:16], 0)
    )
    action = jax.jit(learns.policy.act)(actor, jnp.zeros((8, 0)), before)
    np.testing.assert_allclose(now.action[8:16], action, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(metrics["collected"][0], now.reward[8:16].mean(), rtol=1e-5)
    assert not np.array_equal(np.asarray(state.observation)[0, 0], before)


@pytest.mark.slow
@EVERY_KIND
def test_policies_learn_what_slots_ask_for(policy, gradient):
    """The best reward is 7; random actions miss by 3 and more."""
    rates = {"actor_rate": 5e-3, "critic_rate": 1e-2, "width": 16, "critic_width": 32}
    learns = training(
        policy=policy,
        gradient=gradient,
        **rates,
        num_updates=600,
        num_slots=32,
        batch_size=64,
        replay_size=1024,
        critic_first=50,
        tracking=0.05,
    )
    state, _ = learns.run(learns.start(np.array([0])), 0, 600)
    slots = normal(9, 200, OBSERVED)
    actor = jax.tree.map(lambda x: x[0, 0], state.learner.average)
    noise = learns.policy.noise(jax.random.key(2), 200)
    action = jax.jit(learns.policy.act)(actor, noise, slots)
    missed = np.sum((np.asarray(action) - np.asarray(best(slots))) ** 2, axis=1)
    assert missed.mean() < 0.1


# -------------------------------------------------------------------------------------- bad options


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": "sac"}, "`policy` must be one of"),
        ({"num_selected": 4}, r"`num_selected` must lie in \[1, 3\]"),
        ({"replay_size": 20}, "`replay_size` must be a multiple of `num_slots` = 8, but is 20"),
        ({"gradient": "policy"}, "`gradient` must be critic or environment"),
        ({"actor_rate": -1e-3}, "`actor_rate` must be positive, but is -0.001"),
        ({"critic_rate": 0.0}, "`critic_rate` must be positive"),
        ({"actor_rate": float("nan")}, "`actor_rate` must be positive"),
        ({"discount": 1.5}, "`discount` must lie between 0 and 1"),
        ({"tracking": -0.1}, "`tracking` must lie between 0 and 1"),
        ({"num_updates": 0}, "`num_updates` must be at least 1"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"num_slots": 0}, "`num_slots` must be at least 1"),
        ({"critic_first": -1}, "`critic_first` must be at least 0"),
        ({"exploration": -0.1}, "`exploration` must be finite and not negative"),
        ({"weight_decay": float("inf")}, "`weight_decay` must be finite and not negative"),
        ({"balance": float("nan")}, "`balance` must be finite and not negative"),
        ({"decay": "linear"}, "`decay` must be cosine or none, but is 'linear'"),
    ],
)
def test_a_bad_configuration_is_named(change, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        dataclasses.replace(TINY, **change)


def test_more_devices_than_there_are_are_refused(no_type_checks):
    for devices in (jax.device_count() + 1, -1):
        with pytest.raises(
            jaxsec.InputError, match=f"`devices` must be at most .* but is {devices}"
        ):
            Training(TINY, Toy(), devices=devices)


# ------------------------------------------------------------------------------------------- files

SMALL = JammingScenario(num_access_points=2, num_users=2, num_eavesdroppers=1)
CARD = {"command": "jaxsec jamming train"}


@pytest.fixture(scope="module")
def trained():
    """Fresh networks of two seeds, as if they had been trained."""
    config = dataclasses.replace(TINY, policy="moe-gdm")
    networks = Training(config, Environment(SMALL), devices=1).networks
    shapes = jax.eval_shape(jax.vmap(networks), jax.random.split(jax.random.key(0), 2))
    actor, critic = drawn(shapes)
    return policy_file.Trained(SMALL, config, actor, critic)


@pytest.fixture
def saved(trained, tmp_path):
    policy_file.save(tmp_path / "policy.npz", trained, CARD)
    return tmp_path / "policy.npz"


def test_a_policy_is_read_as_it_was_written(trained, saved):
    again = policy_file.load(saved)
    assert again.scenario == trained.scenario and again.config == trained.config
    equal(again.actor, trained.actor)
    equal(again.critic, trained.critic)
    assert json.loads(saved.with_suffix(".json").read_text())["command"] == CARD["command"]
    written = saved.read_bytes()
    policy_file.save(saved, again, CARD)
    assert saved.read_bytes() == written


def refused(path, message):
    with pytest.raises(jaxsec.InputError, match=message) as caught:
        policy_file.load(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_a_damaged_policy_is_refused(saved, no_type_checks):
    card, weights = saved.with_suffix(".json"), saved.read_bytes()
    text = card.read_text()
    for damaged in (b"", weights[:-100], weights[:500] + b"?" + weights[501:]):
        saved.write_bytes(damaged)
        refused(saved, "the weights are damaged, or not those that policy.json tells of")
    saved.write_bytes(weights)
    for damaged in ("[]", "{}", '"text"', text.replace('"sha256": "', '"sha256": "0')):
        card.write_text(damaged)
        refused(saved, "the weights are damaged, or not those that policy.json tells of")
    for damaged in (b"", text.encode()[:50], b"\xff\xfe"):
        card.write_bytes(damaged)
        refused(saved, "policy.json is not JSON")
    card.unlink()
    refused(saved, "policy.json must lie beside it")
    saved.unlink()
    refused(saved, "there is no such file")
    refused(saved.with_suffix(".mat"), "must end in .npz")


def edit(path, change):
    """Rewrites the weights, and their hash on the card."""
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)
    card = json.loads(path.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(card))


def set_config(where, key, value):
    def change(arrays):
        config = json.loads(str(arrays["config"]))
        (config[where] if where else config)[key] = value
        arrays["config"] = np.asarray(json.dumps(config))

    return change


def set_array(name, value):
    return lambda arrays: arrays.update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_config("", "schema", 2), "the configuration must be of schema 1"),
        (set_config("training", "width", 16), "the weights do not fit the networks"),
        (set_config("training", "num_experts", 2), "the weights do not fit the networks"),
        (set_config("training", "policy", "ddpg"), "the weights do not fit the networks"),
        (set_config("training", "policy", "sac"), "`policy` must be one of"),
        (set_config("scenario", "num_users", 3), "the weights do not fit the networks"),
        (set_config("scenario", "num_users", 0), "`num_users` must be at least 1"),
        (set_config("scenario", "metrics", [["wealth", 1.0]]), "`metrics` must name one of"),
        (set_config("training", "luck", 1), "the configuration is not one of jaxsec's"),
        (set_config("scenario", "metrics", 3), "the configuration is not one of jaxsec's"),
        (set_config("training", "width", "wide"), "the configuration is not one of jaxsec's"),
        (lambda arrays: arrays.pop("config"), "the configuration is not one of jaxsec's"),
        (set_array("config", np.zeros(3)), "the configuration is not one of jaxsec's"),
        (set_array("actor/gate/bias", np.zeros((2, 4), np.float32)), "do not fit the networks"),
        (set_array("actor/more", np.zeros((2, 4), np.float32)), "do not fit the networks"),
        (set_array("actor/gate", np.zeros((2, 4), np.float32)), "do not fit the networks"),
        (set_array("luck", np.zeros((2, 4), np.float32)), "do not fit the networks"),
        (lambda arrays: arrays.pop("actor/gate/bias"), "do not fit the networks"),
        (set_array("actor/gate/bias", np.full((2, 3), np.nan, np.float32)), "must be finite"),
    ],
)
def test_an_edited_policy_is_refused(saved, change, message, no_type_checks):
    edit(saved, change)
    refused(saved, message)


def test_what_is_no_archive_is_refused(saved, no_type_checks):
    saved.write_bytes(b"PK no archive")
    card = {"sha256": hashlib.sha256(saved.read_bytes()).hexdigest()}
    saved.with_suffix(".json").write_text(json.dumps(card))
    refused(saved, "damaged")


def test_a_metric_of_ones_own_is_not_written(trained, tmp_path):
    own = dataclasses.replace(SMALL, metrics=((lambda outcome: outcome.power[0], 1.0),))
    with pytest.raises(jaxsec.InputError, match="`metrics` must be named to be written to a file"):
        policy_file.save(tmp_path / "policy.npz", trained._replace(scenario=own), CARD)
    assert not (tmp_path / "policy.npz").exists()


# -------------------------------------------------------------------------------------- the command


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
        "--critic-first": 5,
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
    environment = {
        **os.environ,
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_ENABLE_COMPILATION_CACHE": "false",
    }
    return subprocess.Popen([sys.executable, "-m", "jaxsec", *arguments(folder)], env=environment)


@pytest.mark.slow
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
        ("--scenario sparse", "`--scenario` must be one of paper, dense, but is 'sparse'"),
        ("--num-experts 3 --num-selected 4", "`num_selected` must lie in [1, 3]"),
        ("--num-experts 0", "`num_experts` must be at least 1"),
        ("--policy sac", "`policy` must be one of moe-gdm, gdm, mlp, ddpg, but is 'sac'"),
        ("--replay-size 100", "`replay_size` must be a multiple of `num_slots` = 8, but is 100"),
        ("--actor-rate -1", "`actor_rate` must be positive, but is -1.0"),
        ("--critic-rate 0", "`critic_rate` must be positive"),
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

"""Whole trainings of policies, and what configurations they refuse."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.report import timing
from jaxsec.rl import parallel
from jaxsec.rl.training import Training
from tests.jamming_toy import OBSERVED, Toy, best
from tests.training_cases import EVERY_KIND, REWARD, TINY, equal, normal, training

PLAIN = training(policy="mlp", exploration=0.0, critic_warmup=10**6)


@pytest.mark.slow
def test_the_scale_of_rewards_is_that_of_the_first_slots():
    state = PLAIN.init(np.array([3, 4]))
    remembered = parallel.first_device(state.replicas.replay.transitions)
    rewards = np.asarray(remembered.reward)  # [S, 64], all of them
    np.testing.assert_allclose(state.scale.mean, rewards.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(state.scale.deviation, rewards.std(axis=1), rtol=1e-4)
    actions = np.asarray(remembered.action)
    assert np.abs(actions).max() <= 1 and actions.std() > 0.5
    observations = np.asarray(remembered.observation)
    wanted = REWARD(observations.reshape(128, -1), actions.reshape(128, -1)).reshape(2, 64)
    np.testing.assert_allclose(rewards, wanted, rtol=1e-5)


def curve(learns, seeds):
    """The state after three chunks of updates, and the metrics of each."""
    state, metrics = learns.run(learns.init(np.asarray(seeds)), 3)
    found = [metrics]
    with timing.compile_clock() as seconds:
        for _ in range(2):
            state, metrics = learns.run(state, 3)
            found.append(metrics)
        assert seconds() == 0.0  # only the first chunk is compiled
    return state, jax.tree.map(np.asarray, found)


def plain(state):
    carried = state.replicas
    return jax.tree.map(np.asarray, carried._replace(key=jax.random.key_data(carried.key)))


@pytest.mark.long
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
    jax.tree.map(lambda x, y: close(x[0], y[1]), single.learner, state.learner)
    apart = [np.abs(x[0] - x[1]).max() for x in jax.tree.leaves(state.learner.actor)]
    assert max(apart) > 0.1


@pytest.mark.slow
def test_what_is_collected_is_remembered_block_by_block():
    state = PLAIN.init(np.array([0, 1]))
    own = lambda tree: jax.tree.map(lambda x: np.asarray(x)[0, 0], tree)  # noqa: E731
    before = own(state.replicas.slots.observation)
    first = own(state.replicas.replay.transitions.observation)
    actor = own(state.replicas.learner.actor)
    state, metrics = PLAIN.run(state._replace(num_updates=1), 1)
    now = own(state.replicas.replay.transitions)
    np.testing.assert_array_equal(now.observation[8:16], before)
    np.testing.assert_array_equal(
        np.delete(now.observation, np.s_[8:16], 0), np.delete(first, np.s_[8:16], 0)
    )
    action = jax.jit(PLAIN.policy.act)(actor, jnp.zeros((8, 0)), before)
    np.testing.assert_allclose(now.action[8:16], action, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(metrics["collected"][0], now.reward[8:16].mean(), rtol=1e-5)
    assert not np.array_equal(own(state.replicas.slots.observation), before)


@pytest.mark.long
@EVERY_KIND
def test_policies_learn_what_slots_ask_for(policy, gradient):
    """The best reward is 7; random actions miss by 3 and more."""
    rates = {
        "actor_learning_rate": 5e-3,
        "critic_learning_rate": 1e-2,
        "width": 16,
        "critic_width": 32,
    }
    learns = training(
        policy=policy,
        gradient=gradient,
        **rates,
        num_updates=600,
        num_slots=32,
        batch_size=64,
        replay_size=1024,
        critic_warmup=50,
        tau=0.05,
    )
    state, _ = learns.run(learns.init(np.array([0])), 600)
    slots = normal(9, 200, OBSERVED)
    actor = jax.tree.map(lambda x: x[0], state.actor)
    noise = learns.policy.noise(jax.random.key(2), 200)
    action = jax.jit(learns.policy.act)(actor, noise, slots)
    missed = np.sum((np.asarray(action) - np.asarray(best(slots))) ** 2, axis=1)
    assert missed.mean() < 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": "sac"}, "`policy` must be one of"),
        ({"num_selected": 4}, r"`num_selected` must lie in \[1, 3\]"),
        ({"replay_size": 20}, "`replay_size` must be a multiple of `num_slots` = 8, but is 20"),
        ({"gradient": "policy"}, "`gradient` must be critic, environment or smooth"),
        (
            {"actor_loss": "flow"},
            "`actor_loss` must be pathwise, weighted, score, imitation, but is",
        ),
        (
            {"policy": "ddpg", "actor_loss": "weighted"},
            "`actor_loss` must be pathwise for all policies but gdm, but is 'weighted' for 'ddpg'",
        ),
        (
            {"policy": "moe-gdm", "actor_loss": "imitation", "gradient": "environment"},
            "for 'moe-gdm'",
        ),
        (
            {"policy": "gdm", "actor_loss": "imitation"},
            "must have `gradient` environment and `window` 1, but has 'critic' and 1",
        ),
        ({"num_proposals": 1}, "`num_proposals` must be at least 2, but is 1"),
        ({"actor_learning_rate": -1e-3}, "`actor_learning_rate` must be positive, but is -0.001"),
        ({"critic_learning_rate": 0.0}, "`critic_learning_rate` must be positive"),
        ({"actor_learning_rate": float("nan")}, "`actor_learning_rate` must be positive"),
        ({"discount": 1.5}, "`discount` must lie between 0 and 1"),
        ({"tau": -0.1}, "`tau` must lie between 0 and 1"),
        ({"num_updates": 0}, "`num_updates` must be at least 1"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"num_slots": 0}, "`num_slots` must be at least 1"),
        ({"critic_warmup": -1}, "`critic_warmup` must be at least 0"),
        ({"exploration": -0.1}, "`exploration` must be finite and not negative"),
        ({"weight_decay": float("inf")}, "`weight_decay` must be finite and not negative"),
        (
            {"load_balance_weight": float("nan")},
            "`load_balance_weight` must be finite and not negative",
        ),
        ({"decay": "linear"}, "`decay` must be cosine or none, but is 'linear'"),
    ],
)
def test_a_bad_configuration_is_named(change, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        dataclasses.replace(TINY, **change)


def test_more_devices_than_there_are_are_refused(no_type_checks):
    for devices in (jax.device_count() + 1, -1):
        with pytest.raises(jaxsec.InputError, match=f"`devices` must lie in .* but is {devices}"):
            Training(TINY, Toy(), devices=devices)

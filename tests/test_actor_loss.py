"""Diffusion policies that learn by denoising given actions: their own, weighted, or a teacher's."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.diffusion import chain
from jaxsec.learning.checkpoint import Checkpoints
from jaxsec.rl import denoising, run, score, weighted
from jaxsec.rl.denoising import Examples
from jaxsec.rl.deterministic import Deterministic
from jaxsec.rl.diffusion import Diffusion
from jaxsec.rl.training import Training
from tests.jamming_toy import ACTS, OBSERVED, Toy
from tests.policy_cases import same
from tests.training_cases import REWARD, TINY, equal, normal, start_quickly, taught

MODE, COUNT = 0.6, 20000
SCHEDULE = chain.variance_preserving(4)


def test_weights_sum_to_one_and_see_differences_only():
    values = np.asarray(normal(0, 5, 7))
    weights = jax.jit(lambda values: weighted.weights(values, same))
    found = np.asarray(weights(values))
    np.testing.assert_allclose(found.sum(axis=0), 1.0, rtol=1e-6)
    assert (found.argmax(axis=0) == values.argmax(axis=0)).all()
    spread = np.sqrt(values.var(axis=0).mean())
    wanted = np.exp((values - values.max(axis=0)) / (weighted.TEMPERATURE * spread))
    np.testing.assert_allclose(found, wanted / wanted.sum(axis=0), rtol=1e-3)
    # What a state is worth, and the unit of values, say nothing of which action is right.
    moved = 30.0 * values + np.asarray(normal(1, 1, 7))
    np.testing.assert_allclose(weights(moved), found, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(weights(jnp.ones((5, 7))), 0.2, rtol=1e-6)


def of_two_actions():
    """Examples ±MODE alike, in as many states, each with two weights."""
    sign = np.where(np.arange(COUNT) % 2, 1.0, -1.0)[None, :, None]
    action = MODE * jnp.asarray(np.concatenate((sign, -sign)), jnp.float32)
    weight = jnp.stack((jnp.full(COUNT, 0.25), jnp.full(COUNT, 0.75)))
    return Examples(action, weight, denoising.level(jax.random.key(0), (2, COUNT, 1)))


def left_over():
    """E Var(x_0 | x_t) of ±MODE at each step, by quadrature: MODE²·E sech²(√ᾱ·MODE·x_t/(1 − ᾱ)),
    where x_t may be taken to have come from MODE."""
    signal = SCHEDULE.alpha_bar[:, None]
    node, weight = np.polynomial.hermite_e.hermegauss(80)
    x = np.sqrt(signal) * MODE + np.sqrt(1 - signal) * node
    found = MODE**2 / np.cosh(np.sqrt(signal) * MODE * x / (1 - signal)) ** 2
    return found @ weight / weight.sum()


@pytest.mark.parametrize("prediction", ["start", "noise"])
def test_a_perfect_denoiser_is_left_with_what_noise_has_hidden(prediction):
    signal = jnp.asarray(SCHEDULE.alpha_bar)

    @jax.jit
    def loss(error):
        def predict(x, t):
            a = signal[t][:, None]
            start = MODE * jnp.tanh(jnp.sqrt(a) * MODE * x / (1 - a)) + error
            return start if prediction == "start" else (x - jnp.sqrt(a) * start) / jnp.sqrt(1 - a)

        examples = of_two_actions()
        return denoising.loss(SCHEDULE, predict, examples, bound="hold", prediction=prediction)

    signal_to_noise = SCHEDULE.alpha_bar / (1 - SCHEDULE.alpha_bar)
    scale = np.ones(4) if prediction == "start" else signal_to_noise
    right, wrong = float(loss(0.0)), float(loss(0.2))
    assert right == pytest.approx(np.mean(scale * left_over()), rel=0.03)
    # Squares of what is wrong add to it.
    assert wrong - right == pytest.approx(0.04 * scale.mean(), rel=0.1)


def test_score_examples_are_noisy_actions_taken_apart_by_the_slope_of_their_value():
    policy = Diffusion(OBSERVED, ACTS, 8, num_steps=4, bound="hold", prediction="noise")
    actor, observation = policy.init(jax.random.key(0)), normal(3, 50, OBSERVED)
    noise = score.noise(policy, jax.random.key(1), 50)
    goal = 0.3 * np.asarray(normal(4, 50, ACTS))

    def value(action):
        return -jnp.sum((action - goal) ** 2, axis=-1)

    @jax.jit
    def made(noise):
        return score.examples(policy, actor, noise, observation, value, same)

    found = made(noise)
    t = np.asarray(denoising.step(noise.level.time[0], SCHEDULE))
    signal = SCHEDULE.alpha_bar[t][:, None]
    action = np.asarray(jax.jit(policy.act)(actor, noise.chain, observation))
    noisy = np.sqrt(signal) * action + np.sqrt(1 - signal) * np.asarray(noise.level.eps[0])
    slope = 2.0 * (goal - np.clip(noisy, -1.0, 1.0))
    wanted = -np.sqrt(1 - signal) * slope / (score.TEMPERATURE * np.abs(slope).mean())
    np.testing.assert_allclose(found.level.eps[0], wanted, rtol=1e-3, atol=1e-4)
    again = np.sqrt(signal) * found.action[0] + np.sqrt(1 - signal) * found.level.eps[0]
    np.testing.assert_allclose(again, noisy, rtol=1e-3, atol=1e-3)


class Killed(Exception):
    """In the middle of a training."""


def train(folder, kind, judge):
    changes = {
        "policy": "gdm",
        "actor_loss": kind,
        "gradient": "environment",
        "width": 16,
        "bound": "hold",
    }
    if kind == "score":
        changes |= {"prediction": "noise", "num_steps": 6}
    rates = {"actor_learning_rate": 5e-3, "tau": 0.05}
    sizes = {"num_updates": 300, "num_slots": 32, "batch_size": 32, "replay_size": 32}
    config = dataclasses.replace(TINY, **changes, **rates, **sizes)
    training = Training(config, Toy(), devices=1, teacher=taught)
    checkpoints = Checkpoints(folder, {"kind": kind})
    report = lambda done, line: None  # noqa: E731
    state = run.run(
        folder, checkpoints, training, [0], judge, every=100, save_every=1, report=report
    )
    return training, jax.tree.map(np.asarray, state.actor)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["weighted", "score", "imitation"])
def test_examples_teach_what_slots_ask_for_and_a_killed_run_ends_the_same(
    kind, tmp_path, monkeypatch
):
    """Without a gradient through the chain; the best is 7, random actions miss by 3 and more."""
    start_quickly(monkeypatch)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    training, actor = train(whole, kind, lambda actor: {})
    slots = normal(9, 200, OBSERVED)
    noise = training.policy.noise(jax.random.key(2), 200)
    single = jax.tree.map(lambda x: x[0], actor)
    action = jax.jit(training.policy.act)(single, noise, slots)
    # By score, actions are drawn from around the best.
    assert np.mean(7.0 - REWARD(slots, action)) < (0.4 if kind == "score" else 0.2)

    judged = []

    def judge(actor):
        judged.append(actor)
        if len(judged) == 2:
            raise Killed
        return {}

    with pytest.raises(Killed):
        train(killed, kind, judge)
    _, again = train(killed, kind, judge)
    equal(again, actor)


def test_a_teacher_and_a_denoising_policy_are_asked_for():
    config = dataclasses.replace(TINY, policy="gdm", actor_loss="imitation", gradient="environment")
    with pytest.raises(jaxsec.InputError, match="`teacher` must be given where"):
        Training(config, Toy())
    own = Deterministic(OBSERVED, ACTS, 8)
    with pytest.raises(jaxsec.InputError, match="`own_policy` must have a denoising loss where"):
        Training(config, Toy(), own_policy=own, teacher=taught)


def test_a_training_begins_with_the_actors_that_it_is_given():
    training = Training(dataclasses.replace(TINY, policy="gdm"), Toy(), devices=1)
    given = jax.tree.map(np.asarray, training.init([3, 4]).actor)
    begun = training.init([0, 1], given)
    equal(begun.actor, given)
    equal(jax.tree.map(lambda x: x[0], begun.replicas.learner.actor), given)
    # All else is the seeds' own, and the training goes on.
    equal(begun.critic, training.init([0, 1]).critic)
    state, _ = training.run(begun, 1)
    assert state.num_updates == 1
    with pytest.raises(
        jaxsec.InputError, match="`actor` must have the arrays of this policy's for 1"
    ):
        training.init([0], given)

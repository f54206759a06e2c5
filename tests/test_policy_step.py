"""One step of training a policy: what critics and actor learn from a batch."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.rl.learner import Scale
from tests.training_cases import (
    EVERY_KIND,
    REWARD,
    alone,
    batch_of,
    equal,
    learner_of,
    normal,
    training,
)

pytestmark = pytest.mark.usefixtures("quick_compilation")


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

"""One step of training a policy: what critics and actor learn from a batch."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.rl import learner as learners
from jaxsec.rl.learner import Scale
from tests.training_cases import (
    EVERY_KIND,
    REWARD,
    batch_of,
    equal,
    learner_of,
    normal,
    training,
)


class Step:
    """`learner.update` on one batch, compiled."""

    def __init__(self, **changes):
        agent = training(**changes).agent
        self.batch, states = batch_of(16, bootstrapping=agent.config.discount > 0)
        self.reward = None
        if agent.config.gradient == "environment":
            self.reward = lambda action: REWARD(states, action)
        self.scale = Scale(jnp.asarray(1.0), jnp.asarray(2.0))
        self.learner = learner_of(agent)
        shape = jax.eval_shape(lambda: agent.policy.noise(jax.random.key(0), 16)).shape
        self.noise = normal(3, *shape)
        self.act, self.values = jax.jit(agent.policy.act), jax.jit(agent.values)
        self.value = jax.jit(functools.partial(self._value, agent))
        self.target = jax.jit(functools.partial(learners.critic_target, agent))
        self.learn = jax.jit(
            lambda learner, index: learners.update(
                agent, learner, self.scale, self.batch, self.noise, index, reward=self.reward
            )
        )

    def _value(self, agent, actor, critic):
        """Mean value of the actor's actions in the batch."""
        action = agent.policy.act(actor, self.noise, self.batch.observation)
        if self.reward is not None:
            return jnp.mean(self.reward(action))
        values = agent.values(critic, self.batch.observation, action)
        return jnp.mean(jnp.min(values, axis=0))


def test_critics_learn_first_and_leave_the_actor_alone():
    step = Step(policy="mlp", critic_warmup=25, critic_learning_rate=1e-2)
    learner, losses = step.learner, []
    for index in range(25):
        learner, metrics = step.learn(learner, index)
        losses.append(float(metrics["critic_loss"]))
    assert losses[-1] < 0.5 * losses[0]
    assert np.isfinite(losses).all()
    equal(learner.actor, step.learner.actor)
    learner, _ = step.learn(learner, 25)
    moved = jax.tree.map(
        lambda x, y: np.abs(np.asarray(x) - y).max(), learner.actor, step.learner.actor
    )
    assert min(jax.tree.leaves(moved)) > 0


@pytest.mark.slow
@EVERY_KIND
def test_a_step_of_the_actor_raises_what_it_climbs(policy, gradient):
    """The critics, or the reward; the critics stand still meanwhile."""
    step = Step(
        policy=policy,
        gradient=gradient,
        critic_learning_rate=1e-12,
        actor_learning_rate=1e-3,
        load_balance_weight=0.0,
    )
    learner, values = step.learner, [step.value(step.learner.actor, step.learner.critic)]
    for index in range(3):
        learner, metrics = step.learn(learner, index)
        values.append(step.value(learner.actor, learner.critic))
        assert ("critic_loss" in metrics) == (gradient == "critic")
    assert (np.diff(values) > 0).all()
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    jax.tree.map(close, learner.critic, step.learner.critic)


def test_the_average_follows_the_actor():
    step = Step(policy="mlp", gradient="environment", tau=0.25)
    learner, _ = step.learn(step.learner, 0)
    jax.tree.map(
        lambda x, new, old: np.testing.assert_allclose(
            x, 0.25 * np.asarray(new) + 0.75 * old, rtol=1e-5
        ),
        learner.ema,
        learner.actor,
        step.learner.ema,
    )


def test_the_critics_target_is_the_reward_and_what_the_next_slot_is_worth():
    step = Step(policy="mlp", discount=0.7, tau=0.25)
    learner, batch = step.learner, step.batch
    found = step.target(learner, step.scale, batch, step.noise)
    reward = (np.asarray(batch.reward) - 1.0) / 2.0
    action = step.act(learner.ema, step.noise, batch.next_observation)
    after = np.asarray(step.values(learner.target, batch.next_observation, action)).min(axis=0)
    ended = ~np.asarray(batch.bootstraps)
    assert ended.any() and not ended.all()
    nothing = (0.0 - 1.0) / 2.0 / (1.0 - 0.7)  # rewards of 0 for ever, scaled
    wanted = reward + 0.7 * np.where(ended, nothing, after)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)

    learned, metrics = step.learn(learner, 0)
    values = np.asarray(step.values(learner.critic, batch.observation, batch.action))
    np.testing.assert_allclose(metrics["critic_loss"], np.mean((values - wanted) ** 2), rtol=1e-5)
    jax.tree.map(
        lambda x, new, old: np.testing.assert_allclose(
            x, 0.25 * np.asarray(new) + 0.75 * old, rtol=1e-4, atol=1e-7
        ),
        learned.target,
        learned.critic,
        learner.target,
    )


def test_slots_that_end_at_once_need_no_target():
    step = Step(policy="mlp")
    assert step.learner.target is None
    target = step.target(step.learner, step.scale, step.batch, step.noise)
    np.testing.assert_allclose(target, (np.asarray(step.batch.reward) - 1.0) / 2.0, rtol=1e-6)

"""What is compiled for one environment, policy or training serves all that are equal to it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.jamming import judge, oracle
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.report import timing
from jaxsec.rl import evaluation, learner, table
from jaxsec.rl.config import Config
from jaxsec.rl.training import Training

TINY = oracle.Effort(
    num_starts=2, num_random=1, num_sweeps=1, num_kept=1, num_steps=2, num_proposals=3
)
WEIGHTINGS = np.array([[2.0, 0.0], [0.0, 2.0]], np.float32)


def environment():
    """A new one at every call."""
    return Environment(
        JammingScenario(num_access_points=2, num_users=2, num_eavesdroppers=1, preferences=True)
    )


def config():
    return Config(
        policy="moe-gdm", width=8, critic_width=8, num_steps=2, num_slots=8, batch_size=8,
        replay_size=64,
    )  # fmt: skip


def slots():
    return evaluation.sample(environment(), 0, 8)


@functools.cache
def parameters():
    """Of two seeds; to learn their shapes, networks are traced."""
    agent = learner.make_agent(config(), environment())
    shapes = jax.eval_shape(lambda key: learner.networks(agent, key), jax.random.key(0))
    return jax.tree.map(lambda x: jnp.full((2, *x.shape), 0.1), shapes)


def trained():
    return Trained(environment().scenario, config(), *parameters())


def train():
    training = Training(config(), environment(), devices=1)
    return training.run(training.init([0, 1]), 2)[0]


def judged():
    own = trained()
    return evaluation.judge(
        own.agent, environment(), own.actor, own.critic, slots(), seed=0, num_candidates=2
    )


ENTRY_POINTS = {
    "evaluation.sample": slots,
    "oracle.front": lambda: oracle.front(environment(), slots().state, WEIGHTINGS, effort=TINY),
    "evaluation.judge": judged,
    "expert_load": lambda: judge.expert_load(trained(), slots()),
    "judge.front": lambda: judge.front(trained(), environment(), slots(), WEIGHTINGS, seed=0),
    "Training": train,
    "judge.bounds": lambda: judge.bounds(environment(), slots(), 0),
}
"""`oracle.front` calls `oracle.best`; `judge.bounds` that, and all baselines."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long) if name in ("judge.bounds", "Training") else name
        for name in ENTRY_POINTS
    ],
)
@pytest.mark.slow
def test_an_equal_one_is_not_compiled_again(name, no_type_checks):
    call = ENTRY_POINTS[name]
    jax.block_until_ready(call())
    with timing.compile_clock() as seconds:
        jax.block_until_ready(call())
        assert seconds() == 0.0


@pytest.mark.parametrize("name", table.POLICIES)
def test_policies_agents_and_trainings_are_values(name):
    def make():
        own = Config(policy=name)
        return (
            table.make(name, 5, 3, width=8),
            learner.make_agent(own, environment()),
            Training(own, environment(), devices=1),
        )

    for one, other in zip(make(), make(), strict=True):
        assert one is not other and one == other and hash(one) == hash(other)
    assert Training(Config(tau=0.1), environment()) != Training(Config(), environment())

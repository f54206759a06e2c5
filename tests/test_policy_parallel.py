"""Policies are trained on many devices as on one."""

import os
import subprocess
import sys

import pytest

from tests import cases

pytestmark = pytest.mark.slow


def run(program, devices=8):
    """Runs a program where JAX sees several devices; returns what it prints."""
    environment = os.environ | cases.OWN_PROGRAMS | {"JAX_NUM_CPU_DEVICES": str(devices)}
    words = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    return done.stdout


SAME_UPDATE = """
import dataclasses
import jax, jax.numpy as jnp, numpy as np
from jaxsec.rl import learner as learners
from jaxsec.rl.learner import Scale
from jaxsec.rl.replica import AXIS, mean
from jaxsec.rl.training import Training
from tests.jamming_toy import Toy
from tests.training_cases import REWARD, TINY, batch_of, learner_of, taught

jax.config.update("jax_enable_x64", True)
assert jax.device_count() == 8
double = lambda tree: jax.tree.map(
    lambda x: x.astype(float) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree)
share = lambda x: x.reshape(8, 8, *x.shape[1:])
scale = Scale(jnp.asarray(1.0), jnp.asarray(2.0))

def compare(**changes):
    changes |= {"batch_size": 64, "load_balance_weight": 2.0}
    training = Training(dataclasses.replace(TINY, **changes), Toy(), teacher=taught)
    agent, config = training.agent, training.config
    one = learner = double(learner_of(agent))
    many = jax.tree.map(lambda x: jnp.stack([x] * 8), one)
    batch, states = double(batch_of(64, config.discount > 0))
    # The first state again and again in one share: experts are used differently there.
    batch = batch._replace(observation=batch.observation.at[:8].set(batch.observation[0]))
    noise = agent.noise(jax.random.key(1), 64)
    noises = jax.tree.map(lambda x: jnp.moveaxis(
        x.reshape(*x.shape[:-2], 8, 8, x.shape[-1]), -3, 0), noise)
    climbed = config.gradient == "environment"
    imitated = config.actor_loss == "imitation"

    def learn(learner, batch, noise, states, index, mean):
        reward = (lambda action: REWARD(states, action)) if climbed else None
        actions = taught(None, states) if imitated else None
        return learners.update(
            agent, learner, scale, batch, noise, index, reward=reward, taught=actions, mean=mean)

    alone = jax.jit(lambda learner, index: learn(
        learner, batch, noise, states, index, lambda x: x))
    together = jax.pmap(lambda *given: learn(*given, mean),
        AXIS, in_axes=(0, 0, 0, 0, None))
    parts = jax.tree.map(share, batch), noises, share(states)
    for index in range(2):
        one, metrics = alone(one, index)
        many, several = together(many, *parts, index)
    close = lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-7, atol=1e-11)
    for i in range(8):
        jax.tree.map(lambda x, y: close(x, y[i]), (one, metrics), (many, several))
    if config.policy == "moe-gdm":  # or it would not matter whose load is balanced
        local = [training.policy.gated(one.actor, o).selected.mean(axis=0)
                 for o in parts[0].observation]
        assert np.std(local, axis=0).max() > 0.05
    return max(float(np.abs(x - y).max()) for x, y in zip(
        jax.tree.leaves(one.actor), jax.tree.leaves(learner.actor)))

for changes in (
    {"policy": "ddpg", "discount": 0.5},
    {"policy": "gdm", "gradient": "environment"},
    {"policy": "moe-gdm"},
    {"policy": "moe-gdm", "gradient": "environment"},
    {"policy": "gdm", "actor_loss": "weighted", "num_proposals": 3, "discount": 0.5},
    {"policy": "gdm", "actor_loss": "imitation", "gradient": "environment"},
):
    assert compare(**changes) > 1e-4
"""


@pytest.mark.long
def test_eight_devices_update_as_one_does():
    """Parameters, optimisers and metrics, in double precision, after two updates on the same batch
    and noise."""
    run(SAME_UPDATE)


WHOLE = """
import dataclasses
import jax, numpy as np
from jaxsec.rl.training import Training
from tests.jamming_toy import Toy
from tests.training_cases import TINY

config = dataclasses.replace(TINY, num_slots=16, batch_size=32, replay_size=64)
training = Training(config, Toy())
assert training.num_devices == 8

def check(state):
    carried = state.replicas
    for leaf in jax.tree.leaves((carried.learner, carried.scale)):
        leaf = np.asarray(leaf)
        assert leaf.shape[:2] == (8, 3), leaf.shape
        assert (leaf == leaf[:1]).all()
    slots = np.asarray(carried.slots.observation)
    assert slots.shape == (8, 3, 2, 4)
    assert len(np.unique(slots[..., 0])) == 8 * 3 * 2
    ring = np.asarray(carried.replay.transitions.observation)
    assert ring.shape == (8, 3, 8, 4)
    assert len(np.unique(ring[..., 0])) == 8 * 3 * 8
    keys = np.asarray(jax.random.key_data(carried.key)).reshape(24, -1)
    assert len(np.unique(keys, axis=0)) == 24
    # What users read leads with seeds.
    public = (state.actor, state.critic, state.learner, state.scale)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(public)} == {3}
    weights = np.asarray(state.learner.actor["gate"]["kernel"])
    assert len(np.unique(weights[:, 0, 0])) == 3

state = training.init(np.array([4, 5, 6]))
check(state)
rewards = np.asarray(state.replicas.replay.transitions.reward)
np.testing.assert_allclose(state.scale.mean, rewards.mean(axis=(0, 2)), rtol=1e-5)
np.testing.assert_allclose(state.scale.deviation, rewards.std(axis=(0, 2)), rtol=1e-4)
before = jax.tree.map(np.asarray, state.learner.actor)
for done in (3, 6):
    state, metrics = training.run(state, 3)
    assert state.num_updates == done
    check(state)
for name, values in metrics.items():
    assert values.shape == (3,) and np.isfinite(values).all(), name
after = jax.tree.map(np.asarray, state.learner.actor)
moved = jax.tree.map(lambda x, y: np.abs(x - y).max(), before, after)
assert min(jax.tree.leaves(moved)) > 0
"""


@pytest.mark.long
def test_devices_share_networks_and_live_through_slots_of_their_own():
    run(WHOLE)


TURNS = """
import jax, numpy as np
from jaxsec.rl import equivariant
from tests.test_turns import CONFIG, SIZES
from jaxsec.rl.training import Training

equivariant.NUM_ROUNDS = 1
training = Training(CONFIG, SIZES[0], others=SIZES[1:])
assert training.num_devices == 2
state = training.init(np.array([4]))
before = jax.tree.map(np.asarray, state.actor)
state, metrics = training.run(state, 2)
for leaf in jax.tree.leaves(state.replicas.learner):
    one, other = np.asarray(leaf)
    assert (one == other).all()
for own in state.replicas.own:
    one, other = np.asarray(own.slots.observation)
    assert (one != other).all()
moved = jax.tree.map(lambda x, y: np.abs(x - y).max(), before, state.actor)
assert max(jax.tree.leaves(moved)) > 0
"""


@pytest.mark.long
def test_devices_share_networks_where_sizes_take_turns():
    run(TURNS, devices=2)


ESTIMATES = """
import jax, jax.numpy as jnp, numpy as np
from jaxsec.jamming import Environment
from jaxsec.rl import collect, learner as learners
from jaxsec.rl.learner import Scale
from jaxsec.rl.replay import Transition
from jaxsec.rl.replica import AXIS, mean
from tests.test_estimator import LEARNING, SMALL

jax.config.update("jax_enable_x64", True)
assert jax.device_count() == 8
environment = Environment(SMALL)
agent = learners.make_agent(LEARNING, environment)
assert agent.estimates
double = lambda tree: jax.tree.map(
    lambda x: x.astype(float) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree)
slots = double(collect.reset(environment, jax.random.key(0), 32))
one = double(jax.jit(lambda key: learners.init(agent, key))(jax.random.key(1)))
many = jax.tree.map(lambda x: jnp.stack([x] * 8), one)
scale = Scale(jnp.asarray(1.0), jnp.asarray(2.0))

def learn(learner, slots, mean):
    count = len(slots.observation)
    reward = lambda action: jax.vmap(
        lambda state, action: environment.smooth_reward(state, action, 0.5))(slots.state, action)
    batch = Transition(slots.observation, jnp.zeros((count, 3)), jnp.zeros(count), None, None)
    return learners.update(
        agent, learner, scale, batch, jnp.zeros((count, 0)), 0, reward=reward,
        truth=jax.vmap(environment.truth)(slots.state), mean=mean)

share = lambda x: x.reshape(8, 4, *x.shape[1:])
one, metrics = jax.jit(lambda learner: learn(learner, slots, lambda x: x))(one)
many, several = jax.pmap(lambda *given: learn(*given, mean), AXIS)(
    many, jax.tree.map(share, slots))
assert np.isfinite(metrics["estimator_loss"]) and metrics["estimator_loss"] != 0
for i in range(8):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y[i], rtol=1e-7, atol=1e-10),
        (one, metrics), (many, several))
"""


@pytest.mark.long
def test_estimates_are_learned_on_eight_devices_as_on_one():
    run(ESTIMATES)


UNEVEN = """
import dataclasses
import jaxsec
from jaxsec.rl.training import Training
from tests.jamming_toy import Toy
from tests.training_cases import TINY

config = dataclasses.replace(TINY, num_slots=8, batch_size=16, replay_size=32)
for change in ({"batch_size": 20}, {"num_slots": 4}, {"num_slots": 12, "replay_size": 36}):
    try:
        Training(dataclasses.replace(config, **change), Toy())
    except jaxsec.InputError as error:
        print(error)
"""


def test_counts_that_devices_cannot_share_are_named():
    wanted = [
        "`batch_size` must be a multiple of 8, the number of devices, but is 20",
        "`num_slots` must be a multiple of 8, the number of devices, but is 4",
        "`num_slots` must be a multiple of 8, the number of devices, but is 12",
    ]
    assert run(UNEVEN).splitlines() == wanted

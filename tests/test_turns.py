"""One policy trained on environments of several sizes that take turns."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.learning.checkpoint import Checkpoints
from jaxsec.rl import equivariant, learner, parallel, turns
from jaxsec.rl import run as rl_run
from jaxsec.rl.config import Config
from jaxsec.rl.layout import Layout
from jaxsec.rl.replica import AXIS
from jaxsec.rl.training import Training
from tests.jamming_toy import Toy
from tests.training_cases import equal, normal, start_quickly

CONFIG = Config(
    policy="mlp", network="equivariant", gradient="environment", width=8, critic_width=4,
    num_updates=240, num_slots=16, batch_size=16, replay_size=16, critic_warmup=0,
    actor_learning_rate=1e-2, tau=0.1,
)  # fmt: skip
EVERY = 80


@dataclasses.dataclass(frozen=True)
class Table:
    """A column and a row for each entry of the action, which is to be what the column's own row
    has in it."""

    size: int
    num_shared: int = 0

    @property
    def layout(self):
        return Layout(self.size, tuple(range(self.size)), num_shared=self.num_shared)

    @property
    def observation_size(self):
        return self.layout.observation_size

    @property
    def action_size(self):
        return self.size

    def reset(self, key):
        state = jax.random.normal(key, (self.observation_size,))
        return state, state

    def step(self, key, state, action):
        observation, after = self.reset(key)
        info = {"final_observation": observation}
        reward = self.reward(state, action)
        return observation, after, reward, jnp.array(False), jnp.array(False), info

    def reward(self, state, action):
        return -jnp.mean((action - self.best(state)) ** 2)

    def values(self, state, action):
        return self.reward(state, action)[None]

    def best(self, state):
        return jnp.tanh(jnp.diagonal(self.layout.split(state).entries, axis1=-2, axis2=-1))


SIZES = Table(2), Table(3)
TRAINING = Training(CONFIG, SIZES[0], devices=1, others=SIZES[1:])


@pytest.fixture(scope="module", autouse=True)
def one_round():
    """Networks of a single round compile quickly."""
    with pytest.MonkeyPatch.context() as patch:
        start_quickly(patch)
        patch.setattr(equivariant, "NUM_ROUNDS", 1)
        yield


class Killed(Exception):
    """As a run is, in the middle of its work."""


def run(folder, until=math.inf):
    """Trains in a folder; killed when so many chunks are done and not yet saved."""
    folder.mkdir(exist_ok=True)
    chunks = 0

    def judge(actors):
        nonlocal chunks
        chunks += 1
        if chunks == until:
            raise Killed
        return {"bias": sum(jnp.sum(x, axis=range(1, x.ndim)) for x in jax.tree.leaves(actors))}

    return rl_run.run(
        folder, Checkpoints(folder, {}), TRAINING, [3], judge,
        every=EVERY, save_every=1, report=lambda done, line: None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run's folder and its last state."""
    folder = tmp_path_factory.mktemp("turns") / "whole"
    return folder, run(folder)


def plain(tree):
    """Random keys as numbers, and copies of all that a training would use up."""
    key = lambda x: jnp.issubdtype(x.dtype, jax.dtypes.prng_key)  # noqa: E731
    return jax.tree.map(lambda x: np.asarray(jax.random.key_data(x) if key(x) else x), tree)


@pytest.mark.slow
def test_killed_it_ends_with_the_same_bits(whole, tmp_path, no_type_checks):
    folder, state = whole
    with pytest.raises(Killed):
        run(tmp_path / "killed", until=2)
    again = run(tmp_path / "killed")
    equal(plain(again.replicas), plain(state.replicas))
    ours, theirs = (rl_run.read(path) for path in (tmp_path / "killed", folder))
    assert [line["step"] for line in ours] == [80, 160, 240]
    assert [line | {"seconds": 0} for line in ours] == [line | {"seconds": 0} for line in theirs]


def act(actor, size, observation):
    """The first seed's actions at a size."""
    policy = learner.make_agent(CONFIG, Table(size)).policy
    return np.asarray(jax.jit(policy.act)(jax.tree.map(lambda x: x[0], actor), None, observation))


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 3, 5], ids=["trained on", "trained on", "never seen"])
def test_one_policy_has_learned_every_size(size, whole):
    _, state = whole
    observation = normal(size, 64, size**2)
    wanted = np.asarray(Table(size).best(observation))
    error = np.mean((act(state.actor, size, observation) - wanted) ** 2)
    assert error < 0.03 * np.mean(wanted**2)


@pytest.mark.slow
def test_what_it_has_learned_goes_with_the_order_of_columns(whole):
    _, state = whole
    table, order = np.asarray(normal(9, 6, 4, 4)), np.array([2, 0, 3, 1])
    action = act(state.actor, 4, table.reshape(6, 16))
    moved = act(state.actor, 4, table[:, order][:, :, order].reshape(6, 16))
    np.testing.assert_allclose(moved, action[:, order], atol=1e-6)
    assert np.ptp(action, axis=1).min() > 1e-2


@pytest.mark.slow
def test_a_turn_is_the_update_of_that_size_alone():
    state = TRAINING.init([3]).replicas
    for i, environment in enumerate(SIZES):
        alone = state.own[i]._replace(learner=state.learner)
        alone = jax.tree.map(jnp.copy, alone)
        others = [plain(own) for own in state.own]
        task = Training(CONFIG, environment, devices=1).task
        alone, watched = parallel.run(task, alone, i, 1)
        before = plain(state.learner.actor)
        state, metrics = parallel.run(TRAINING.task, state, i, 1)
        close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
        jax.tree.map(close, plain(state.learner), plain(alone.learner))
        jax.tree.map(close, plain(state.own[i]), plain(alone._replace(learner=None)))
        jax.tree.map(close, metrics, watched)
        equal(plain(state.own[1 - i]), others[1 - i])
        moved = jax.tree.map(lambda x, y: np.abs(x - y).max(), plain(state.learner.actor), before)
        assert max(jax.tree.leaves(moved)) > 1e-4


@pytest.mark.slow
def test_only_the_size_whose_turn_it_is_is_computed():
    """Seeds are a batch, yet the choice among sizes stays a choice and all are not computed."""
    task = TRAINING.task
    state = jax.eval_shape(lambda: TRAINING.init([0]).replicas)
    of_device = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), state)
    step = jax.vmap(functools.partial(turns.update, task), in_axes=(0, None))
    traced = jax.make_jaxpr(step, axis_env=[(AXIS, 1)])(of_device, jnp.zeros((), jnp.int32))
    choices = [equation for equation in traced.eqns if equation.primitive.name == "cond"]
    assert [len(equation.params["branches"]) for equation in choices] == [len(SIZES)]


@pytest.mark.parametrize(
    ("changes", "others", "message"),
    [
        (
            {"network": "flat"},
            (Table(3),),
            "`network` must be equivariant or interference where environments of",
        ),
        ({"gradient": "critic"}, (Table(3),), "`gradient` must be environment or smooth where"),
        (
            {"policy": "gdm", "actor_loss": "imitation"},
            (Table(3),),
            "`actor_loss` must be pathwise or weighted or score where",
        ),
        ({}, (Toy(),), "`others` must say how observations are laid out where"),
        ({}, (Table(3, num_shared=1),), r"as `environment`, but these are \(0, 0\) and \(0, 1\)"),
        ({"gradient": "smooth"}, (Table(3),), "where the environment has no smooth reward"),
        ({"window": 2, "discount": 0.9}, (Table(3),), "`window` must be 1 where the environment"),
    ],
)
def test_what_cannot_take_turns_is_refused(changes, others, message, no_type_checks):
    config = dataclasses.replace(CONFIG, **changes)
    with pytest.raises(jaxsec.InputError, match=message):
        Training(config, Table(2), others=others, teacher=lambda key, states: states)


def test_a_policy_of_ones_own_takes_no_turns():
    own = learner.make_agent(CONFIG, Table(2)).policy
    with pytest.raises(jaxsec.InputError, match="`own_policy` must be None where there are"):
        Training(CONFIG, Table(2), own_policy=own, others=(Table(3),))

"""Networks that keep to a table's symmetries: exactly, and with the same parameters at any size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.jamming import Environment, JammingScenario, slots
from jaxsec.rl import learner, replica, table
from jaxsec.rl.config import Config
from jaxsec.rl.deterministic import Deterministic
from jaxsec.rl.layout import LaidOut, Layout
from jaxsec.rl.training import State, Training
from jaxsec.rl.waterfilling import WaterFilling
from tests.jamming_toy import Toy
from tests.policy_cases import ACT, GATED, drawn, noise_of, normal, shapes_of

LAYOUT = Layout(3, (0, 1, 2, 0, 1, 2), num_free=3, num_of_column=2, num_shared=1)
B = 4
ORDER = np.array([2, 0, 1])
GAINS = jax.jit(slots.gains)


POLICIES = {"mlp": {}, "gdm": {}, "moe-gdm": {}, "moe-gdm 2 of 3": {"num_selected": 2}}
every_policy = pytest.mark.parametrize("name", POLICIES)


def policy_of(layout, name="mlp"):
    return table.make(
        name.split()[0], layout.observation_size, layout.num_columns, width=8,
        network="equivariant", layout=layout, num_steps=2, **POLICIES[name],
    )  # fmt: skip


def act(layout, observation, name="mlp", order=None):
    """With a policy's noise, permuted as columns are."""
    policy = policy_of(layout, name)
    noise = noise_of(policy, len(observation))
    noise = noise if order is None or noise.size == 0 else noise[..., order]
    return np.asarray(ACT(policy, drawn(policy), noise, observation))


def joined(layout, entries, columns, shared):
    """An observation of its parts, by the layout's own words."""
    flat = [entries.reshape(B, -1), np.swapaxes(columns, 1, 2).reshape(B, -1), shared]
    observation = jnp.asarray(np.concatenate(flat, axis=1))
    assert observation.shape == (B, layout.observation_size)
    return observation


def permuted(layout, entries, columns, shared):
    """The same, columns and the rows that belong to them in `ORDER`."""
    rows = [*ORDER, *(3 + ORDER), 6, 7, 8]
    return joined(layout, entries[:, rows][:, :, ORDER], columns[:, ORDER], shared)


def parts(layout):
    return [
        np.asarray(normal([9, i], B, *shape))
        for i, shape in enumerate(
            [
                (layout.num_rows, layout.num_columns),
                (layout.num_columns, layout.num_of_column),
                (layout.num_shared,),
            ]
        )
    ]


def test_an_observation_is_taken_apart_as_it_was_put_together():
    given = parts(LAYOUT)
    for found, wanted in zip(LAYOUT.split(joined(LAYOUT, *given)), given, strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(LAYOUT.belongs, np.tile(np.eye(3), (2, 1)))


@every_policy
def test_the_order_of_free_rows_does_not_matter(name, float64):
    entries, columns, shared = parts(LAYOUT)
    action = act(LAYOUT, joined(LAYOUT, entries, columns, shared), name)
    order = [*range(6), 8, 6, 7]
    moved = act(LAYOUT, joined(LAYOUT, entries[:, order], columns, shared), name)
    np.testing.assert_allclose(moved, action, rtol=1e-12)


@every_policy
def test_an_action_goes_with_its_columns_their_rows_and_their_noise(name, float64):
    entries, columns, shared = parts(LAYOUT)
    action = act(LAYOUT, joined(LAYOUT, entries, columns, shared), name)
    moved = permuted(LAYOUT, entries, columns, shared)
    np.testing.assert_allclose(act(LAYOUT, moved, name, ORDER), action[:, ORDER], rtol=1e-11)
    assert np.ptp(action, axis=1).min() > 1e-3


@pytest.mark.parametrize("name", ["gdm", "moe-gdm"])
def test_a_columns_action_depends_on_the_noise_of_the_others(name, float64):
    policy, observation = policy_of(LAYOUT, name), joined(LAYOUT, *parts(LAYOUT))
    noise = noise_of(policy, B)
    found = [
        np.asarray(ACT(policy, drawn(policy), x, observation))
        for x in (noise, noise.at[..., 1:].add(1.0))
    ]
    assert np.abs(found[1] - found[0])[:, 0].min() > 1e-4


def test_the_gate_has_no_preference_for_an_order(float64):
    policy = policy_of(LAYOUT, "moe-gdm")
    given = parts(LAYOUT)
    weight, moved = (
        np.asarray(GATED(policy, drawn(policy), observation).weight)
        for observation in (joined(LAYOUT, *given), permuted(LAYOUT, *given))
    )
    np.testing.assert_allclose(moved, weight, rtol=1e-12)
    assert np.ptp(weight, axis=0).min() > 1e-3


def test_the_order_of_a_columns_own_rows_does_not_matter(float64):
    entries, columns, shared = parts(LAYOUT)
    action = act(LAYOUT, joined(LAYOUT, entries, columns, shared))
    order = [3, 1, 2, 0, *range(4, 9)]  # rows 0 and 3 belong to column 0
    moved = act(LAYOUT, joined(LAYOUT, entries[:, order], columns, shared))
    np.testing.assert_allclose(moved, action, rtol=1e-12)


@pytest.mark.parametrize("part", [0, 1, 2], ids=["entries", "columns", "shared"])
def test_everything_observed_reaches_the_action(part, float64):
    given = parts(LAYOUT)
    action = act(LAYOUT, joined(LAYOUT, *given))
    given[part] = given[part] + 0.1
    assert np.abs(act(LAYOUT, joined(LAYOUT, *given)) - action).max() > 1e-4


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("mlp", Layout(5, (0, 1, 2, 3, 4), 0, 2, 1)),
        ("moe-gdm", Layout(4, (1,), 2, 2, 1)),
        ("mlp", Layout(2, (), 1, 2, 1)),
    ],
    ids=["no free rows", "columns without rows", "no owned rows"],
)
def test_parameters_serve_tables_of_any_size(name, layout):
    policy = policy_of(layout, name)
    assert shapes_of(policy) == shapes_of(policy_of(LAYOUT, name))
    action = act(layout, joined(layout, *parts(layout)), name)
    assert action.shape == (B, layout.num_columns)
    assert np.isfinite(action).all() and np.abs(action).max() <= 1


@pytest.mark.parametrize("num_users", [2, 5])
def test_jamming_says_how_its_observations_are_laid_out(num_users):
    environment = Environment(JammingScenario(num_users=num_users, preferences=True))
    assert isinstance(environment, LaidOut)
    layout = environment.layout
    np.testing.assert_array_equal(np.argmax(layout.belongs, axis=1), np.arange(num_users) % 3)
    assert layout.num_rows == num_users + 2
    observation, state = jax.jit(environment.reset)(jax.random.key(0))
    assert observation.shape == (layout.observation_size,)
    seen = layout.split(observation)
    np.testing.assert_array_equal(seen.columns[:, 0], state.previous)
    np.testing.assert_array_equal(seen.shared, state.preference - 1.0)
    level = 10.0 * np.log10(np.asarray(GAINS(state.slot)) * 0.1)
    np.testing.assert_allclose(20.0 * seen.entries + 20.0, level, rtol=1e-4)


def test_jammings_reward_has_the_symmetries_of_its_layout():
    environment = Environment(JammingScenario(num_users=6))
    _, state = jax.jit(environment.reset)(jax.random.key(1))
    rows = np.array([*ORDER, *(3 + ORDER), 7, 6])
    slot, action = state.slot, jnp.array([-0.5, 0.3, 0.9])
    moved = slot._replace(
        path_gain=slot.path_gain[rows][:, ORDER], fading=slot.fading[rows][:, ORDER]
    )
    reward = jax.jit(environment.reward)
    found = reward(state._replace(slot=moved), action[ORDER])
    np.testing.assert_allclose(found, reward(state, action), rtol=1e-5)


def test_the_smooth_rewards_temperature_falls_by_equal_factors():
    config = Config(num_updates=100, first_temperature=2.0, last_temperature=0.02)
    found = [float(replica.temperature(config, jnp.array(i))) for i in (0, 50, 100)]
    np.testing.assert_allclose(found, [2.0, 0.2, 0.02], rtol=1e-5)


@pytest.mark.long
def test_training_goes_on_exactly_where_it_was_left():
    """An outage has no gradient of its own; the smooth one's temperature is that of the update."""
    scenario = JammingScenario(
        num_access_points=2, num_users=2, num_eavesdroppers=1, metrics=(("outage", 1.0),)
    )
    config = Config(
        policy="mlp", network="equivariant", gradient="smooth", width=4, critic_width=4,
        num_updates=4, num_slots=4, batch_size=4, replay_size=4, critic_warmup=0,
    )  # fmt: skip
    training = Training(config, Environment(scenario), devices=1)
    state, _ = training.run(training.init([0]), 2)
    stored = jax.tree.map(jnp.copy, state.replicas)
    early = jax.tree.map(jnp.copy, stored)
    before = jax.tree.map(np.asarray, state.learner.actor)
    ended, _ = training.run(state, 2)
    again, _ = training.run(State(stored, 2), 2)
    warmer, _ = training.run(State(early, 0), 2)
    assert apart(ended.learner, again.learner) == 0.0
    assert apart(ended.learner.actor, before) > 1e-4
    assert apart(ended.learner.actor, warmer.learner.actor) > 1e-6


def apart(one, other):
    """The largest difference of two trees' leaves."""
    distance = lambda x, y: np.abs(np.asarray(x) - np.asarray(y)).max()  # noqa: E731
    return max(jax.tree.leaves(jax.tree.map(distance, one, other)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Layout(0, ()), "`num_columns` must be at least 1, but is 0"),
        (lambda: Layout(2, (0, 2)), r"`owners` must lie in \[0, 2\), as columns do, but are"),
        (lambda: Layout(2, (0,), num_free=-1), "`num_free` must be at least 0, but is -1"),
        (
            lambda: Config(network="round"),
            "`network` must be one of flat, equivariant, interference, unfolded, but is",
        ),
        (lambda: Config(last_temperature=0.0), "`last_temperature` must be positive, but is 0.0"),
        (
            lambda: learner.make_agent(Config(policy="mlp", network="equivariant"), Toy()),
            "`network` must be flat where the environment does not say how its observations",
        ),
        (
            lambda: Training(Config(policy="mlp", gradient="smooth"), WaterFilling()),
            "`gradient` must be critic or environment where the environment has no smooth reward",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        make()


def test_a_flat_network_needs_no_layout():
    policy = table.make("mlp", 5, 3, width=8, layout=LAYOUT)
    assert policy == Deterministic(5, 3, 8)

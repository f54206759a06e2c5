"""Networks that work out what an action would make heard, and the optimiser for their matrices."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.jamming import Environment, JammingScenario, rates, slots
from jaxsec.jamming.scenario import SCENARIOS
from jaxsec.rl import equivariant, interference, learner, table
from jaxsec.rl.config import Config
from jaxsec.rl.layout import Layout, Levels
from jaxsec.rl.training import State, Training
from tests.policy_cases import ACT, drawn, filled, noise_of, normal, shapes_of
from tests.test_equivariant import ORDER, B, apart, joined, parts, permuted
from tests.training_cases import start_quickly

LEVELS = Levels(nats=2.0, noise=-0.5, reach=0.7)
LAYOUT = Layout(3, (0, 1, 2, 0, 1, 2), 3, 2, 1, LEVELS)
NETWORKS = pytest.mark.parametrize("name", ["mlp", "gdm", "moe-gdm"])


def act(layout, observation, name="mlp", order=None):
    policy = table.make(
        name, layout.observation_size, layout.num_columns, width=8, network="interference",
        layout=layout, num_steps=2,
    )  # fmt: skip
    noise = noise_of(policy, len(observation))
    noise = noise if order is None or noise.size == 0 else noise[..., order]
    return np.asarray(ACT(policy, drawn(policy), noise, observation))


@pytest.mark.parametrize("scenario", ["paper", "dense", "hidden"])
def test_margins_are_the_secrecy_rates_of_jamming(scenario):
    environment = Environment(SCENARIOS[scenario])
    layout, params = environment.layout, environment.default_params
    users, eves = environment.scenario.num_users, layout.num_free
    action = np.random.default_rng(1).uniform(-1.0, 1.0, (8, environment.action_size))

    @jax.jit
    def found_and_wanted(keys, action):
        observation, state = jax.vmap(environment.reset)(keys)
        seen = interference.features(layout, layout.split(observation), action)
        gains = jax.vmap(slots.gains)(state.slot)
        wanted = jax.vmap(rates.signed_secrecy_rates)(
            environment.power(action, params), gains[:, :users], gains[:, users : users + eves]
        )
        return seen.owned[..., 3], wanted

    margin, wanted = map(
        np.asarray, found_and_wanted(jax.random.split(jax.random.key(0), 8), jnp.asarray(action))
    )
    np.testing.assert_array_equal(margin, margin[..., :1].repeat(margin.shape[-1], axis=-1))
    np.testing.assert_allclose(margin[..., 0] / np.log(2.0), wanted, rtol=1e-3, atol=1e-4)


def test_what_is_heard_by_hand():
    """Two columns, of one user each and an eavesdropper; noise is one, and levels are in nats."""
    layout = Layout(2, (0, 1), 1, levels=Levels(nats=1.0, noise=0.0, reach=0.5))
    power = np.array([[[8.0, 2.0], [1.0, 4.0], [3.0, 3.0]]])  # [1, R, C] at full power
    action = jnp.array([[1.0, 1.0 - 2.0 * np.log(2.0)]])  # the second column at half of it
    observation = jnp.asarray(np.log(power).reshape(1, -1))
    seen = jax.jit(lambda *given: interference.features(layout, layout.split(given[0]), given[1]))(
        observation, action
    )
    rate = np.log1p([[8 / (1 + 1), 1 / (1 + 8)], [1 / (1 + 2), 2 / (1 + 1)], [3 / 2.5, 1.5 / 4]])
    level, others = np.log([[8, 1], [1, 2], [3, 1.5]]), np.log1p([[1, 8], [2, 1], [1.5, 3]])
    own, best = rate[[0, 1], [0, 1]], rate[2]
    for i, wanted in enumerate((level, others, rate)):
        np.testing.assert_allclose(seen.owned[0, ..., i], wanted[:2], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(seen.free[0, ..., i], wanted[2:], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(seen.owned[0, :, 0, 3:], np.c_[own - best, own], rtol=1e-5)
    np.testing.assert_allclose(seen.free[0, 0, :, 4], own - best, rtol=1e-5)
    np.testing.assert_allclose(seen.free[0, 0, :, 3], 0.0, atol=1e-6)


@pytest.mark.slow
@NETWORKS
def test_an_action_goes_with_its_columns_their_rows_and_their_noise(name, float64):
    given = parts(LAYOUT)
    action = act(LAYOUT, joined(LAYOUT, *given), name)
    moved = act(LAYOUT, permuted(LAYOUT, *given), name, ORDER)
    np.testing.assert_allclose(moved, action[:, ORDER], rtol=1e-11)
    assert np.ptp(action, axis=1).min() > 1e-3


def test_the_order_of_rows_of_a_kind_does_not_matter(float64):
    entries, columns, shared = parts(LAYOUT)
    action = act(LAYOUT, joined(LAYOUT, entries, columns, shared))
    for order in ([*range(6), 8, 6, 7], [3, 1, 2, 0, *range(4, 9)]):
        moved = act(LAYOUT, joined(LAYOUT, entries[:, order], columns, shared))
        np.testing.assert_allclose(moved, action, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "layout",
    [
        Layout(5, (0, 1, 2, 3, 4), 0, 2, 1, LEVELS),
        Layout(4, (1,), 2, 2, 1, LEVELS),
        Layout(2, (), 1, 2, 1, LEVELS),
    ],
    ids=["no free rows", "columns without rows", "no owned rows"],
)
def test_parameters_serve_tables_of_any_size(layout):
    make = lambda one: table.make(  # noqa: E731
        "mlp", one.observation_size, one.num_columns, width=8, network="interference", layout=one
    )
    assert shapes_of(make(layout)) == shapes_of(make(LAYOUT))
    action = act(layout, joined(layout, *parts(layout)))
    assert action.shape == (B, layout.num_columns)
    assert np.isfinite(action).all() and np.abs(action).max() <= 1


@jax.jit
def gradient_and_features(observation, action):
    """Of `dense`."""
    layout = Environment(SCENARIOS["dense"]).layout

    def total(action):
        seen = interference.features(layout, layout.split(observation), action)
        return jnp.sum(seen.owned[..., 2]) + 0.5 * jnp.sum(seen.free[..., 1]), seen

    return jax.grad(total, has_aux=True)(action)


@pytest.mark.parametrize("level_db", [-40.0, 0.0, 100.0, 220.0])
def test_features_and_their_gradients_are_finite_and_alive_at_every_level(level_db):
    size = Environment(SCENARIOS["dense"]).observation_size
    observation = (level_db - 20.0) / 20.0 + 0.1 * np.asarray(normal([3], 2, size))
    gradient, seen = gradient_and_features(jnp.asarray(observation), jnp.zeros((2, 8)))
    assert all(np.isfinite(x).all() for x in (gradient, *seen))
    assert np.abs(gradient).min() > 0


@pytest.mark.slow
def test_a_critic_sees_what_an_action_makes_heard():
    """Beside the action itself: the same parameters value it otherwise where noise is louder."""
    config = Config(policy="mlp", network="interference", width=8, critic_width=8)
    agent = learner.make_agent(config, Environment(SCENARIOS["paper"]))
    assert agent.layout is not None and agent.layout.levels is not None
    plain = learner.make_agent(
        Config(policy="mlp", network="equivariant"), Environment(SCENARIOS["paper"])
    )
    assert plain.layout is not None and plain.layout.levels is None
    critic = filled(jax.eval_shape(lambda key: learner.networks(agent, key)[1], jax.random.key(0)))
    louder = dataclasses.replace(agent.layout.levels, noise=agent.layout.levels.noise + 0.5)
    noisy = dataclasses.replace(agent, layout=dataclasses.replace(agent.layout, levels=louder))

    @jax.jit
    def gradient_and_change(observation, action):
        def total(action):
            values = agent.values(critic, observation, action)
            return jnp.sum(values), values

        gradient, values = jax.grad(total, has_aux=True)(action)
        return gradient, noisy.values(critic, observation, action) - values

    observation = 0.5 * normal([5], 4, agent.policy.observation_size)
    gradient, moved = gradient_and_change(observation, jnp.zeros((4, 3)))
    assert np.isfinite(gradient).all() and np.abs(gradient).min() > 0
    assert np.abs(moved).min() > 1e-4


TRAINED = Config(
    policy="mlp", network="interference", gradient="smooth", optimiser="muon", width=4,
    critic_width=4, num_updates=4, num_slots=4, batch_size=4, replay_size=4, critic_warmup=0,
)  # fmt: skip


@pytest.mark.parametrize("experts", [(), (3,)], ids=["one network", "stacked experts"])
def test_muon_makes_the_steps_of_matrices_orthogonal_and_leaves_biases_to_adam(experts):
    agent = learner.make_agent(TRAINED, Environment(SCENARIOS["paper"]))
    matrix = {"kernel": jnp.zeros((*experts, 8, 8)), "bias": jnp.zeros((*experts, 8))}
    gradient = {"kernel": 1e-3 * normal([7], *experts, 8, 8), "bias": normal([8], *experts, 8)}

    @jax.jit
    def first_step(gradient, matrix):
        optimiser = agent.actor_optimiser
        return optimiser.update(gradient, optimiser.init(matrix), matrix)[0]

    updates: Any = first_step(gradient, matrix)
    rate = TRAINED.actor_learning_rate
    turned = -np.asarray(updates["bias"]) / rate * np.sign(gradient["bias"])
    assert turned.min() > 0.99 and turned.max() < 1.5  # Adam's first step, with Nesterov's
    step = np.asarray(updates["kernel"]) / rate
    np.testing.assert_allclose(np.sqrt(np.mean(step**2)), 0.2, rtol=0.3)
    singular = np.linalg.svd(step, compute_uv=False)
    assert np.all(singular.max(axis=-1) < 2.5 * singular.min(axis=-1))
    before = np.linalg.svd(np.asarray(gradient["kernel"]), compute_uv=False)
    assert np.all(before.max(axis=-1) > 5 * before.min(axis=-1))


@pytest.mark.slow
def test_training_with_muon_goes_on_exactly_where_it_was_left(monkeypatch):
    monkeypatch.setattr(equivariant, "NUM_ROUNDS", 1)  # has every kind of matrix
    start_quickly(monkeypatch)
    training = Training(TRAINED, Environment(SCENARIOS["paper"]), devices=1)
    state, _ = training.run(training.init([0, 1]), 2)
    stored = jax.tree.map(jnp.copy, state.replicas)
    before = jax.tree.map(np.asarray, state.learner.actor)
    ended, _ = training.run(state, 2)
    again, _ = training.run(State(stored, 2), 2)
    assert apart(ended.learner, again.learner) == 0.0
    assert apart(ended.learner.actor, before) > 1e-4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Levels(0.0, 0.0, 1.0), "`nats` must be positive, but is 0.0"),
        (lambda: Levels(1.0, 0.0, -1.0), "`reach` must be positive, but is -1.0"),
        (lambda: Levels(1.0, np.inf, 1.0), "`noise` must be finite, but is inf"),
        (
            lambda: learner.make_agent(
                Config(policy="mlp", network="interference"), Environment(SCENARIOS["battery"])
            ),
            "`network` must be flat or equivariant where steps of actions are not steps of the",
        ),
        (lambda: Config(optimiser="sgd"), "`optimiser` must be adam or muon, but is 'sgd'"),  # pyright: ignore
        (
            lambda: learner.make_agent(
                Config(policy="mlp", network="interference"),
                Environment(JammingScenario(power_steps="watt")),
            ),
            "`network` must be flat or equivariant where steps of actions are not steps of the",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        make()

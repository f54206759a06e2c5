"""Networks that estimate what is observed with errors, and are told how a step would change it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsec
from jaxsec.jamming import Environment, JammingScenario, knowledge, slots
from jaxsec.jamming import file as policy_file
from jaxsec.jamming.file import Trained
from jaxsec.jamming.scenario import SCENARIOS
from jaxsec.jamming.sizes import Size
from jaxsec.rl import collect, estimator, interference, learner, table
from jaxsec.rl.config import Config
from jaxsec.rl.layout import Layout, Levels
from jaxsec.rl.training import State, Training
from tests.policy_cases import drawn, filled, normal, shapes_of
from tests.test_equivariant import B, apart
from tests.training_cases import start_quickly

LEVELS = Levels(nats=2.0, noise=-0.5, reach=0.7)
PLACES = tuple(map(tuple, np.random.default_rng(0).standard_normal((5, 3)).tolist()))
UNCERTAIN = Layout(3, (0, 1, 2, 0), 3, 1, 0, LEVELS, uncertain=True, places=PLACES)
SMALL = JammingScenario(num_access_points=3, num_users=3, num_eavesdroppers=2, knowledge="noisy")


@dataclasses.dataclass(frozen=True)
class Silent:
    """An environment that keeps what it hides to itself."""

    layout: Layout = UNCERTAIN
    observation_size: int = UNCERTAIN.observation_size
    action_size: int = 3

    def smooth_reward(self, state, action, temperature):
        return temperature * jnp.sum(state * action)


LEARNING = Config(
    policy="mlp", network="unfolded", gradient="smooth", width=8, critic_width=8, num_updates=4,
    num_slots=4, batch_size=4, replay_size=4, critic_warmup=0,
)  # fmt: skip


def policy(name="mlp", layout=UNCERTAIN):
    return table.make(
        name, layout.observation_size, layout.num_columns, width=8, network="unfolded",
        layout=layout, num_steps=2,
    )  # fmt: skip


def estimated(entries, seed=0):
    network = estimator.Estimator(UNCERTAIN, 8)
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), entries)["params"])
    return network.apply({"params": filled(shapes, seed)}, entries)


def test_slopes_are_the_derivatives_of_margins():
    layout = dataclasses.replace(UNCERTAIN, slopes=True)
    observation, action = normal([1], B, layout.observation_size), jnp.tanh(normal([2], B, 3))

    def owned(observation, action):
        parts = layout.split(observation[None])
        return interference.features(layout, parts, action[None]).owned[0]

    found = jax.vmap(owned)(observation, action)[..., 5]
    wanted = jax.vmap(jax.jacrev(lambda *given: owned(*given)[:, 0, 3], 1))(observation, action)
    np.testing.assert_allclose(LEVELS.nats * LEVELS.reach * found, wanted, rtol=1e-4, atol=1e-5)
    assert np.abs(found).min() > 0
    alone = dataclasses.replace(UNCERTAIN, num_free=0, uncertain=False, places=(), slopes=True)
    seen = interference.features(alone, alone.split(observation[:, : 4 * 3 + 3]), action)
    own = np.asarray(seen.owned[..., 5])
    assert (own[:, [0, 3], 0] > 0).all() and (own[:, 0, 1:] < 0).all()


def test_the_order_of_rows_does_not_matter_to_estimates():
    entries = normal([3], B, 7, 3)
    found = estimated(entries)
    moved = estimated(entries[:, [2, 0, 3, 1, 6, 4, 5]])
    for x, y in zip(found, moved, strict=True):
        np.testing.assert_allclose(y, x[:, [2, 0, 1]], rtol=1e-4, atol=1e-5)
    assert np.abs(found.mean - entries[:, 4:]).min() > 1e-4
    assert (np.asarray(found.deviation) > 0).all()


def test_a_shared_regime_is_told_by_all_rows_together():
    entries = normal([4], B, 7, 3)
    found = estimated(entries)
    moved = estimated(entries.at[:, 6].add(1.0))
    assert np.abs(moved.mean[:, :2] - found.mean[:, :2]).max() > 1e-3


@pytest.mark.parametrize("name", ["mlp", "gdm", "moe-gdm"])
def test_estimates_learn_of_the_truth_alone(name):
    """And the rest of an actor of what its actions are worth."""
    acting = policy(name)
    params = drawn(acting)
    observation, truth = normal([5], B, acting.observation_size), normal([6], B, 3, 3)
    noise = acting.noise(jax.random.key(1), B)

    @jax.jit
    def gradients(params):
        worth = lambda params: jnp.sum(acting.act(params, noise, observation))  # noqa: E731
        missed = lambda params: estimator.loss(UNCERTAIN, 8, params, observation, truth)  # noqa: E731
        return jax.grad(worth)(params), jax.grad(missed)(params)

    by_worth, by_truth = gradients(params)
    for gradient, wanted in ((by_worth, False), (by_truth, True)):
        for path, x in jax.tree.leaves_with_path(gradient):
            in_estimator = any(getattr(key, "key", None) == estimator.NAME for key in path)
            if in_estimator != wanted:
                assert not np.any(x), path
    assert sum(float(jnp.sum(x**2)) for x in jax.tree.leaves(by_truth)) > 1e-3
    assert sum(float(jnp.sum(x**2)) for x in jax.tree.leaves(by_worth)) > 1e-3


def test_the_loss_is_the_likelihood_of_the_truth():
    acting = policy()
    params, observation = drawn(acting), normal([7], B, acting.observation_size)
    truth = normal([8], B, 3, 3)
    (own,) = estimator.estimators(params)
    entries = UNCERTAIN.split(observation).entries
    found = estimator.Estimator(UNCERTAIN, 8).apply({"params": own}, entries)
    error = (np.asarray(truth) - np.asarray(found[0])) / np.asarray(found[1])
    wanted = np.mean(0.5 * error**2 + np.log(np.asarray(found[1])))
    missed = estimator.loss(UNCERTAIN, 8, params, observation, truth)
    np.testing.assert_allclose(missed, wanted, rtol=1e-5)


@pytest.mark.slow
def test_estimates_of_noisy_gains_are_better_than_what_is_heard():
    """After half a minute; no estimate can have less error than the posterior's 3.75 dB."""
    environment = Environment(SCENARIOS["noisy"])
    layout = environment.layout
    network = estimator.Estimator(layout, 32)
    optimiser = optax.adam(optax.cosine_decay_schedule(1e-2, 400))

    def drawn_slots(key, count):
        waiting = collect.reset(environment, key, count)
        truth = jax.vmap(environment.truth)(waiting.state)
        return layout.split(waiting.observation).entries, truth

    @jax.jit
    def train(params):
        def step(carry, key):
            params, state = carry
            entries, truth = drawn_slots(key, 256)

            def missed(params):
                found = network.apply({"params": params}, entries)
                error = (truth - found.mean) / found.deviation
                return jnp.mean(0.5 * error**2 + jnp.log(found.deviation))

            updates, state = optimiser.update(jax.grad(missed)(params), state, params)
            return (optax.apply_updates(params, updates), state), None

        carry, _ = jax.lax.scan(
            step, (params, optimiser.init(params)), jax.random.split(jax.random.key(1), 400)
        )
        return carry[0]

    entries, truth = drawn_slots(jax.random.key(2), 1024)
    params = train(network.init(jax.random.key(0), entries)["params"])
    found = jax.jit(network.apply)({"params": params}, entries)
    error_db = 20.0 * np.asarray(truth - found.mean)
    heard_db = 20.0 * np.asarray(truth - entries[:, 8:])
    assert 5.8 < np.sqrt(np.mean(heard_db**2)) < 6.2
    assert 3.7 < np.sqrt(np.mean(error_db**2)) < 4.8
    scaled = error_db / (20.0 * np.asarray(found.deviation))
    assert 0.9 < np.sqrt(np.mean(scaled**2)) < 1.1


def test_what_is_shown_in_training_is_what_is_hidden():
    environment = Environment(SMALL)
    observation, state = jax.vmap(environment.reset)(jax.random.split(jax.random.key(0), 16))
    truth = jax.vmap(environment.truth)(state)
    heard = environment.layout.split(observation).entries[:, 3:]
    np.testing.assert_allclose(20.0 * (heard - truth), state.evidence.error_db, atol=1e-3)
    gains = jax.vmap(slots.gains)(state.slot)[:, 3:]
    wanted = (knowledge.to_db(SMALL.max_power_w * gains) - 20.0) / 20.0
    np.testing.assert_allclose(truth, wanted, atol=1e-5)


def test_places_are_those_of_the_scenario():
    layout = Environment(SCENARIOS["noisy"]).layout
    places = np.asarray(layout.places)
    assert layout.uncertain and places.shape == (48, 8)
    scenario = SCENARIOS["noisy"]
    nearest = scenario.reference_gain_db - scenario.noise_power_dbm + 30.0 - 10.0 - 2.507
    np.testing.assert_allclose(np.diag(places), (nearest - 20.0) / 20.0, atol=1e-4)
    neighbour = nearest - 10.0 * scenario.path_loss_exponent * np.log10(scenario.spacing_m)
    np.testing.assert_allclose(places[0, 1], (neighbour - 20.0) / 20.0, atol=1e-4)
    for name in ("dense", "hidden", "sensed"):
        assert not Environment(SCENARIOS[name]).layout.uncertain
    assert table.laid_out("interference", layout) == dataclasses.replace(
        layout, uncertain=False, places=()
    )


@pytest.mark.slow
def test_a_training_with_estimates_goes_on_exactly_where_it_was_left(monkeypatch):
    start_quickly(monkeypatch)
    training = Training(LEARNING, Environment(SMALL), devices=1)
    state, metrics = training.run(training.init([0, 1]), 2)
    assert np.isfinite(metrics["estimator_loss"]).all()
    stored = jax.tree.map(jnp.copy, state.replicas)
    before = jax.tree.map(np.asarray, state.learner.actor)
    ended, _ = training.run(state, 2)
    again, _ = training.run(State(stored, 2), 2)
    assert apart(ended.learner, again.learner) == 0.0
    (moved,) = estimator.estimators(ended.learner.actor)
    (first,) = estimator.estimators(before)
    assert np.abs(moved["places"] - first["places"]).max() > 1e-5


def test_without_errors_there_is_nothing_to_estimate():
    agent = learner.make_agent(LEARNING, Environment(SCENARIOS["dense"]))
    assert not agent.estimates and agent.layout is not None and agent.layout.slopes
    assert not estimator.estimators(shapes_of(agent.policy))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Layout(2, (0, 1), 1, uncertain=True, places=((1.0, 2.0),)),
            "`places` must be more than 2 rows of 2 entries where entries are uncertain, but has 1",
        ),
        (
            lambda: Training(
                dataclasses.replace(LEARNING, gradient="critic"), Environment(SMALL), devices=1
            ),
            "`gradient` must be environment or smooth where what is observed with errors is",
        ),
        (
            lambda: Training(LEARNING, Silent(), devices=1),  # pyright: ignore
            "`network` must not be unfolded where the environment does not show the truth of what",
        ),
        (
            lambda: Trained(SMALL, LEARNING, {}, {}).at(Size(2, 2, 1)),
            "the networks must not estimate gains to act at size 2x1, but do, and serve 3x2 only",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        make()


def test_a_policy_that_estimates_is_read_as_it_was_written(tmp_path):
    agent = learner.make_agent(LEARNING, Environment(SMALL))
    actor, critic = jax.tree.map(
        lambda x: jnp.zeros((1, *x.shape)),
        jax.eval_shape(lambda key: learner.networks(agent, key), jax.random.key(0)),
    )
    actor = jax.tree.map(lambda x: x + 0.5, actor)
    policy_file.save(tmp_path / "policy.npz", Trained(SMALL, LEARNING, actor, critic), {})
    read = policy_file.load(tmp_path / "policy.npz")
    assert read.config == LEARNING and apart(read.actor, actor) == 0.0

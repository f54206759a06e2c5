"""The mixture of experts: its gate, what experts learn from, balance and load."""

import functools

import jax
import numpy as np
import pytest

from jaxsec.diffusion import chain
from jaxsec.rl import networks
from jaxsec.rl.diffusion import Diffusion
from jaxsec.rl.moe import MixtureOfExperts
from tests.policy_cases import (
    ACT,
    GATED,
    HEAD,
    PROPOSE,
    STEPS,
    VALUE,
    WIDTH,
    A,
    B,
    O,
    drawn,
    learn,
    noise_of,
    normal,
    posterior_loop,
    same,
)


def mixture(**options):
    """A mixture whose experts differ and whose gate selects every one of them somewhere."""
    policy = MixtureOfExperts(
        O, A, WIDTH, STEPS, **{"load_balance_weight": 0.0, "shared_fraction": 0.0, **options}
    )
    noise, observation = map(np.asarray, (noise_of(policy, B), normal(5, B, O)))
    return policy, drawn(policy), noise, 2 * observation


def expert(params, k):
    """Its parameters, as those of a plain diffusion policy."""
    return {"trunk": params["bottom"], "head": jax.tree.map(lambda x: x[k], params["heads"])}


def with_logits(policy, params, observation, logits):
    """Parameters whose gate gives these logits in these states."""
    features = np.asarray(GATED(policy, params, observation).features)
    kernel, bias = np.linalg.pinv(features) @ logits, np.zeros(logits.shape[1])
    return {**params, "gate": {"kernel": kernel, "bias": bias}}


def softmax(logits):
    weight = np.exp(logits)
    return weight / weight.sum(axis=-1, keepdims=True)


def test_one_expert_is_the_plain_diffusion_policy(float64):
    policy, params, noise, observation = mixture(num_experts=1)
    wanted = ACT(Diffusion(O, A, WIDTH, STEPS), expert(params, 0), noise, observation)
    np.testing.assert_allclose(ACT(policy, params, noise, observation), wanted, rtol=1e-10)


def test_the_selected_expert_acts(float64):
    policy, params, noise, observation = mixture()
    gated = GATED(policy, params, observation)
    largest = np.argmax(gated.weight, axis=1)
    assert set(largest.tolist()) == {0, 1, 2}
    np.testing.assert_allclose(gated.selected, np.eye(3)[largest], rtol=1e-12)
    each = np.asarray(PROPOSE(policy, params, noise, gated.features))
    for k in range(3):
        alone = ACT(Diffusion(O, A, WIDTH, STEPS), expert(params, k), noise, observation)
        np.testing.assert_allclose(each[k], alone, rtol=1e-9)
    chosen = each[largest, np.arange(B)]
    np.testing.assert_allclose(ACT(policy, params, noise, observation), chosen, rtol=1e-12)


def test_the_gate_climbs_its_expected_value(float64):
    """∂/∂gate of Σ_k p_k·Q(s, a_k), by central differences, the experts being what they are."""
    policy, params, noise, observation = mixture()
    gradient = jax.tree.map(np.asarray, learn(policy, params, noise, observation)[1])
    features = GATED(policy, params, observation).features
    each = np.asarray(PROPOSE(policy, params, noise, features))
    values = np.stack([VALUE(observation, action) for action in each], axis=-1)
    at = {name: np.asarray(x) for name, x in params["gate"].items()}

    def expected(gate):
        weight = softmax(np.asarray(features) @ gate["kernel"] + gate["bias"])
        return np.mean(np.sum(weight * values, axis=1))

    for name, x in at.items():
        for place in np.ndindex(*x.shape):
            step = np.zeros_like(x)
            step[place] = 1e-6
            rise = expected({**at, name: x + step}) - expected({**at, name: x - step})
            np.testing.assert_allclose(gradient["gate"][name][place], -rise / 2e-6, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("specialist", ["selected", "best"])
def test_an_expert_learns_where_it_is_selected_or_best_and_nowhere_else(specialist, float64):
    """Alone in the states that are its own, it would learn the same."""
    policy, params, noise, observation = mixture(specialist=specialist)
    gradient = jax.tree.map(np.asarray, learn(policy, params, noise, observation)[1])
    gated = GATED(policy, params, observation)
    each = np.asarray(PROPOSE(policy, params, noise, gated.features))
    values = np.stack([VALUE(observation, action) for action in each], axis=-1)
    owners = {"selected": np.argmax(gated.weight, axis=1), "best": np.argmax(values, axis=1)}
    assert np.any(owners["selected"] != owners["best"])
    largest = owners[specialist]
    counts = np.bincount(largest, minlength=3)
    assert counts.min() > 0
    gdm = Diffusion(O, A, WIDTH, STEPS)
    k = int(np.argmax(counts))
    (index,) = np.nonzero(largest == k)
    _, alone = learn(gdm, expert(params, k), noise[:, index], observation[index])
    close = functools.partial(np.testing.assert_allclose, rtol=1e-8, atol=1e-12)
    share = counts[k] / B
    jax.tree.map(lambda x, y: close(x[k], share * np.asarray(y)), gradient["heads"], alone["head"])


def test_an_expert_that_is_never_selected_does_not_learn(float64):
    policy, params, noise, observation = mixture()
    never = {**params["gate"], "bias": params["gate"]["bias"] - np.asarray([0.0, 50.0, 0.0])}
    _, gradient = learn(policy, {**params, "gate": never}, noise, observation)
    heads = [np.asarray(x) for x in jax.tree.leaves(gradient["heads"])]
    size = lambda k: max(np.abs(x[k]).max() for x in heads)  # noqa: E731
    assert size(1) == 0.0
    assert size(0) + size(2) > 0.0


@pytest.mark.slow
def test_experts_learn_from_one_anothers_states_as_far_as_they_share(float64):
    """With a part σ shared, an expert's weight in a state is (1 - σ) where selected, plus σ/3."""
    gradients = {}
    for shared in (0.0, 1.0, 0.4):
        policy, params, noise, observation = mixture(shared_fraction=shared)
        gradient = learn(policy, params, noise, observation)[1]
        gradients[shared] = jax.tree.map(np.asarray, gradient["heads"])
    gdm = Diffusion(O, A, WIDTH, STEPS)
    alone = jax.tree.map(np.asarray, learn(gdm, expert(params, 1), noise, observation)[1])
    close = functools.partial(np.testing.assert_allclose, rtol=1e-8, atol=1e-12)
    jax.tree.map(lambda x, y: close(x[1], y / 3), gradients[1.0], alone["head"])
    mixed = jax.tree.map(lambda x, y: 0.6 * x + 0.4 * y, gradients[0.0], gradients[1.0])
    jax.tree.map(close, gradients[0.4], mixed)


@pytest.mark.parametrize("num_selected", [2, 3])
def test_several_experts_mix_their_predictions_at_every_step(num_selected, float64):
    policy, params, noise, observation = mixture(num_selected=num_selected)
    gated = GATED(policy, params, observation)
    features, gate = np.asarray(gated.features), params["gate"]
    weight = softmax(features @ np.asarray(gate["kernel"]) + np.asarray(gate["bias"]))
    np.testing.assert_allclose(gated.weight, weight, rtol=1e-9)
    np.put_along_axis(weight, np.argsort(weight, axis=1)[:, : 3 - num_selected], 0.0, axis=1)
    weight /= weight.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gated.selected, weight, rtol=1e-9)

    def predict(x, t):
        outs = [
            HEAD(policy, expert(params, k)["head"], x, networks.embed_time(t), features)
            for k in range(3)
        ]
        return np.einsum("be,eba->ba", weight, np.stack(outs))

    wanted = posterior_loop(chain.variance_preserving(STEPS), predict, noise, np.tanh, "start")
    np.testing.assert_allclose(ACT(policy, params, noise, observation), wanted, rtol=1e-8)


@functools.partial(jax.jit, static_argnums=0)
def balance(policy, params, noise, observation):
    """The load-balancing term, and its gradient in the gate."""

    def term(gate):
        value = lambda action: 0.0 * action[:, 0]  # noqa: E731
        return policy.loss({**params, "gate": gate}, noise, observation, value, same).loss

    return jax.value_and_grad(term)(params["gate"])


@pytest.mark.parametrize("num_selected", [1, 2])
def test_the_balance_is_least_for_experts_used_alike(num_selected, float64):
    policy, params, noise, observation = mixture(load_balance_weight=1.0, num_selected=num_selected)
    noise, observation = noise[:, :3], observation[:3]
    even = 2.0 * np.eye(3) if num_selected == 1 else 2.0 * (1 - np.eye(3))
    fair = with_logits(policy, params, observation, even)
    found, _ = balance(policy, fair, noise, observation)
    assert float(found) == pytest.approx(1.0)

    logits = np.array([[2.0, 1.0, 0.0]] * 3)
    skewed = with_logits(policy, params, observation, logits)
    found, gradient = balance(policy, skewed, noise, observation)
    p = softmax(logits[0])
    assert float(found) == pytest.approx(3 / num_selected * p[:num_selected].sum())
    assert float(found) > 1.2
    # Down the gradient, what is used too much weighs less, and what starves weighs more.
    gate = {name: x - 0.1 * np.asarray(gradient[name]) for name, x in skewed["gate"].items()}
    after = np.mean(GATED(policy, {**skewed, "gate": gate}, observation).weight, axis=0)
    assert after[:num_selected].sum() < p[:num_selected].sum() and after[2] > p[2]
    assert balance(policy, {**skewed, "gate": gate}, noise, observation)[0] < found


@pytest.mark.slow
@pytest.mark.parametrize("num_selected", [1, 2, 3])
def test_load_and_entropy_keep_to_their_ranges(num_selected, float64):
    """Also where weights are equal, or nothing."""
    policy, params, noise, observation = mixture(num_selected=num_selected)
    for sharpness in (0.0, 1.0, 1000.0):
        gate = {name: sharpness * x for name, x in params["gate"].items()}
        sharp = {**params, "gate": gate}
        watched = learn(policy, sharp, noise, observation)[0][1]
        load = [float(watched[f"expert_load_{k}"]) for k in range(3)]
        assert min(load) >= 0 and max(load) <= 1
        if sharpness <= 1.0:  # an expert of no weight at all does not act
            assert sum(load) == pytest.approx(num_selected)
        assert -1e-8 <= float(watched["gate_entropy"]) <= np.log(3)
        kept = np.asarray(GATED(policy, sharp, observation).selected)
        np.testing.assert_allclose(kept.sum(axis=1), 1.0, rtol=1e-9)
        assert ((kept > 0).sum(axis=1) <= num_selected).all()

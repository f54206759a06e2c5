"""Policies and their networks: actions, losses, gradients, sizes, and the table of names."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.diffusion import chain
from jaxsec.rl import networks, table
from jaxsec.rl.deterministic import Deterministic
from jaxsec.rl.diffusion import Diffusion
from jaxsec.rl.moe import MixtureOfExperts
from tests.policy_cases import (
    ACT,
    EVERY,
    HEAD,
    STEPS,
    VALUE,
    WIDTH,
    A,
    B,
    O,
    drawn,
    example,
    learn,
    make,
    normal,
    posterior_loop,
)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["ddpg", "gdm", "moe-gdm"])
def test_fresh_policies_act_near_the_middle(which):
    policy, _, noise, observation = example(which)
    params = jax.jit(policy.init)(jax.random.key(0))
    assert jax.tree.structure(params) == jax.tree.structure(drawn(policy))
    assert np.abs(ACT(policy, params, noise, observation)).mean() < 0.5


@pytest.mark.parametrize("which", EVERY)
def test_actions_are_one_a_state_and_in_range(which, float64):
    """Each follows from its own state and noise, which is the array's last axis but one."""
    policy, params, noise, observation = example(which)
    noise, observation = map(np.asarray, (noise, observation))
    action = np.asarray(ACT(policy, params, noise, observation))
    assert action.shape == (B, A)
    assert np.abs(action).max() <= 1
    order = np.random.default_rng(0).permutation(B)
    moved = ACT(policy, params, noise[..., order, :], observation[order])
    np.testing.assert_allclose(moved, action[order], rtol=1e-10)
    far = ACT(policy, params, noise, 1e4 * observation)
    assert np.abs(far).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("which", EVERY)
def test_the_loss_is_minus_the_mean_value_of_the_actions(which, float64):
    policy, params, noise, observation = example(
        which, load_balance_weight=0.0, shared_fraction=0.0
    )
    (found, _), _ = learn(policy, params, noise, observation)
    wanted = -np.mean(VALUE(observation, ACT(policy, params, noise, observation)))
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("which", [name for name in EVERY if name != "moe-gdm"])
def test_gradients_run_through_the_whole_chain(which, float64):
    """Against central differences along random directions. Where one expert is selected, the loss
    is not what is differentiated: that has its own tests."""
    policy, params, noise, observation = example(
        which, load_balance_weight=0.0, shared_fraction=0.0
    )
    _, gradient = learn(policy, params, noise, observation)
    for seed in range(3):
        way = drawn(policy, seed + 1)

        def loss(h, way=way):
            moved = jax.tree.map(lambda p, w: p + h * w, params, way)
            return float(learn(policy, moved, noise, observation)[0][0])

        found = sum(map(np.vdot, jax.tree.leaves(gradient), jax.tree.leaves(way)))
        np.testing.assert_allclose(found, (loss(1e-6) - loss(-1e-6)) / 2e-6, rtol=1e-5, atol=1e-8)
    assert min(np.abs(g).max() for g in jax.tree.leaves(gradient)) > 0


def test_a_head_reads_its_features_once_or_every_time(float64):
    policy, params, _, _ = example("gdm")
    x, features, time = normal(0, B, A), normal(1, B, WIDTH), networks.embed_time(3)
    head = {"params": params["head"]}

    @jax.jit
    def split(x, features):
        read = policy.head.apply(head, features, method="read")
        return policy.head.apply(head, x, time, read, method="predict")

    whole = HEAD(policy, params["head"], x, time, features)
    np.testing.assert_allclose(split(x, features), whole, rtol=1e-12)


def test_a_chain_computes_once_what_depends_on_the_state_alone(float64):
    """It acts as one that runs trunk and head anew at every step."""
    policy, params, noise, observation = example("gdm")
    trunk = jax.jit(lambda o: policy.trunk.apply({"params": params["trunk"]}, o))

    def predict(x, t):
        return HEAD(policy, params["head"], x, networks.embed_time(t), trunk(observation))

    wanted = posterior_loop(chain.variance_preserving(STEPS), predict, noise, np.tanh, "start")
    np.testing.assert_allclose(ACT(policy, params, noise, observation), wanted, rtol=1e-9)


@pytest.mark.parametrize(
    ("observed", "acts", "width"), [(18, 3, 128), (104, 8, 128), (20, 10, 256)]
)
def test_policies_of_one_width_have_as_many_parameters(observed, acts, width):
    def count(policy):
        shapes = jax.eval_shape(policy.init, jax.random.key(0))
        return sum(int(np.prod(x.shape)) for x in jax.tree.leaves(shapes))

    plain = count(Deterministic(observed, acts, width))
    assert count(Diffusion(observed, acts, width)) == pytest.approx(plain, rel=0.1)


def test_times_are_told_apart():
    times = np.concatenate([networks.embed_time(t) for t in range(50)])
    apart = np.linalg.norm(times[:, None] - times[None], axis=-1) + np.eye(50)
    assert apart.min() > 0.1


def test_critics_are_independent_but_for_their_trunk():
    critic = networks.Critic(WIDTH)
    observation, action = normal(0, B, O), normal(1, B, A)
    params = jax.jit(critic.init)(jax.random.key(0), observation, action)
    values = jax.jit(critic.apply)(params, observation, action)
    assert values.shape == (2, B)
    assert not np.allclose(values[0], values[1], atol=1e-3)


def test_every_name_makes_its_policy():
    kinds = {"moe-gdm": MixtureOfExperts, "gdm": Diffusion, "mlp": Deterministic}
    assert set(table.POLICIES) == {*kinds, "ddpg"}
    for name in table.POLICIES:
        assert type(make(name)) is kinds.get(name, Deterministic)
        assert table.num_values(name) == (1 if name == "ddpg" else 2)
    policy = make(
        "moe-gdm", num_steps=4, num_experts=5, num_selected=2, load_balance_weight=0.3, bound="clip"
    )
    assert policy == MixtureOfExperts(O, A, WIDTH, 4, "clip", "start", 5, 2, 0.3)
    policy = make("moe-gdm", specialist="best", shared_fraction=0.3)
    assert policy == MixtureOfExperts(
        O, A, WIDTH, STEPS, specialist="best", shared_fraction=0.3, load_balance_weight=0.01
    )


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("sac", {}, "`policy` must be one of moe-gdm, gdm, mlp, ddpg, but is 'sac'"),
        ("gdm", {"width": 0}, "`width` must be at least 1, but is 0"),
        ("gdm", {"num_steps": 0}, "`num_steps` must be at least 1, but is 0"),
        ("gdm", {"bound": "sigmoid"}, "`bound` must be one of tanh, clip, hold, but is 'sigmoid'"),
        ("gdm", {"prediction": "x"}, "`prediction` must be one of start, noise, but is 'x'"),
        ("moe-gdm", {"num_experts": 0}, "`num_experts` must be at least 1, but is 0"),
        ("moe-gdm", {"num_selected": 4}, r"`num_selected` must lie in \[1, 3\], .* but is 4"),
        ("moe-gdm", {"num_selected": 0}, r"`num_selected` must lie in \[1, 3\], .* but is 0"),
        (
            "moe-gdm",
            {"specialist": "all"},
            "`specialist` must be one of selected, best, but is 'all'",
        ),
        (
            "moe-gdm",
            {"specialist": "best", "num_selected": 2},
            "`specialist` must be selected .*, with `num_selected` 2, but is 'best'",
        ),
    ],
)
def test_what_cannot_be_made_is_named(name, change, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        table.make(name, O, A, **{"width": WIDTH, **change})


def test_mish_is_that_of_the_textbook_and_stays_finite():
    near, far = np.linspace(-30.0, 30.0, 301), [-1e30, -200.0, 1e4, 1e30]
    x = jnp.asarray(np.concatenate((near, far)), jnp.float32)
    (found, slope), (wanted, its_slope) = (
        map(np.asarray, jax.jit(jax.vmap(jax.value_and_grad(f)))(x))
        for f in (networks.mish, jax.nn.mish)
    )
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(slope[:301], its_slope[:301], rtol=2e-5, atol=1e-5)
    assert np.isfinite(slope).all()

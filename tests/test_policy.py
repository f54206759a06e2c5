"""Policies: the denoising chain, its networks, the mixture of experts, and the replay buffer."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.policy import chain, networks, replay, table
from jaxsec.policy.deterministic import Deterministic
from jaxsec.policy.diffusion_policy import Diffusion
from jaxsec.policy.moe import MixtureOfExperts

pytestmark = pytest.mark.usefixtures("quick_compilation")

O, A, WIDTH, STEPS, B = 5, 3, 8, 3, 6
BOUNDS = ("tanh", "clip")
PREDICTIONS = ("start", "noise")


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape))


def same(tree):
    """Mean over the devices of a single one."""
    return tree


def drawn(policy, seed=0):
    """Parameters of its shapes; no bias is zero, and nothing is compiled."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(policy.init, jax.random.key(0)))
    scaled = [
        normal([seed, i], *x.shape) * (0.3 if x.ndim == 1 else x.shape[-2] ** -0.5)
        for i, x in enumerate(leaves)
    ]
    return jax.tree.unflatten(structure, scaled)


def noise_of(policy, batch, seed=1):
    shape = jax.eval_shape(lambda: policy.noise(jax.random.key(0), batch)).shape
    assert shape[-2] == batch
    return normal(seed, *shape)


def value_in(observation):
    """A smooth value of actions in states, whose best action moves with the state."""
    goal = jnp.tanh(observation[:, :A])
    return lambda action: -jnp.sum((action - goal) ** 2, axis=-1) + jnp.prod(action, axis=-1)


# Policies are hashable: what is compiled for one is found again by other tests.
ACT = jax.jit(lambda policy, *given: policy.act(*given), static_argnums=0)
GATED = jax.jit(lambda policy, *given: policy.gated(*given), static_argnums=0)
PROPOSE = jax.jit(lambda policy, *given: policy.propose(*given), static_argnums=0)
HEAD = jax.jit(
    lambda policy, head, x, time, features: policy.head.apply({"params": head}, x, time, features),
    static_argnums=0,
)


@functools.partial(jax.jit, static_argnums=0)
def learn(policy, params, noise, observation):
    """((loss, metrics), gradient)."""
    value = value_in(observation)
    return jax.value_and_grad(
        lambda p: policy.loss(p, noise, observation, value, same), has_aux=True
    )(params)


def posterior_loop(schedule, predict, noise, keep, prediction):
    """The chain in NumPy, its posteriors by Bayes' rule: precisions add."""
    noise = np.asarray(noise)
    num_steps = len(noise)
    x = noise[0]
    for t in range(num_steps - 1, -1, -1):
        beta, signal = schedule.beta[t], schedule.signal[t]
        out = np.asarray(predict(x, t))
        start = keep(
            out if prediction == "start" else (x - np.sqrt(1 - signal) * out) / signal**0.5
        )
        if t == 0:
            return np.clip(start, -1, 1)
        earlier = schedule.signal[t - 1]
        # q(x_t | x_{t-1}) as a Gaussian of x_{t-1}, times q(x_{t-1} | x_0).
        precision = (1 - beta) / beta + 1 / (1 - earlier)
        mean = np.sqrt(1 - beta) / beta * x + np.sqrt(earlier) / (1 - earlier) * start
        x = mean / precision + noise[num_steps - t] / np.sqrt(precision)
    raise AssertionError


KEEP = {"tanh": np.tanh, "clip": lambda x: np.clip(x, -1, 1)}


# ---------------------------------------------------------------------------------------- the chain


@pytest.mark.parametrize("num_steps", [1, 6, 50])
def test_the_schedule_is_that_of_an_ornstein_uhlenbeck_process(num_steps):
    """ᾱ_t = exp(−∫β), with the rate rising linearly over [0, 1]: the betas' product, summed up."""
    beta, signal = chain.variance_preserving(num_steps, 0.1, 10.0)
    s = np.arange(1, num_steps + 1) / num_steps
    np.testing.assert_allclose(signal, np.exp(-0.1 * s - 9.9 * s**2 / 2), rtol=1e-12)
    before = np.append(1.0, signal[:-1])
    np.testing.assert_allclose(beta, 1 - signal / before, rtol=1e-9)
    assert signal[-1] == pytest.approx(np.exp(-(0.1 + 10.0) / 2))  # whatever the number of steps
    assert (np.diff(beta) > 0).all() and (beta > 0).all() and (beta < 1).all()


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_predictor_that_knows_the_action_leads_to_it(bound, prediction, float64):
    action = jnp.asarray(np.random.default_rng(0).uniform(-0.9, 0.9, (B, A)))
    schedule = chain.variance_preserving(6)
    start = jnp.arctanh(action) if bound == "tanh" else action

    def predict(x, t):
        signal = schedule.signal[t]
        return start if prediction == "start" else (x - signal**0.5 * start) / (1 - signal) ** 0.5

    found = chain.denoise(schedule, predict, normal(1, 6, B, A), bound=bound, prediction=prediction)
    np.testing.assert_allclose(found, action, rtol=0, atol=1e-12)


@pytest.mark.parametrize("num_steps", [1, 2, 6])
@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_every_step_draws_from_the_posterior(num_steps, bound, prediction, float64):
    schedule, noise = chain.variance_preserving(num_steps), normal(0, num_steps, B, A)
    mix = np.random.default_rng(1).normal(size=(A, A))
    predict = lambda x, t: x @ mix * 0.3 + 0.1 * t  # noqa: E731
    found = chain.denoise(schedule, predict, noise, bound=bound, prediction=prediction)
    wanted = posterior_loop(schedule, predict, noise, KEEP[bound], prediction)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_gaussian_actions_come_out_as_they_are_distributed(float64):
    """With E[x_0 | x_t] for x_0 ~ N(m, s²), the chain is affine in its noise: its output has mean
    chain(0) and, as variance, the sum of the squared slopes."""
    m, s = 0.2, 0.2

    def expected(x, signal):
        gain = s**2 * signal**0.5 / (s**2 * signal + 1 - signal)
        return m + gain * (x - signal**0.5 * m)

    def moments(num_steps):
        """Of the output, from those of x_T step by step."""
        schedule = chain.variance_preserving(num_steps)
        mean, variance = 0.0, 1.0
        for t in range(num_steps - 1, -1, -1):
            beta, signal = schedule.beta[t], schedule.signal[t]
            earlier = schedule.signal[t - 1] if t else 1.0
            of_x = (1 - beta) ** 0.5 * (1 - earlier) / (1 - signal)
            of_start = earlier**0.5 * beta / (1 - signal)
            slope = of_x + of_start * (expected(1.0, signal) - expected(0.0, signal))
            mean = slope * mean + of_start * expected(0.0, signal)
            variance = slope**2 * variance + beta * (1 - earlier) / (1 - signal)
        return mean, variance

    schedule = chain.variance_preserving(6)
    predict = lambda x, t: expected(x, schedule.signal[t])  # noqa: E731
    units = jnp.eye(6, 7)[..., None]  # one a noise, and none at all
    out = chain.denoise(schedule, predict, units, bound="clip")[:, 0]
    mean, variance = moments(6)
    assert float(out[-1]) == pytest.approx(mean, rel=1e-9)
    assert float(jnp.sum((out[:-1] - out[-1]) ** 2)) == pytest.approx(variance, rel=1e-9)
    # And in short steps it is N(m, s²) itself.
    assert moments(4000) == pytest.approx((m, s**2), rel=1e-2)


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("num_steps", [1, 6])
def test_actions_keep_to_their_range(bound, prediction, num_steps):
    schedule, noise = chain.variance_preserving(num_steps), 3 * normal(2, num_steps, 50, A)
    for scale in (1.0, 30.0, 1e6):
        predict = lambda x, t, scale=scale: scale * (x + 0.1)  # noqa: E731
        found = chain.denoise(schedule, predict, noise, bound=bound, prediction=prediction)
        assert np.abs(found).max() <= 1.0


def test_a_cut_has_no_gradient_outside_and_tanh_has_one(float64):
    schedule, noise = chain.variance_preserving(6), normal(3, 6, 1)

    def action(start, bound):
        return chain.denoise(schedule, lambda x, t: start + 0 * x, noise, bound=bound)[0]

    slope = jax.grad(action)
    assert float(slope(2.0, "clip")) == 0.0
    assert float(slope(0.5, "clip")) == pytest.approx(1.0)
    assert float(slope(2.0, "tanh")) == pytest.approx(1 / np.cosh(2.0) ** 2)


# --------------------------------------------------------------------------- policies and networks


def make(name, **options):
    return table.make(name, O, A, **{"width": WIDTH, "num_steps": STEPS, **options})


EVERY = {
    "ddpg": {},
    "gdm": {},
    "gdm noise clip": {"prediction": "noise", "bound": "clip"},
    "moe-gdm": {},
    "moe-gdm 2 of 3": {"num_selected": 2},
    "moe-gdm soft": {"num_selected": 3},
}


def example(which, **options):
    policy = make(which.split()[0], **EVERY[which], **options)
    return policy, drawn(policy), noise_of(policy, B), normal(4, B, O)


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
    action = ACT(policy, params, noise, observation)
    assert action.shape == (B, A)
    assert np.abs(action).max() <= 1
    order = np.array([3, 1, 4, 0, 5, 2])
    moved = ACT(policy, params, noise[..., order, :], observation[order])
    np.testing.assert_allclose(moved, action[order], rtol=1e-10)
    far = ACT(policy, params, noise, 1e4 * observation)
    assert np.abs(far).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("which", EVERY)
def test_the_loss_is_minus_the_mean_value_of_the_actions(which, float64):
    policy, params, noise, observation = example(which, balance=0.0, sharing=0.0)
    (found, _), _ = learn(policy, params, noise, observation)
    wanted = -np.mean(value_in(observation)(ACT(policy, params, noise, observation)))
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("which", [name for name in EVERY if name != "moe-gdm"])
def test_gradients_run_through_the_whole_chain(which, float64):
    """Against central differences along random directions. Where one expert is selected, the loss
    is not what is differentiated: that has its own tests."""
    policy, params, noise, observation = example(which, balance=0.0)
    _, gradient = learn(policy, params, noise, observation)
    for seed in range(3):
        way = drawn(policy, seed + 1)

        def loss(h, way=way):
            moved = jax.tree.map(lambda p, w: p + h * w, params, way)
            return float(learn(policy, moved, noise, observation)[0][0])

        found = sum(map(np.vdot, jax.tree.leaves(gradient), jax.tree.leaves(way)))
        np.testing.assert_allclose(found, (loss(1e-6) - loss(-1e-6)) / 2e-6, rtol=1e-5, atol=1e-8)
    assert min(float(jnp.abs(g).max()) for g in jax.tree.leaves(gradient)) > 0


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


# ------------------------------------------------------------------------------- mixture of experts


def mixture(**options):
    """A mixture whose experts differ and whose gate selects every one of them somewhere."""
    policy = MixtureOfExperts(O, A, WIDTH, STEPS, **{"balance": 0.0, "sharing": 0.0, **options})
    return policy, drawn(policy), noise_of(policy, 12), 2 * normal(5, 12, O)


def expert(params, k):
    """Its parameters, as those of a plain diffusion policy."""
    return {"trunk": params["bottom"], "head": jax.tree.map(lambda x: x[k], params["heads"])}


def with_logits(policy, params, observation, logits):
    """Parameters whose gate gives these logits in these states."""
    features = np.asarray(GATED(policy, params, observation).features)
    kernel, bias = np.linalg.pinv(features) @ logits, np.zeros(logits.shape[1])
    return {**params, "gate": {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}}


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
    chosen = each[largest, np.arange(12)]
    np.testing.assert_allclose(ACT(policy, params, noise, observation), chosen, rtol=1e-12)


def test_the_gate_climbs_its_expected_value(float64):
    """∂/∂gate of Σ_k p_k·Q(s, a_k), by central differences, the experts being what they are."""
    policy, params, noise, observation = mixture()
    _, gradient = learn(policy, params, noise, observation)
    features = GATED(policy, params, observation).features
    each = PROPOSE(policy, params, noise, features)
    values = np.stack([value_in(observation)(action) for action in each], axis=-1)
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


def test_an_expert_learns_where_it_is_selected_and_nowhere_else(float64):
    """Alone in the states that select it, it would learn the same."""
    policy, params, noise, observation = mixture()
    _, gradient = learn(policy, params, noise, observation)
    largest = np.argmax(GATED(policy, params, observation).weight, axis=1)
    counts = np.bincount(largest, minlength=3)
    assert counts.min() > 0
    gdm = Diffusion(O, A, WIDTH, STEPS)
    k = int(np.argmax(counts))
    (index,) = np.nonzero(largest == k)
    _, alone = learn(gdm, expert(params, k), noise[:, index], observation[index])
    close = functools.partial(np.testing.assert_allclose, rtol=1e-8, atol=1e-12)
    share = counts[k] / 12
    jax.tree.map(lambda x, y: close(x[k], share * y), gradient["heads"], alone["head"])

    never = {**params["gate"], "bias": params["gate"]["bias"] - jnp.asarray([0.0, 50.0, 0.0])}
    _, gradient = learn(policy, {**params, "gate": never}, noise, observation)
    size = lambda k: max(np.abs(x[k]).max() for x in jax.tree.leaves(gradient["heads"]))  # noqa: E731
    assert size(1) == 0.0
    assert size(0) + size(2) > 0.0


@pytest.mark.slow
def test_experts_learn_from_one_anothers_states_as_far_as_they_share(float64):
    """With a part σ shared, an expert's weight in a state is (1 - σ) where selected, plus σ/3."""
    gradients = {}
    for sharing in (0.0, 1.0, 0.4):
        policy, params, noise, observation = mixture(sharing=sharing)
        gradients[sharing] = learn(policy, params, noise, observation)[1]["heads"]
    gdm = Diffusion(O, A, WIDTH, STEPS)
    _, alone = learn(gdm, expert(params, 1), noise, observation)
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
    policy, params, noise, observation = mixture(balance=1.0, num_selected=num_selected)
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
    gate = {name: x - 0.1 * gradient[name] for name, x in skewed["gate"].items()}
    after = np.mean(GATED(policy, {**skewed, "gate": gate}, observation).weight, axis=0)
    assert after[:num_selected].sum() < p[:num_selected].sum() and after[2] > p[2]
    assert balance(policy, {**skewed, "gate": gate}, noise, observation)[0] < found


@pytest.mark.slow
@pytest.mark.parametrize("num_selected", [1, 2, 3])
def test_usage_and_entropy_keep_to_their_ranges(num_selected, float64):
    """Also where weights are equal, or nothing."""
    policy, params, noise, observation = mixture(num_selected=num_selected)
    for sharpness in (0.0, 1.0, 1000.0):
        gate = {name: sharpness * x for name, x in params["gate"].items()}
        sharp = {**params, "gate": gate}
        watched = learn(policy, sharp, noise, observation)[0][1]
        usage = [float(watched[f"usage_{k}"]) for k in range(3)]
        assert min(usage) >= 0 and max(usage) <= 1
        if sharpness <= 1.0:  # an expert of no weight at all does not act
            assert sum(usage) == pytest.approx(num_selected)
        assert -1e-8 <= float(watched["gate_entropy"]) <= np.log(3)
        kept = np.asarray(GATED(policy, sharp, observation).selected)
        np.testing.assert_allclose(kept.sum(axis=1), 1.0, rtol=1e-9)
        assert ((kept > 0).sum(axis=1) <= num_selected).all()


# ------------------------------------------------------------------------------------------- replay


def block(start, length):
    number = jnp.arange(start, start + length)
    return {"a": number.astype(float), "b": number[:, None] * jnp.ones((1, 2))}


def numbers(ring):
    return np.asarray(ring.transitions["a"]).tolist()


def test_a_ring_is_full_from_the_start_and_overwrites_its_oldest():
    ring = replay.fill(block(100, 4), 6)
    assert numbers(ring) == [100, 101, 102, 103, 100, 101]
    assert numbers(replay.fill(block(100, 9), 6)) == [100, 101, 102, 103, 104, 105]
    for turn in range(7):
        ring = replay.add(ring, block(2 * turn, 2), jnp.asarray(turn))
        newest = range(max(0, 2 * turn - 4), 2 * turn + 2)
        assert set(newest) <= set(numbers(ring))
    assert numbers(ring) == [12, 13, 8, 9, 10, 11]
    np.testing.assert_array_equal(ring.transitions["b"][:, 0], ring.transitions["a"])
    late = replay.add(ring, block(0, 2), jnp.asarray(2_000_000_000))  # of any number of turns
    assert numbers(late) == [12, 13, 8, 9, 0, 1]


def test_samples_are_uniform_over_what_is_in_the_ring():
    ring = replay.fill(block(10, 6), 6)
    drawn = replay.sample(jax.random.key(0), ring, 6000)
    np.testing.assert_array_equal(drawn["b"][:, 1], drawn["a"])  # rows stay together
    values, counts = np.unique(np.asarray(drawn["a"]), return_counts=True)
    assert values.tolist() == [10, 11, 12, 13, 14, 15]
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000 * 5 / 6)


def test_writing_is_compiled_once():
    chex.clear_trace_counter()
    add = jax.jit(chex.assert_max_traces(replay.add, n=1))
    ring = replay.fill(block(0, 6), 6)
    for turn in range(4):
        ring = add(ring, block(turn, 2), jnp.asarray(turn))


# -------------------------------------------------------------------------------------------- table


def test_every_name_makes_its_policy():
    kinds = {"moe-gdm": MixtureOfExperts, "gdm": Diffusion, "mlp": Deterministic}
    assert set(table.POLICIES) == {*kinds, "ddpg"}
    for name in table.POLICIES:
        assert type(make(name)) is kinds.get(name, Deterministic)
        assert table.num_values(name) == (1 if name == "ddpg" else 2)
    policy = make("moe-gdm", num_steps=4, num_experts=5, num_selected=2, balance=0.3, bound="clip")
    assert policy == MixtureOfExperts(O, A, WIDTH, 4, "clip", "start", 5, 2, 0.3)


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
    ],
)
def test_what_cannot_be_made_is_named(name, change, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        table.make(name, O, A, **{"width": WIDTH, **change})


def test_mish_is_that_of_the_textbook_and_stays_finite():
    x = jnp.concatenate((jnp.linspace(-30.0, 30.0, 301), jnp.asarray([-1e30, -200.0, 1e4, 1e30])))
    np.testing.assert_allclose(networks.mish(x), jax.nn.mish(x), rtol=2e-5, atol=1e-6)
    slope, wanted = (jax.vmap(jax.grad(f))(x[:301]) for f in (networks.mish, jax.nn.mish))
    np.testing.assert_allclose(slope, wanted, rtol=2e-5, atol=1e-5)
    assert np.isfinite(jax.vmap(jax.grad(networks.mish))(x)).all()

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

O, A, WIDTH, B = 5, 3, 8, 6
BOUNDS = ("tanh", "clip")
PREDICTIONS = ("start", "noise")


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape))


def wide(tree):
    """In double precision, where that is enabled."""
    return jax.tree.map(lambda x: jnp.asarray(x, float), tree)


def same(tree):
    """Mean over the devices of a single one."""
    return tree


def drifted(params, seed=0):
    """Parameters some way from where they were initialised; no bias is zero."""
    leaves, structure = jax.tree.flatten(params)
    moved = [leaf + 0.2 * normal([seed, i], *leaf.shape) for i, leaf in enumerate(leaves)]
    return wide(jax.tree.unflatten(structure, moved))


def posterior_loop(schedule, predict, noise, keep, prediction):
    """The chain in NumPy, its posteriors by Bayes' rule: precisions add."""
    noise = np.asarray(noise)
    num_steps = len(noise)
    x = noise[0]
    for t in range(num_steps - 1, -1, -1):
        beta, signal = schedule.beta[t], schedule.signal[t]
        out = np.asarray(predict(x, t))
        start = keep(out if prediction == "start" else (x - np.sqrt(1 - signal) * out) / signal**0.5)
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
    m, s = 0.2, 0.1

    def moments(num_steps):
        schedule = chain.variance_preserving(num_steps)

        def predict(x, t):
            signal = schedule.signal[t]
            gain = s**2 * signal**0.5 / (s**2 * signal + 1 - signal)
            return m + gain * (x - signal**0.5 * m)

        units = jnp.eye(num_steps, num_steps + 1)[..., None]  # one a noise, and none at all
        out = chain.denoise(schedule, predict, units, bound="clip")[:, 0]
        return schedule, float(out[-1]), float(jnp.sum((out[:-1] - out[-1]) ** 2))

    mean, variance = 0.0, 1.0  # of x_T; then step by step
    schedule, got_mean, got_variance = moments(6)
    for t in range(5, -1, -1):
        beta, signal = schedule.beta[t], schedule.signal[t]
        earlier = schedule.signal[t - 1] if t else 1.0
        gain = s**2 * signal**0.5 / (s**2 * signal + 1 - signal)
        of_start = earlier**0.5 * beta / (1 - signal)
        slope = of_start * gain + (1 - beta) ** 0.5 * (1 - earlier) / (1 - signal)
        mean = slope * mean + of_start * (m - gain * signal**0.5 * m)
        variance = slope**2 * variance + beta * (1 - earlier) / (1 - signal)
    assert got_mean == pytest.approx(mean, rel=1e-9)
    assert got_variance == pytest.approx(variance, rel=1e-9)

    # And with many steps it is N(m, s²) itself.
    _, mean, variance = moments(200)
    assert mean == pytest.approx(m, rel=1e-2)
    assert variance == pytest.approx(s**2, rel=0.1)


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


# ----------------------------------------------------------------------------- policies and networks


def make(name, **options):
    return table.make(name, O, A, width=WIDTH, **options)


def value_in(observation):
    """A smooth value of actions in states, whose best action moves with the state."""
    goal = jnp.tanh(observation[:, :A])
    return lambda action: -jnp.sum((action - goal) ** 2, axis=-1) + jnp.prod(action, axis=-1)


EVERY = {
    "ddpg": {},
    "gdm": {},
    "gdm noise clip": {"prediction": "noise", "bound": "clip"},
    "moe-gdm": {},
    "moe-gdm 2 of 3": {"num_selected": 2},
    "moe-gdm soft": {"num_selected": 3},
}


@functools.cache
def example(which):
    policy = make(which.split()[0], **EVERY[which])
    return policy, policy.init(jax.random.key(0))


@pytest.mark.parametrize("which", EVERY)
def test_actions_are_one_a_state_and_in_range(which):
    """Each follows from its own state and noise, which is the array's last axis but one."""
    policy, params = example(which)
    noise, observation = policy.noise(jax.random.key(1), B), normal(0, B, O)
    assert noise.shape[-2] == B
    act = jax.jit(policy.act)
    action = act(params, noise, observation)
    assert action.shape == (B, A)
    assert np.abs(action).max() <= 1
    order = np.array([3, 1, 4, 0, 5, 2])
    moved = act(params, noise[..., order, :], observation[order])
    np.testing.assert_allclose(moved, action[order], rtol=1e-5, atol=1e-6)
    far = act(params, noise, 1e4 * observation)
    assert np.abs(far).max() <= 1


@pytest.mark.parametrize("which", EVERY)
def test_the_loss_is_minus_the_mean_value_of_the_actions(which):
    policy, params = example(which)
    if isinstance(policy, MixtureOfExperts):
        policy = make("moe-gdm", **EVERY[which], balance=0.0)
    noise, observation = policy.noise(jax.random.key(2), B), normal(1, B, O)
    value = value_in(observation)
    found = policy.loss(params, noise, observation, value, same).loss
    wanted = -jnp.mean(value(policy.act(params, noise, observation)))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("which", [name for name in EVERY if name != "moe-gdm"])
def test_gradients_run_through_the_whole_chain(which, float64):
    """Against central differences along random directions. Where one expert is selected, the loss
    is not what is differentiated: that has its own tests."""
    policy, params = example(which)
    params = drifted(params)
    noise, observation = wide(policy.noise(jax.random.key(1), B)), normal(4, B, O)
    value = value_in(observation)
    loss = jax.jit(lambda p: policy.loss(p, noise, observation, value, same).loss)
    gradient = jax.grad(loss)(params)
    for seed in range(3):
        way = jax.tree.map(lambda x: normal(seed, *x.shape), params)  # noqa: B023
        moved = lambda h: jax.tree.map(lambda p, w: p + h * w, params, way)  # noqa: B023, E731
        slope = float(loss(moved(1e-6)) - loss(moved(-1e-6))) / 2e-6
        found = sum(jax.tree.leaves(jax.tree.map(jnp.vdot, gradient, way)))
        np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-8)
    everywhere = [float(jnp.abs(g).max()) for g in jax.tree.leaves(gradient)]
    assert min(everywhere) > 0


def test_a_head_reads_its_features_once_or_every_time(float64):
    head = networks.Head(A, WIDTH, jax.nn.mish)
    x, features, time = normal(0, B, A), normal(1, B, WIDTH), networks.embed_time(3)
    params = {"params": drifted(head.init(jax.random.key(0), x, time, features)["params"])}
    read = head.apply(params, features, method="read")
    split = head.apply(params, x, time, read, method="predict")
    np.testing.assert_allclose(split, head.apply(params, x, time, features), rtol=1e-12)


def test_a_chain_computes_once_what_depends_on_the_state_alone(float64):
    """It acts as one that runs trunk and head anew at every step."""
    policy = Diffusion(O, A, WIDTH)
    params = drifted(policy.init(jax.random.key(0)))
    noise, observation = wide(policy.noise(jax.random.key(1), B)), normal(0, B, O)

    def predict(x, t):
        features = policy.trunk.apply({"params": params["trunk"]}, observation)
        time = networks.embed_time(t)
        return policy.head.apply({"params": params["head"]}, jnp.asarray(x), time, features)

    wanted = posterior_loop(chain.variance_preserving(6), predict, noise, np.tanh, "start")
    np.testing.assert_allclose(policy.act(params, noise, observation), wanted, rtol=1e-9)


@pytest.mark.parametrize(("observed", "acts", "width"), [(18, 3, 128), (104, 8, 128), (20, 10, 256)])
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
    params = critic.init(jax.random.key(0), observation, action)
    values = critic.apply(params, observation, action)
    assert values.shape == (2, B)
    assert not np.allclose(values[0], values[1], atol=1e-3)


# ------------------------------------------------------------------------------- mixture of experts


def mixture(**options):
    """A mixture whose experts differ and whose gate selects every one of them somewhere."""
    policy = MixtureOfExperts(O, A, WIDTH, **{"balance": 0.0, **options})
    params = drifted(policy.init(jax.random.key(0)))
    noise, observation = wide(policy.noise(jax.random.key(1), 12)), 2 * normal(5, 12, O)
    return policy, params, noise, observation


def with_logits(policy, params, observation, logits):
    """Parameters whose gate gives these logits in these states."""
    features = policy.bottom.apply({"params": params["bottom"]}, observation)
    gate = {"kernel": jnp.linalg.pinv(features) @ logits, "bias": jnp.zeros(logits.shape[1])}
    return {**params, "gate": wide(gate)}


def test_one_expert_is_the_plain_diffusion_policy(float64):
    policy, params, noise, observation = mixture(num_experts=1)
    plain = {"trunk": params["bottom"], "head": jax.tree.map(lambda x: x[0], params["heads"])}
    gdm = Diffusion(O, A, WIDTH)
    found = policy.act(params, noise, observation)
    np.testing.assert_allclose(found, gdm.act(plain, noise, observation), rtol=1e-10)


def test_the_selected_expert_acts(float64):
    policy, params, noise, observation = mixture()
    gated = policy.gated(params, observation)
    assert sorted(set(np.argmax(gated.weight, axis=1))) == [0, 1, 2]
    np.testing.assert_array_equal(np.sort(gated.selected, axis=1), [[0, 0, 1]] * 12)
    each = policy.propose(params, noise, gated.features)
    chosen = np.asarray(each)[np.argmax(gated.weight, axis=1), np.arange(12)]
    np.testing.assert_allclose(policy.act(params, noise, observation), chosen, rtol=1e-12)
    alone = Diffusion(O, A, WIDTH)
    for k in range(3):
        head = {"trunk": params["bottom"], "head": jax.tree.map(lambda x: x[k], params["heads"])}  # noqa: B023
        np.testing.assert_allclose(each[k], alone.act(head, noise, observation), rtol=1e-9)


def gradient_of(policy, params, noise, observation):
    value = value_in(observation)
    return jax.jit(
        jax.grad(lambda p: policy.loss(p, noise, observation, value, same).loss)
    )(params)


def test_the_gate_climbs_its_expected_value(float64):
    """∂/∂gate of Σ_k p_k·Q(s, a_k), by central differences, the experts being what they are."""
    policy, params, noise, observation = mixture()
    found = gradient_of(policy, params, noise, observation)["gate"]
    features = policy.gated(params, observation).features
    values = np.stack(
        [value_in(observation)(a) for a in policy.propose(params, noise, features)], axis=-1
    )

    def expected(kernel, bias):
        logits = np.asarray(features) @ kernel + bias
        weight = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return np.mean(np.sum(weight * values, axis=1))

    at = [np.asarray(params["gate"][name]) for name in ("kernel", "bias")]
    for i, name in enumerate(("kernel", "bias")):
        wanted = np.zeros_like(at[i])
        for place in np.ndindex(*wanted.shape):
            step = [np.zeros_like(x) for x in at]
            step[i][place] = 1e-6
            ahead, behind = (expected(*(x + sign * d for x, d in zip(at, step, strict=True)))
                             for sign in (1, -1))
            wanted[place] = -(ahead - behind) / 2e-6
        np.testing.assert_allclose(found[name], wanted, rtol=1e-5, atol=1e-9)


def test_an_expert_learns_where_it_is_selected_and_nowhere_else(float64):
    policy, params, noise, observation = mixture()
    found = gradient_of(policy, params, noise, observation)["heads"]
    select = policy.gated(params, observation).selected
    value = value_in(observation)

    def acted(heads):
        """Mean value with the selection held."""
        features = policy.gated(params, observation).features
        each = policy.propose({**params, "heads": heads}, noise, features)
        return -jnp.mean(sum(select[:, k] * value(each[k]) for k in range(3)))

    wanted = jax.grad(acted)(params["heads"])
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-12), found, wanted)

    never = {**params["gate"], "bias": jnp.asarray([0.0, -50.0, 0.0])}
    found = gradient_of(policy, {**params, "gate": never}, noise, observation)["heads"]
    size = lambda k: max(float(jnp.abs(x[k]).max()) for x in jax.tree.leaves(found))  # noqa: E731
    assert size(1) == 0.0
    assert size(0) > 0.0
    assert size(2) > 0.0


@pytest.mark.parametrize("num_selected", [2, 3])
def test_several_experts_mix_their_predictions_at_every_step(num_selected, float64):
    policy, params, noise, observation = mixture(num_selected=num_selected)
    features = policy.bottom.apply({"params": params["bottom"]}, observation)
    gate = params["gate"]
    weight = np.exp(np.asarray(features @ gate["kernel"] + gate["bias"][None]))
    dropped = np.argsort(weight, axis=1)[:, : 3 - num_selected]
    np.put_along_axis(weight, dropped, 0.0, axis=1)
    weight /= weight.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(policy.gated(params, observation).selected, weight, rtol=1e-9)

    def predict(x, t):
        total = 0.0
        for k in range(3):
            head = {"params": jax.tree.map(lambda p: p[k], params["heads"])}  # noqa: B023
            time = networks.embed_time(t)
            out = policy.head.apply(head, jnp.asarray(x), time, features)
            total = total + weight[:, k : k + 1] * np.asarray(out)
        return total

    wanted = posterior_loop(chain.variance_preserving(6), predict, noise, np.tanh, "start")
    np.testing.assert_allclose(policy.act(params, noise, observation), wanted, rtol=1e-8)


def balance(policy, params, noise, observation):
    """The load-balancing term, and its gradient in the gate."""
    value = lambda action: 0.0 * action[:, 0]  # noqa: E731
    loss = lambda gate: policy.loss(  # noqa: E731
        {**params, "gate": gate}, noise, observation, value, same
    ).loss
    return jax.value_and_grad(loss)(params["gate"])


@pytest.mark.parametrize("num_selected", [1, 2])
def test_the_balance_is_least_for_experts_used_alike(num_selected, float64):
    policy, params, noise, observation = mixture(balance=1.0, num_selected=num_selected)
    noise, observation = noise[:, :3], observation[:3]
    even = 2.0 * jnp.eye(3) if num_selected == 1 else 2.0 * (1 - jnp.eye(3))
    fair = with_logits(policy, params, observation, even)
    found, _ = balance(policy, fair, noise, observation)
    assert float(found) == pytest.approx(1.0)

    skewed = with_logits(policy, params, observation, jnp.asarray([[2.0, 1.0, 0.0]] * 3))
    found, gradient = balance(policy, skewed, noise, observation)
    p = np.exp([2.0, 1.0, 0.0]) / np.exp([2.0, 1.0, 0.0]).sum()
    assert float(found) == pytest.approx(3 / num_selected * p[:num_selected].sum())
    assert float(found) > 1.2
    # Down the gradient, what is used too much weighs less, and what starves weighs more.
    step = jax.tree.map(lambda x, g: x - 0.1 * g, skewed["gate"], gradient)
    before, after = (
        policy.gated({**skewed, "gate": gate}, observation).weight.mean(axis=0)
        for gate in (skewed["gate"], step)
    )
    assert (after[:num_selected].sum() < before[:num_selected].sum()) and after[2] > before[2]
    assert balance(policy, {**skewed, "gate": step}, noise, observation)[0] < found


@pytest.mark.parametrize("num_selected", [1, 2, 3])
@pytest.mark.parametrize("sharpness", [0.0, 1.0, 300.0])
def test_usage_and_entropy_keep_to_their_ranges(num_selected, sharpness):
    """Also where weights are equal, or nothing."""
    policy, params, noise, observation = mixture(num_selected=num_selected)
    gate = jax.tree.map(lambda x: sharpness * x, params["gate"])
    params = {**params, "gate": gate}
    value = value_in(observation)
    watched = policy.loss(params, noise, observation, value, same).metrics
    usage = [float(watched[f"usage_{k}"]) for k in range(3)]
    assert sum(usage) == pytest.approx(num_selected)
    assert min(usage) >= 0 and max(usage) <= 1
    assert 0 <= float(watched["gate_entropy"]) <= np.log(3) + 1e-6
    kept = np.asarray(policy.gated(params, observation).selected)
    np.testing.assert_allclose(kept.sum(axis=1), 1.0, rtol=1e-5)
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
        ("gdm", {"bound": "sigmoid"}, "`bound` must be tanh or clip, but is 'sigmoid'"),
        ("gdm", {"prediction": "x"}, "`prediction` must be start or noise, but is 'x'"),
        ("moe-gdm", {"num_experts": 0}, "`num_experts` must be at least 1, but is 0"),
        ("moe-gdm", {"num_selected": 4}, r"`num_selected` must lie in \[1, 3\], .* but is 4"),
        ("moe-gdm", {"num_selected": 0}, r"`num_selected` must lie in \[1, 3\], .* but is 0"),
    ],
)
def test_what_cannot_be_made_is_named(name, change, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        table.make(name, O, A, **{"width": WIDTH, **change})

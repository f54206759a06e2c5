"""OPT: the step against `jax.grad`, monotonicity, quality, invariances, hard inputs, gradients."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import secrecy
from jaxsec.precoding import gpip, reference
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.precoding.gpip import iterate
from jaxsec.precoding.gpip import step as gpip_step
from jaxsec.precoding.problem import Problem, start_from
from tests import cases, compilation

pytestmark = pytest.mark.usefixtures("full_compilation")

N = 256
"""Channels of a batch, wherever the number does not matter: on any number of cores cut into the
same pieces as a larger batch, so that one program serves all tests."""


@jax.jit
def to_problem(channels):
    h = jnp.concatenate([channels.h_user, channels.h_eve], axis=1)
    split = algebra.split(h / jnp.sqrt(channels.noise_power)[:, None, None])
    return Problem(
        split,
        algebra.squared_norm(algebra.transpose(split)),
        jnp.ones((channels.h_user.shape[1], h.shape[0]), h.real.dtype),
    )


@pytest.mark.slow
def test_direction_is_the_preconditioned_gradient(float64, quick_compilation_here):
    """B·move must be ln 2 times the gradient of the scale-free smooth rate, by `jax.grad`."""
    n, m, k, l, j = 4, 5, 2, 3, 2
    channels = cases.at_snr(0, n, m, k, l, 20.0)
    w, v = cases.random_strategy(1, n, m, k, j)
    problem = to_problem(channels)
    u = jnp.concatenate([w, v], axis=-1)
    iterate = jax.jit(start_from)(problem, algebra.split(u))
    smoothing = jnp.float64(0.3)

    def rate(u):  # beams of any power: noise scales with ‖u‖²
        noise = jnp.sum(u.real**2 + u.imag**2, axis=(1, 2))
        rates = jaxsec.smooth_secrecy_rates(
            u[..., :k], u[..., k:], channels.h_user, channels.h_eve, noise, smoothing
        )
        return jnp.sum(rates)

    # With respect to u*, times ln 2.
    gradient = jnp.conj(jax.jit(jax.grad(rate))(u)) / 2 * np.log(2)

    move, _, lengths = jax.jit(gpip_step.direction)(problem, iterate, smoothing)
    move = np.asarray(algebra.join(move))
    # B_n from its definition, in plain NumPy.
    for b in range(n):
        h = np.asarray(algebra.join(problem.h))[b]  # [R, M]
        power = np.abs(h.conj() @ np.asarray(u[b])) ** 2
        interference = [power[i].sum() - power[i, i] + 1 for i in range(k)]
        total = power.sum(1) + 1
        leaks = np.array(
            [
                [np.log2(total[k + e] / (total[k + e] - power[k + e, i])) for i in range(k)]
                for e in range(l)
            ]
        )
        share = np.exp((leaks - leaks.max(0)) / 0.3)
        share /= share.sum(0)
        beta = sum(1 / x for x in interference) + (share.sum(1) / total[k:]).sum()
        for beam in range(k + j):
            matrix = beta * np.eye(m, dtype=complex)
            for i in range(k):
                if i != beam:
                    matrix += np.outer(h[i], h[i].conj()) / interference[i]
            for e in range(l):
                matrix += np.outer(h[k + e], h[k + e].conj()) * share[e].sum() / total[k + e]
            np.testing.assert_allclose(
                matrix @ move[b, :, beam], gradient[b, :, beam], rtol=1e-6, atol=1e-9
            )
    np.testing.assert_allclose(lengths[1], (np.abs(move) ** 2).sum((1, 2)), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("m", "k", "l"), [(8, 2, 4), pytest.param(4, 4, 6, marks=pytest.mark.long)]
)
def test_smooth_rate_never_falls_at_fixed_smoothing(m, k, l):
    channels = cases.channels(n=N, num_antennas=m, num_users=k, num_eavesdroppers=l)
    for smoothing in (0.1, 0.5):
        fixed = np.full(gpip.DEFAULT_STEPS, smoothing)
        history = np.asarray(gpip.opt(*channels, smoothing=fixed).info.smooth_history)
        assert float(np.diff(history, axis=0).min()) > -2e-4 * float(history.max())
        assert float((history[-1] - history[0]).mean()) > 0.02


@pytest.mark.long
def test_plain_iteration_oscillates_at_small_smoothing_and_the_default_does_not():
    """design figures at K=2, L=4, 20 dBm: 25.7 at 0.01, 34.5 at 0.5, of 34.9 best known."""
    channels = cases.channels(7, n=400)
    small = gpip.plain_gpip(*channels, smoothing=0.01, num_steps=100).info.rate.mean()
    good = gpip.plain_gpip(*channels, smoothing=0.5, num_steps=100).info.rate.mean()
    default = gpip.opt(*channels).info.rate.mean()
    textbook = jaxsec.sum_secrecy_rate(*jaxsec.design(*channels, method="rzf-ns"), *channels).mean()
    assert 25.0 < float(small) < 28.0
    assert abs(float(good) - 34.5) < 0.3
    assert abs(float(textbook) - 33.25) < 0.3
    assert float(small) < float(textbook) < float(good) < float(default)


@pytest.mark.slow
def test_one_pair_reaches_the_closed_form():
    for power_dbm in (-40.0, 0.0, 20.0, 40.0):
        channels = cases.channels(
            1, n=100, num_users=1, num_eavesdroppers=1, transmit_power_dbm=power_dbm
        )
        best = reference.single_pair_rate(*channels)
        reached = np.asarray(gpip.opt(*channels).info.rate, np.float64)
        np.testing.assert_allclose(reached, best, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("k", "l", "power_dbm", "noise_dbm"),
    [
        pytest.param(2, 4, 0, -100, marks=pytest.mark.long),
        (2, 4, 40, -100),
        pytest.param(4, 8, 20, -100, marks=pytest.mark.long),
        pytest.param(6, 2, 20, -100, marks=pytest.mark.long),
        pytest.param(4, 2, 20, -70, marks=pytest.mark.long),
    ],
)
def test_float32_default_is_close_to_the_float64_best_known(k, l, power_dbm, noise_dbm):
    channels = cases.channels(
        2024,
        n=4 * N,
        num_users=k,
        num_eavesdroppers=l,
        transmit_power_dbm=float(power_dbm),
        noise_power_dbm=float(noise_dbm),
    )
    with compilation.quickly():
        best = reference.best_known(jax.random.key(0), channels, num_starts=3, num_steps=80)
    reached = jaxsec.sum_secrecy_rate(*gpip.opt(*channels).strategy, *channels)
    ratio = np.asarray(reached, np.float64) / best
    assert ratio.mean() >= 0.997
    assert ratio.min() >= 0.97


@pytest.mark.long
def test_eight_starts_where_users_fill_the_antennas():
    channels = cases.channels(3, n=200, num_users=8, num_eavesdroppers=4)
    with compilation.quickly():
        best = reference.best_known(jax.random.key(0), channels, num_starts=12, num_steps=60)
    reached = gpip.opt(*channels, num_starts=8, key=jax.random.key(1)).info.rate
    assert (np.asarray(reached, np.float64) / best).mean() >= 0.998


@pytest.mark.slow
def test_reported_rate_is_the_rate_of_the_strategy():
    channels = cases.channels(n=N)
    result = gpip.opt(*channels)
    np.testing.assert_allclose(
        result.info.rate, jaxsec.sum_secrecy_rate(*result.strategy, *channels), rtol=1e-4
    )
    np.testing.assert_allclose(secrecy.power(*result.strategy), 1.0, rtol=1e-5)
    assert result.info.rate_history.shape == (gpip.DEFAULT_STEPS, N)
    best = np.asarray(result.info.rate_history).max(axis=0)
    assert bool((np.asarray(result.info.rate) >= best - 1e-4).all())
    chex.assert_tree_all_finite(result.info)


def test_a_refinement_that_has_lost_rate_gives_back_its_start(quick_compilation_here):
    """Where the gains that steps have carried along say more than the beams have."""
    channels = cases.channels(n=N)
    problem, beams = to_problem(channels), gpip.opt(*channels).strategy
    start, no_worse = jax.jit(start_from), jax.jit(iterate._no_worse)
    good = start(problem, algebra.split(jnp.concatenate(beams, axis=-1)))
    worse = jax.tree.map(lambda x: x + 0.1, good.f)
    kept = no_worse(problem, good, worse, jnp.float32(0.1))
    np.testing.assert_array_equal(algebra.join(kept), algebra.join(good.f))
    kept = no_worse(problem, start(problem, worse), good.f, jnp.float32(0.1))
    np.testing.assert_allclose(algebra.join(kept), algebra.join(good.f), atol=1e-6)


@pytest.mark.long
def test_long_run_converges():
    channels = cases.channels(n=20, num_eavesdroppers=1)
    info = gpip.opt(*channels, smoothing=gpip.annealing(300, 1.0, 0.5), tolerance=1e-2).info
    assert float(info.converged.mean()) > 0.9


@pytest.mark.long
def test_weights_shift_the_rate_between_users():
    channels = cases.channels(n=2 * N, transmit_power_dbm=-10.0)
    weights = jnp.array([[1.0, 0.2]])
    even, weighted = gpip.opt(*channels), gpip.opt(*channels, user_weights=weights)
    before = jaxsec.secrecy_rates(*even.strategy, *channels).mean(axis=0)
    after = jaxsec.secrecy_rates(*weighted.strategy, *channels).mean(axis=0)
    assert float(after[0]) > float(before[0])
    assert float(after[1]) < float(before[1])


@pytest.mark.slow
def test_batch_shapes_and_scalars(quick_compilation_here):
    channels = cases.channels(n=N)
    flat = gpip.opt(*channels).info.rate
    shaped = gpip.opt(
        channels.h_user.reshape(64, 4, 2, 8), channels.h_eve.reshape(64, 4, 4, 8), 1e-12
    )
    assert shaped.strategy.w.shape == (64, 4, 8, 2)
    np.testing.assert_allclose(shaped.info.rate.reshape(-1), flat, rtol=1e-4)
    single = gpip.opt(channels.h_user[0], channels.h_eve[0], 1e-12)
    assert single.strategy.v.shape == (8, 2)
    np.testing.assert_allclose(single.info.rate, flat[0], rtol=1e-4)


@pytest.mark.long
def test_dealing_to_cores_changes_nothing(quick_compilation_here):
    """Starts are drawn by a channel's index, not by where it is computed."""
    channels = cases.channels(n=300)
    dealt = gpip.opt(*channels, num_starts=3, key=jax.random.key(5)).info.rate

    @jax.jit
    def whole(h_user, h_eve, noise_power):
        return gpip.opt(h_user, h_eve, noise_power, num_starts=3, key=jax.random.key(5)).info.rate

    np.testing.assert_allclose(dealt, whole(*channels), rtol=2e-3)


def test_same_call_same_bits():
    channels = cases.channels(n=N)
    first, second = gpip.opt(*channels), gpip.opt(*channels)
    chex.assert_trees_all_equal(first, second)


@pytest.mark.slow
def test_compiles_once_for_a_shape(quick_compilation_here):
    compiled_now = []

    def count(event, seconds, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled_now.append(seconds)

    first, second = (cases.channels(seed, n=5, num_users=3, num_eavesdroppers=1) for seed in (0, 9))
    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        gpip.opt(*first)
        number, before = len(compiled_now), len(PROGRAMS)
        gpip.opt(*second)
    finally:
        jax.monitoring.unregister_event_duration_listener(count)
    assert 1 <= number <= 20  # constants of the program are not compiled one by one
    assert len(compiled_now) == number and len(PROGRAMS) == before


@pytest.mark.long
def test_unrolled_gradient_agrees_with_finite_differences(float64, quick_compilation_here):
    channels = cases.at_snr(0, 1, 3, 1, 2, 10.0)
    h_user, h_eve = channels[:2]
    steps = gpip.annealing(3, 0.5, 0.2)

    def rate(scale):
        result = gpip.opt(h_user * scale, h_eve, 1.0, smoothing=steps)
        return jnp.sum(jaxsec.smooth_secrecy_rates(*result.strategy, h_user * scale, h_eve, 1.0))

    grad = jax.grad(rate)(jnp.float64(1.0))
    step = 1e-5
    expected = (rate(jnp.float64(1 + step)) - rate(jnp.float64(1 - step))) / (2 * step)
    np.testing.assert_allclose(grad, expected, rtol=1e-4)
    assert float(jnp.abs(grad)) > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_noise_beams": -1}, "`num_noise_beams` must be at least 0"),
        ({"num_starts": 0}, "`num_starts` must be at least 1"),
        ({"num_starts": 2}, "`key` must be given"),
        ({"smoothing": np.array([0.1, -1.0])}, "`smoothing` must be positive"),
        ({"smoothing": np.zeros((2, 2))}, "`smoothing` must have shape"),
    ],
)
def test_bad_arguments_are_named(arguments, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        gpip.opt(*cases.channels(n=2), **arguments)


HARD_SIZES = [
    (2, 8, 12, 2), (8, 8, 12, 2), (3, 1, 12, 0), (64, 8, 12, 2), (4, 6, 2, 3), (32, 1, 8, 2),
]  # fmt: skip
"""Sizes that `benchmarks.fuzz` does not have, which draws harder ones (`test_fuzz`)."""


@pytest.mark.long
@pytest.mark.parametrize(("m", "k", "l", "j"), HARD_SIZES)
def test_hard_draws_stay_finite(m, k, l, j):
    """1,000 channels a size from −10 to 60 dB, among them zero, duplicate and unequal ones."""
    n = 1000
    channels = cases.at_snr(m + k, n, m, k, l, 0.0)
    snr_db = np.linspace(-10.0, 60.0, n)
    gain = jnp.asarray(10.0 ** (snr_db / 20.0), jnp.float32)[:, None, None]
    h_user, h_eve = (np.array(gain * x) for x in channels[:2])
    h_user[0::10, 0] = 0.0
    h_eve[1::10] = 0.0
    h_user[2::10] = h_user[2::10, :1]
    if l:
        h_eve[3::10] = h_user[3::10, :1]
        h_eve[4::10, -1] = h_eve[4::10, 0]
    h_user[5::10], h_eve[5::10] = 0.0, 0.0
    h_user[6::10, -1] *= 1e-3
    result = gpip.opt(h_user, h_eve, channels.noise_power, num_noise_beams=j)
    chex.assert_tree_all_finite(result)
    rate = jaxsec.sum_secrecy_rate(*result.strategy, h_user, h_eve, channels.noise_power)
    chex.assert_tree_all_finite(rate)
    assert float(secrecy.power(*result.strategy).max()) <= 1.0 + 1e-5
    np.testing.assert_allclose(rate, result.info.rate, rtol=2e-3, atol=2e-3)

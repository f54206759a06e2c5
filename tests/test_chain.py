"""The denoising chain: its schedule, its posteriors, its bounds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.diffusion import chain
from tests.policy_cases import A, B, normal, posterior_loop

BOUNDS = ("tanh", "clip")
PREDICTIONS = ("start", "noise")


KEEP = {"tanh": np.tanh, "clip": lambda x: np.clip(x, -1, 1)}


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
        signal = schedule.alpha_bar[t]
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
            beta, signal = schedule.beta[t], schedule.alpha_bar[t]
            earlier = schedule.alpha_bar[t - 1] if t else 1.0
            of_x = (1 - beta) ** 0.5 * (1 - earlier) / (1 - signal)
            of_start = earlier**0.5 * beta / (1 - signal)
            slope = of_x + of_start * (expected(1.0, signal) - expected(0.0, signal))
            mean = slope * mean + of_start * expected(0.0, signal)
            variance = slope**2 * variance + beta * (1 - earlier) / (1 - signal)
        return mean, variance

    schedule = chain.variance_preserving(6)
    predict = lambda x, t: expected(x, schedule.alpha_bar[t])  # noqa: E731
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

    slope = jax.jit(jax.grad(action), static_argnums=1)
    assert float(slope(2.0, "clip")) == 0.0
    assert float(slope(0.5, "clip")) == pytest.approx(1.0)
    assert float(slope(2.0, "tanh")) == pytest.approx(1 / np.cosh(2.0) ** 2)


def test_hold_cuts_and_lets_only_those_gradients_pass_that_lead_back():
    x = jnp.array([-2.0, -2.0, -0.5, 0.5, 2.0, 2.0])
    np.testing.assert_array_equal(chain.hold(x), jnp.clip(x, -1.0, 1.0))
    # Descent goes against the slope: at -2, one of -1 leads back up to -1.
    slope = jnp.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
    passed = jax.vjp(chain.hold, x)[1](slope)[0]
    np.testing.assert_array_equal(passed, [-1.0, 0.0, -1.0, 1.0, 0.0, 1.0])


def test_a_chain_that_has_left_the_range_comes_back_only_where_it_is_held():
    schedule = chain.variance_preserving(6)
    noise = normal(0, 6, 8, 2)

    def loss(shift, bound):
        predict = lambda x, t: 0.1 * x + shift  # noqa: E731
        return jnp.mean(chain.denoise(schedule, predict, noise, bound=bound))

    found = jax.jit(jax.value_and_grad(loss), static_argnums=1)
    (clipped, no_slope), (held, slope) = found(5.0, "clip"), found(5.0, "hold")
    assert clipped == held == 1.0
    assert no_slope == 0.0
    assert slope > 0.5

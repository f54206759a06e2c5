"""The diffusion process and its samplers, against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.diffusion import process, sampling

SCHEDULE = process.linear_schedule()
PREDICTIONS = ("noise", "start", "velocity")


def gaussian_denoiser(mean, deviation, prediction, schedule=SCHEDULE):
    """The exact denoiser of data N(mean, deviation²): E[x0 | z_t], as `prediction`."""

    def denoiser(z, t):
        a, b = process.amplitudes(schedule, t, z.ndim)
        x0 = mean + a * deviation**2 * (z - a * mean) / (a**2 * deviation**2 + b**2)
        exact = process.Estimate(x0, (z - a * x0) / b)
        return process.target(schedule, exact, t, prediction)

    return denoiser


def test_schedule_is_the_papers():
    assert SCHEDULE.beta[[0, -1]] == pytest.approx([1e-4, 0.02])
    assert SCHEDULE.alpha_bar.size == 1000
    assert SCHEDULE.alpha_bar[-1] < 1e-4
    np.testing.assert_allclose(SCHEDULE.alpha_bar[2], np.prod(1 - SCHEDULE.beta[:3]))


def test_closed_form_is_the_chain_of_small_steps():
    """P1 (14) against (13) repeated: mean and variance after 400 steps."""
    beta = SCHEDULE.beta[:400]
    mean, variance = 1.0, 0.0
    for b in beta:
        mean, variance = np.sqrt(1 - b) * mean, (1 - b) * variance + b
    t = jnp.array([399])
    one, zero = jnp.ones((1, 1)), jnp.zeros((1, 1))
    np.testing.assert_allclose(process.add_noise(SCHEDULE, one, t, zero), [[mean]], rtol=1e-5)
    np.testing.assert_allclose(
        process.add_noise(SCHEDULE, zero, t, one), [[np.sqrt(variance)]], rtol=1e-5
    )


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_estimate_undoes_target(prediction):
    generator = np.random.default_rng(0)
    x0, eps = jnp.asarray(generator.standard_normal((2, 5, 3)), jnp.float32)
    t = jnp.array([0, 10, 300, 700, 900])
    z = process.add_noise(SCHEDULE, x0, t, eps)
    exact = process.Estimate(x0, eps)
    output = process.target(SCHEDULE, exact, t, prediction)
    got = process.estimate(SCHEDULE, z, t, output, prediction)
    np.testing.assert_allclose(got.x0, x0, atol=2e-3)
    np.testing.assert_allclose(got.eps[1:], eps[1:], atol=2e-3)


def test_loss_counts_only_what_exists():
    mask = jnp.array([[1.0, 1.0, 0.0]])
    loss = process.denoising_loss(jnp.array([[1.0, 2.0, 9.0]]), jnp.zeros((1, 3)), mask)
    assert float(loss) == pytest.approx(2.5)
    assert float(process.denoising_loss(mask, mask, 0 * mask)) == 0.0


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize(("num_steps", "eta"), [(100, 0.0), (200, 1.0)])
def test_ddim_samples_a_gaussian(prediction, num_steps, eta):
    mask = jnp.ones((10000, 1))
    denoiser = gaussian_denoiser(1.5, 0.5, prediction)
    z = sampling.ddim(
        jax.random.key(0),
        denoiser,
        SCHEDULE,
        mask,
        num_steps=num_steps,
        prediction=prediction,
        eta=eta,
    )
    assert float(z.mean()) == pytest.approx(1.5, abs=0.03)
    assert float(z.std()) == pytest.approx(0.5, abs=0.03)


@pytest.mark.slow
def test_ancestral_samples_a_gaussian():
    mask = jnp.ones((10000, 1))
    z = sampling.ancestral(
        jax.random.key(1),
        gaussian_denoiser(-0.7, 0.8, "noise"),
        SCHEDULE,
        mask,
        prediction="noise",
    )
    assert float(z.mean()) == pytest.approx(-0.7, abs=0.03)
    assert float(z.std()) == pytest.approx(0.8, abs=0.03)


def test_one_step_from_a_known_start_is_that_start():
    mask = jnp.array([[1.0, 1.0, 0.0]])
    z = sampling.ddim(
        jax.random.key(0),
        lambda z, t: jnp.full_like(z, 0.3),
        SCHEDULE,
        mask,
        num_steps=1,
        prediction="start",
    )
    np.testing.assert_allclose(z, [[0.3, 0.3, 0.0]], rtol=1e-6)


def test_times_fall_from_the_last_and_are_distinct():
    for num_steps in (1, 4, 7, 50, 1000):
        times = sampling.ddim_times(SCHEDULE, num_steps)
        assert times[0] == 999
        assert times[-1] >= 0
        assert (np.diff(times) < 0).all()


def test_same_key_same_sample_and_vmap_agrees():
    mask = jnp.ones((3, 2))

    def sample(key):
        denoiser = gaussian_denoiser(0.0, 1.0, "start")
        return sampling.ddim(
            key, denoiser, SCHEDULE, mask, num_steps=4, prediction="start", eta=0.5
        )

    keys = jax.random.split(jax.random.key(3), 2)
    batched = jax.jit(jax.vmap(sample))(keys)
    np.testing.assert_allclose(batched[1], jax.jit(sample)(keys[1]), rtol=1e-5, atol=1e-6)
    assert np.ptp(batched, axis=0).max() > 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: process.linear_schedule(0), "`num_steps` must be at least 1"),
        (lambda: process.linear_schedule(last=1.0), "`last` must lie in"),
        (lambda: process.check_prediction("epsilon"), "`prediction` must be one of noise"),
        (lambda: sampling.ddim_times(SCHEDULE, 1001), "`num_steps` must lie between 1 and T"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(jaxsec.InputError, match=message):
        call()

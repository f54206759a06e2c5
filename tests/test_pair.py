"""One user and one eavesdropper: the closed form is the capacity of float64 reference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import secrecy
from jaxsec.precoding import reference
from jaxsec.precoding.closed_form import closed_form
from tests import cases


def gaussian(rng, shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


design = jax.jit(closed_form)


def reached(h_user, h_eve, noise_power):
    strategy = design(h_user, h_eve, noise_power)
    return np.asarray(jaxsec.sum_secrecy_rate(*strategy, h_user, h_eve, noise_power), np.float64)


@pytest.mark.parametrize("num_antennas", [1, 2, 8])
def test_rayleigh_channels_have_capacity(num_antennas):
    for power_dbm in (-40.0, 0.0, 20.0, 40.0):
        channels = cases.channels(
            1,
            100,
            num_users=1,
            num_eavesdroppers=1,
            num_antennas=num_antennas,
            transmit_power_dbm=power_dbm,
        )
        strategy = design(*channels)
        np.testing.assert_allclose(secrecy.power(*strategy), 1.0, rtol=1e-5)
        np.testing.assert_array_equal(strategy.v, 0.0)
        best = reference.single_pair_rate(*channels)
        np.testing.assert_allclose(reached(*channels), best, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("apart", [0.0, 1e-7, 1e-4, 1e-2])
def test_so_have_a_user_and_an_eavesdropper_in_line(apart):
    rng = np.random.default_rng(0)
    h, other = (gaussian(rng, (50, 1, 8)) for _ in range(2))
    for stronger in (0.5, 2.0):
        g = (stronger * h + apart * other).astype(np.complex64)
        for noise_power in (1e2, 1.0, 1e-4, 1e-7):
            best = reference.single_pair_rate(h, g, noise_power)
            np.testing.assert_allclose(reached(h, g, noise_power), best, atol=1e-3)


def test_links_may_be_dead():
    h = gaussian(np.random.default_rng(0), (20, 1, 4))
    for user, eve in ((0 * h, h), (h, 0 * h), (0 * h, 0 * h)):
        best = reference.single_pair_rate(user, eve, 0.01)
        np.testing.assert_allclose(reached(user, eve, 0.01), best, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e3, 1e9])
def test_gradients_are_finite(scale):
    h, g = (scale * gaussian(np.random.default_rng(i), (1, 4)) for i in range(2))
    for eve in (g, 0.5 * h, h, 0 * h):
        assert bool(jnp.isfinite(slope(0.0, h, eve)))


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_at_the_optimum_the_beams_own_change_counts_for_nothing(scale):
    h, g = (scale * gaussian(np.random.default_rng(i), (1, 4)) for i in range(2))
    fixed = design(h, g, 1.0)
    wanted = jax.grad(lambda x: jaxsec.sum_secrecy_rate(*fixed, h * (1.0 + x), g, 1.0))(0.0)
    np.testing.assert_allclose(slope(0.0, h, g), wanted, rtol=1e-3)


@jax.jit
@jax.grad
def slope(x, h, g):
    """Of the rate, by the length of a user's channel."""
    user = h * (1.0 + x)
    return jaxsec.sum_secrecy_rate(*closed_form(user, g, 1.0), user, g, 1.0)

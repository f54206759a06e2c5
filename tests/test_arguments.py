"""Strategies and channels stand for the arrays they hold."""

import jax
import numpy as np
import pytest

import jaxsec
from jaxsec import secrecy
from jaxsec.precoding import closed_form, gpip, linear
from tests import cases


@pytest.fixture(scope="module")
def channels():
    return cases.channels(n=5)


@pytest.fixture(scope="module")
def strategy(channels):
    return jaxsec.design(channels, method="rzf-ns", num_noise_beams=2)


@pytest.mark.parametrize(
    "rate",
    [
        secrecy.secrecy_rates,
        secrecy.smooth_secrecy_rates,
        secrecy.sum_secrecy_rate,
        secrecy.worst_user_secrecy_rate,
    ],
)
def test_rates_of_a_strategy_on_channels(rate, strategy, channels):
    wanted = rate(*strategy, *channels)
    np.testing.assert_array_equal(rate(strategy, channels), wanted)
    np.testing.assert_allclose(jax.jit(rate)(strategy, channels), wanted, rtol=1e-5)


def test_a_rate_takes_the_links_that_it_names(strategy, channels):
    h_user, h_eve, noise = channels
    np.testing.assert_array_equal(
        secrecy.user_rates(strategy, channels), secrecy.user_rates(*strategy, h_user, noise)
    )
    for rate in (secrecy.wiretap_rates, secrecy.colluding_wiretap_rates):
        np.testing.assert_array_equal(rate(strategy, channels), rate(*strategy, h_eve, noise))
    costs = {"transmit_power_w": 0.1, "circuit_power_w": 0.1}
    np.testing.assert_array_equal(
        secrecy.secure_energy_efficiency(strategy, channels, **costs),
        secrecy.secure_energy_efficiency(*strategy, *channels, **costs),
    )


@pytest.mark.long
def test_designs_for_channels(channels):
    h_user, h_eve, noise = channels
    np.testing.assert_array_equal(linear.mrt(channels), linear.mrt(h_user))
    np.testing.assert_array_equal(linear.zf(channels), linear.zf(h_user))
    np.testing.assert_array_equal(linear.rzf(channels), linear.rzf(h_user, noise))
    for design in (linear.rzf_ns, closed_form.closed_form):
        np.testing.assert_array_equal(design(channels).w, design(h_user, h_eve, noise).w)
    few = {"smoothing": gpip.annealing(2)}
    found = gpip.opt(channels, **few)
    np.testing.assert_array_equal(found.strategy.w, gpip.opt(*channels, **few).strategy.w)
    refined = gpip.refine(found.strategy, channels, num_steps=1)
    np.testing.assert_array_equal(refined.w, gpip.refine(found.strategy, *channels, num_steps=1).w)

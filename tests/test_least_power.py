"""Least power for given secrecy rates: closed forms, who cannot be served, powers shared out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.channels import Channels
from jaxsec.precoding import ascent
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.first_order import least_power
from jaxsec.precoding.first_order.value import Beams, Task
from jaxsec.report import judge
from jaxsec.secrecy import AntennaPower, LeastPower, TotalPower
from tests import cases

ASKED = np.array([1.0, 2.0])


@pytest.mark.slow
@pytest.mark.parametrize("constraint", [TotalPower(), AntennaPower([0.2, 0.3])])
def test_users_of_one_antenna_each(constraint):
    """h = diag(a, b), noise 0.1: 0.1·(2^R − 1)/|h|² for each, whatever the other needs. On the
    second channel b = 0, and on the third b = 0.2 takes 7.5 of the budget: there the first user has
    its rate all the same, and the design lacks no more than it must.
    """
    h = np.zeros((3, 2, 2), np.complex64)
    h[:, 0, 0], h[:, 1, 1] = 1.0, (2.0, 0.0, 0.2)
    channels = Channels(h, h[:, :0], np.asarray(0.1))
    objective = LeastPower(ASKED)
    found = ascent(channels, objective=objective, constraint=constraint, num_noise_beams=0)
    rates = judge.secrecy_rates(found.strategy, channels)
    assert objective.reached(found.info.value).tolist() == [True, False, False]
    np.testing.assert_allclose(-found.info.value[0], 0.1 * (1.0 + 3.0 / 4.0), rtol=3e-3)
    np.testing.assert_allclose(-found.info.value[1], 2.0 + 2.0, rtol=1e-3)
    assert (rates[:, 0] >= 1.0).all()
    sent = np.sum(np.abs(found.strategy.w) ** 2, axis=-1)
    assert (sent.sum(axis=-1) <= 1.0 + 1e-5).all()
    left = 0.9 if isinstance(constraint, TotalPower) else 0.3
    np.testing.assert_allclose(rates[2, 1], np.log2(1.0 + left * 0.04 / 0.1), rtol=1e-2)


@pytest.mark.slow
def test_shared_out_powers_are_just_enough(float64):
    """All users have their rates, and no user more: K = 2, one eavesdropper, two noise beams."""
    channels = cases.at_snr(0, 4, 4, 2, 1, 20.0)
    start = jaxsec.design(channels, method="rzf-ns", num_noise_beams=2)
    u = algebra.split(jnp.concatenate(start, axis=-1))
    h = algebra.split(jnp.concatenate(channels[:2], axis=1))
    objective = LeastPower(jnp.broadcast_to(jnp.asarray(ASKED), (4, 2)))
    beams = Beams(u, algebra.hermitian_product(h, u))
    share_out = jax.jit(lambda x: least_power.share_out(Task(h, objective, TotalPower()), x, 2))
    for _ in range(5):
        beams = share_out(beams)
    w, v = np.split(np.asarray(algebra.join(beams.u)) / least_power.ROOM, [2], axis=-1)
    got = judge.secrecy_rates(jaxsec.Strategy(w, v), channels)
    np.testing.assert_allclose(got, np.broadcast_to(ASKED, (4, 2)), rtol=1e-3)

"""Received-gain coordinates: round trips, what they do not see, and the closed-form reference."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import secrecy
from jaxsec.cdm.coordinates import received
from jaxsec.precoding import gpip
from jaxsec.precoding.closed_form import closed_form
from tests import cases

FEWER = (8, 2, 4)
"""(M, K, L) with K + L ≤ M: as many gains as the beams have freedom in the span of the channels."""
SIZES = (FEWER, (8, 4, 8), (4, 4, 2), (3, 5, 2), (6, 2, 0))

inside = SimpleNamespace(
    frame=jax.jit(received.frame, static_argnums=3),
    fix_gauge=jax.jit(received.fix_gauge),
    to_gains=jax.jit(received.to_gains),
    from_gains=jax.jit(received.from_gains, static_argnums=2),
)
"""The coordinates inside a compiled program, as they are used."""


def rates(strategy, channels):
    return np.asarray(jaxsec.sum_secrecy_rate(*strategy, *channels))


N = 64
"""Channels of every batch."""


def designed(size):
    """Channels, their frame, and OPT's strategy in the gauge of the frame."""
    m, k, l = size
    channels = cases.channels(n=N, num_antennas=m, num_users=k, num_eavesdroppers=l)
    frame = inside.frame(*channels, 2)
    return channels, frame, inside.fix_gauge(frame, gpip.opt(*channels).strategy)


def test_kinds_name_every_entry():
    np.testing.assert_array_equal(
        received.kinds(2, 1, 2), [[0, 1, 2, 2], [1, 0, 2, 2], [3, 3, 4, 4]]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [*SIZES[:2], *(pytest.param(size, marks=pytest.mark.long) for size in SIZES[2:])]
)
def test_round_trip_keeps_the_rate(size, no_type_checks):
    """Also where there are more gains than freedom: what an existing strategy has can be had."""
    channels, frame, strategy = designed(size)
    back = inside.from_gains(frame, inside.to_gains(frame, strategy), size[1])
    wanted = rates(strategy, channels)
    np.testing.assert_allclose(
        rates(jaxsec.normalise_power(*back), channels), wanted, rtol=1e-3, atol=1e-3
    )


@pytest.mark.slow
def test_round_trip_keeps_the_beams():
    _, frame, strategy = designed(FEWER)
    back = inside.from_gains(frame, inside.to_gains(frame, strategy), 2)
    for got, wanted in zip(back, strategy, strict=True):
        np.testing.assert_allclose(got, wanted, atol=5e-3)


@pytest.mark.slow
def test_gauge_changes_no_rate_and_forgets_phases_and_noise_rotations():
    channels, frame, strategy = designed(FEWER)
    turned = jaxsec.Strategy(
        strategy.w * jnp.exp(1j * jnp.arange(2.0))[None, None], strategy.v @ cases.unitary(1, 2)
    )
    fixed = inside.fix_gauge(frame, turned)
    np.testing.assert_allclose(rates(turned, channels), rates(strategy, channels), rtol=1e-4)
    np.testing.assert_allclose(
        inside.to_gains(frame, fixed), inside.to_gains(frame, strategy), atol=2e-3
    )
    own = np.diagonal(inside.to_gains(frame, fixed)[:, :2, :2], axis1=1, axis2=2)
    np.testing.assert_allclose(own.imag, 0.0, atol=1e-5)
    assert own.real.min() > 0


@pytest.mark.slow
def test_common_rotation_changes_no_coordinate():
    channels, frame, strategy = designed(FEWER)
    rotation = cases.unitary(2, 8)
    rotated = channels._replace(h_user=channels.h_user @ rotation, h_eve=channels.h_eve @ rotation)
    other = inside.frame(*rotated, 2)
    turned = jax.tree.map(lambda u: rotation.T @ u, strategy)
    for got, wanted in (
        (other.gains, frame.gains),
        (inside.to_gains(other, turned), inside.to_gains(frame, strategy)),
    ):
        np.testing.assert_allclose(got, wanted, atol=2e-3)


@pytest.mark.slow
def test_eavesdroppers_cannot_disturb_users():
    """Any wish for the eavesdroppers' gains leaves what users hear as it was."""
    _, frame, strategy = designed((8, 4, 8))
    gains = inside.to_gains(frame, strategy)
    wished = np.array(gains)
    wished[:, 4:] += cases.gaussian(np.random.default_rng(0), wished[:, 4:].shape)
    heard = np.asarray(inside.to_gains(frame, inside.from_gains(frame, wished, 4)))
    np.testing.assert_allclose(heard[:, :4], gains[:, :4], atol=2e-2)
    assert np.abs(heard[:, 4:] - gains[:, 4:]).max() > 0.1


@pytest.mark.slow
def test_degenerate_channels_stay_finite(no_type_checks):
    channels = cases.channels(n=N)
    h_user, h_eve = np.array(channels.h_user), np.array(channels.h_eve)
    h_user[0, 0] = 0
    h_user[1, 1] = h_user[1, 0]
    h_eve[2] = 0
    h_user[3], h_eve[3] = 0, 0
    frame = inside.frame(h_user, h_eve, channels.noise_power, 2)
    strategy = inside.from_gains(frame, frame.gains + 0.1, 2)
    assert all(np.isfinite(x).all() for x in (*frame, *strategy))


@pytest.mark.long
def test_reference_is_at_full_power_and_starts_opt():
    channels = cases.channels(n=20)
    reference = jax.jit(closed_form)(*channels)
    np.testing.assert_allclose(secrecy.power(*reference), 1.0, rtol=1e-5)
    mean = rates(reference, channels).mean()
    assert mean < rates(gpip.opt(*channels).strategy, channels).mean()
    assert mean > rates(jaxsec.design(*channels, method="rzf"), channels).mean() + 1.0


def test_channels_that_do_not_fit_are_refused(no_type_checks):
    channels = cases.channels(n=2)
    with pytest.raises(jaxsec.InputError, match="`h_user` and `h_eve` must agree"):
        received.frame(channels.h_user[..., :4], channels.h_eve, channels.noise_power, 2)
    with pytest.raises(jaxsec.InputError, match="`num_noise_beams` must be at least 0"):
        received.frame(*channels, -1)

"""Resolved coordinates: round trips, and small changes of them that are small changes of beams."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.cdm import designer
from jaxsec.cdm.coordinates import received, resolved
from jaxsec.cdm.training import finetune
from jaxsec.precoding import gpip
from tests import cases, models

pytestmark = pytest.mark.slow

SIZES = (
    (8, 2, 4),
    (8, 1, 1),
    *[pytest.param(size, marks=pytest.mark.long) for size in ((3, 5, 2), (6, 2, 0))],
)

N = 64
"""Channels of a batch, as in the tests of every method, so that OPT is one program for all."""

inside = SimpleNamespace(
    frame=jax.jit(resolved.frame, static_argnums=3),
    encode=jax.jit(resolved.encode),
    decode=jax.jit(resolved.decode, static_argnums=2),
    condition=jax.jit(resolved.condition, static_argnums=1),
)
"""The coordinates inside a compiled program, as they are used."""


def rates(strategy, channels):
    return np.asarray(jaxsec.sum_secrecy_rate(*jaxsec.normalise_power(*strategy), *channels))


def on_a_street(n=N, apart=0.02):
    """Two users and four eavesdroppers, each of whom hears nearly what a user hears."""
    channels = cases.channels(n=n)
    near = np.asarray(channels.h_user)[:, [0, 0, 1, 1]]
    away = cases.gaussian(np.random.default_rng(1), near.shape)
    size = np.linalg.norm(near, axis=-1, keepdims=True) / np.sqrt(near.shape[-1])
    return channels._replace(h_eve=cases.in_force(near + apart * size * away))


@pytest.mark.parametrize("size", SIZES)
def test_round_trip_keeps_the_rate(size, no_type_checks):
    m, k, l = size
    channels = cases.channels(n=N, num_antennas=m, num_users=k, num_eavesdroppers=l)
    frame = inside.frame(*channels, 2)
    strategy = gpip.opt(*channels).strategy
    back = inside.decode(frame, inside.encode(frame, strategy), k)
    np.testing.assert_allclose(
        rates(back, channels), rates(strategy, channels), rtol=1e-3, atol=1e-3
    )


@pytest.mark.long
def test_noise_in_the_coordinates_costs_little_where_receivers_are_alike(no_type_checks):
    """What `received` is not good for."""
    channels = on_a_street()
    strategy = gpip.opt(*channels).strategy
    wanted = rates(strategy, channels).mean()
    noise = cases.in_force(0.02 * cases.gaussian(np.random.default_rng(0), (N, 6, 4)))
    frame = inside.frame(*channels, 2)
    noisy = inside.decode(frame, inside.encode(frame, strategy) + noise, 2)
    assert rates(noisy, channels).mean() > 0.96 * wanted
    base = frame.base
    gains = received.to_gains(base, received.fix_gauge(base, strategy))
    assert rates(received.from_gains(base, gains + noise, 2), channels).mean() < 0.9 * wanted


def test_what_is_ahead_is_the_start_of_opt(no_type_checks):
    channels = cases.channels(n=N)
    frame = inside.frame(*channels, 2)
    steps = gpip.annealing(resolved.LOOK_AHEAD)
    wanted = rates(gpip.opt(*channels, smoothing=steps).strategy, channels)
    np.testing.assert_allclose(rates(inside.decode(frame, frame.ahead, 2), channels), wanted, 2e-3)
    reference = inside.decode(frame, jnp.zeros_like(frame.ahead), 2)
    assert rates(reference, channels).mean() < wanted.mean() - 0.3


def test_common_rotation_changes_no_coordinate():
    channels = cases.channels(n=N)
    rotation = cases.unitary(2, 8)
    rotated = channels._replace(h_user=channels.h_user @ rotation, h_eve=channels.h_eve @ rotation)
    frame, other = inside.frame(*channels, 2), inside.frame(*rotated, 2)
    strategy = gpip.opt(*channels).strategy
    turned = jax.tree.map(lambda u: rotation.T @ u, strategy)
    np.testing.assert_allclose(
        inside.encode(other, turned), inside.encode(frame, strategy), 0, 3e-3
    )
    np.testing.assert_allclose(other.resolution, frame.resolution, 1e-3)


def test_resolutions_are_lengths_outside_the_others():
    channels = cases.channels(n=N)
    frame = inside.frame(*channels, 2)
    h = np.asarray(frame.base.h, complex)
    for r in range(6):
        others = [i for i in range(2) if i != r]
        basis, _ = np.linalg.qr(np.swapaxes(h[:, others], 1, 2))
        along = np.einsum("nms,nm->ns", basis.conj(), h[:, r])
        length = np.sqrt(1.0 - np.sum(np.abs(along) ** 2, axis=1))
        np.testing.assert_allclose(frame.resolution[:, r], length, rtol=2e-3)


def test_eavesdroppers_cannot_disturb_users():
    channels = on_a_street()
    frame = inside.frame(*channels, 2)
    wish = cases.gaussian(np.random.default_rng(0), frame.gains.shape)
    wish[:, :2] = 0
    strategy = inside.decode(frame, cases.in_force(wish), 2)
    heard = received.to_gains(frame.base, strategy)
    np.testing.assert_allclose(heard[:, :2], frame.base.gains[:, :2], atol=2e-2)


def test_degenerate_channels_stay_finite(no_type_checks):
    channels = cases.channels(n=N)
    h_user, h_eve = np.array(channels.h_user), np.array(channels.h_eve)
    h_user[0, 0] = 0
    h_user[1, 1] = h_user[1, 0]
    h_eve[2] = h_user[2, 0]
    h_user[3], h_eve[3] = 0, 0
    frame = inside.frame(h_user, h_eve, channels.noise_power, 2)
    strategy = inside.decode(frame, jnp.full_like(frame.ahead, 0.1), 2)
    told = inside.condition(frame, 2, np.full((6, 4), 0.1, np.float32))
    for x in jax.tree.leaves((frame, strategy, told)):
        assert np.isfinite(x).all()


@pytest.mark.long
def test_where_a_model_looks_ahead_opt_is_a_candidate_beside_its_samples(no_type_checks):
    """No network can make a design worse than a short run of OPT."""
    channels = cases.channels(n=6, num_antennas=4, num_users=3, num_eavesdroppers=2)
    options = {"num_starts": designer.NUM_STARTS, "key": jax.random.key(0)}
    steps = gpip.annealing(designer.NUM_STEPS)
    wanted = rates(gpip.opt(*channels, smoothing=steps, **options).strategy, channels)
    for name in ("resolved", "known"):
        model = finetune.into(models.tiny(), name)
        key = jax.random.key(1)
        strategy, values = designer.candidates(key, model, *channels, num_samples=1, num_steps=1)
        assert values.shape == (6, 2)
        np.testing.assert_allclose(values[:, 1], wanted, rtol=1e-3)  # two programs, rounding
        np.testing.assert_allclose(rates(strategy, channels), values.max(axis=1), rtol=1e-4)
        assert (values[:, 1] > values[:, 0]).any()

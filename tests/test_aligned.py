"""Aligned coordinates: one table for all orders and phases of the same channels."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.cdm.coordinates import aligned, table
from jaxsec.cdm.training import finetune
from jaxsec.precoding import rzf_ns
from tests import cases, models

N, USERS, EVES, BEAMS = 16, 3, 4, 2
SPREAD = np.full((USERS + EVES, USERS + BEAMS), 0.1, np.float32)

inside = SimpleNamespace(
    frame=jax.jit(aligned.frame, static_argnums=3),
    encode=jax.jit(aligned.encode),
    decode=jax.jit(aligned.decode, static_argnums=2),
    condition=jax.jit(lambda frame: aligned.condition(frame, USERS, SPREAD)),
    reference=jax.jit(aligned.reference),
)


def drawn():
    return cases.channels(n=N, num_users=USERS, num_eavesdroppers=EVES)


def changes(seed=1):
    draw = cases.gaussian(np.random.default_rng(seed), (N, USERS + EVES, USERS + BEAMS))
    return cases.in_force(0.03 * draw)


def rates(strategy, channels):
    return np.asarray(jaxsec.sum_secrecy_rate(*jaxsec.normalise_power(*strategy), *channels))


def other_form(channels, users):
    """The same channels, users in this order, eavesdroppers backwards, all with other phases."""
    turn = np.exp(2j * np.pi * np.random.default_rng(2).uniform(size=(N, USERS + EVES, 1)))
    h_user = np.asarray(channels.h_user)[:, users] * turn[:, :USERS]
    h_eve = np.asarray(channels.h_eve)[:, ::-1] * turn[:, USERS:]
    return channels._replace(h_user=cases.in_force(h_user), h_eve=cases.in_force(h_eve))


def test_order_and_phases_are_not_told():
    channels, users = drawn(), [2, 0, 1]
    other = other_form(channels, users)
    told, again = (inside.condition(inside.frame(*one, BEAMS)) for one in (channels, other))
    for one, two in zip(told, again, strict=True):
        np.testing.assert_allclose(one, two, atol=2e-3)
    # The same table: the same beams, each its own user's.
    frames = inside.frame(*channels, BEAMS), inside.frame(*other, BEAMS)
    found, moved = (inside.decode(frame, changes(), USERS) for frame in frames)
    np.testing.assert_allclose(rates(moved, other), rates(found, channels), rtol=2e-3)
    heard = [
        np.abs(np.einsum("nkm,nmk->nk", np.conj(one.h_user), strategy.w))
        for one, strategy in ((channels, found), (other, moved))
    ]
    np.testing.assert_allclose(heard[1], heard[0][:, users], rtol=2e-3)


def test_the_strongest_user_comes_first_and_sees_links_in_phase():
    frame = inside.frame(*drawn(), BEAMS)
    amplitude = np.asarray(frame.base.amplitude)
    assert (np.diff(amplitude[:, :USERS]) <= 0).all()
    assert (np.diff(amplitude[:, USERS:]) <= 0).all()
    h = np.asarray(frame.base.h)
    overlap = np.einsum("nm,nrm->nr", h[:, 0].conj(), h)
    np.testing.assert_allclose(overlap.imag, 0.0, atol=1e-5)
    assert (overlap.real >= -1e-6).all()
    strength = np.linalg.norm(np.asarray(drawn().h_user), axis=-1)
    np.testing.assert_array_equal(frame.order, np.argsort(-strength, axis=1))


def test_round_trip_keeps_the_beams_of_every_user():
    channels = drawn()
    frame = inside.frame(*channels, BEAMS)
    strategy = rzf_ns(*channels, num_noise_beams=BEAMS)
    back = inside.decode(frame, inside.encode(frame, strategy), USERS)
    np.testing.assert_allclose(rates(back, channels), rates(strategy, channels), rtol=2e-3)


def test_a_table_of_zeros_is_the_reference():
    frame = inside.frame(*drawn(), BEAMS)
    u = inside.decode(frame, jnp.zeros_like(changes()), USERS)
    np.testing.assert_allclose(
        np.concatenate(u, axis=-1), inside.reference(frame), rtol=1e-4, atol=1e-5
    )
    blank = jax.eval_shape(lambda: table.get("aligned").blank(8, USERS, EVES, BEAMS))
    assert jax.tree.map(lambda x: x.shape[1:], blank) == jax.tree.map(
        lambda x: x.shape[1:], jax.eval_shape(lambda: frame)
    )


def test_dead_links_stay_finite():
    channels = drawn()
    dead = channels._replace(
        h_user=channels.h_user.at[:, 1].set(0.0), h_eve=channels.h_eve.at[:, 0].set(0.0)
    )
    frame = inside.frame(*dead, BEAMS)
    assert (np.asarray(frame.order)[:, -1] == 1).all()
    assert np.isfinite(np.concatenate(inside.decode(frame, changes(), USERS), axis=-1)).all()
    assert all(np.isfinite(x).all() for x in inside.condition(frame))


def test_channels_that_do_not_fit_are_refused(no_type_checks):
    channels = drawn()
    with pytest.raises(jaxsec.InputError, match="`h_eve`"):
        aligned.frame(channels.h_user, channels.h_eve[..., :-1], channels.noise_power, BEAMS)
    with pytest.raises(jaxsec.InputError, match="`h_user`"):
        aligned.frame(channels.h_user[0, 0], channels.h_eve, channels.noise_power, BEAMS)


def test_any_network_of_received_gains_goes_on_in_them():
    model = models.tiny(denoiser="unet")
    found = finetune.into(model, "aligned")
    assert found.coordinates == "aligned"
    assert found.params is model.params
    with pytest.raises(jaxsec.InputError, match="`model` must be one in received coordinates to"):
        finetune.into(models.tiny(coordinates="antenna"), "aligned")

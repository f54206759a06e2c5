"""Beams of constant modulus: closed forms, a grid, blank receivers and antennas, and one step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.channels import Channels
from jaxsec.precoding import ascent
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.elimination import solve_real
from jaxsec.precoding.first_order import modulus
from jaxsec.precoding.first_order.step import harm_of, slopes
from jaxsec.precoding.first_order.value import Beams, Task, values
from jaxsec.report import judge
from jaxsec.secrecy import ConstantModulus, Sum, limit_power
from tests import cases

POWER = ConstantModulus()


def check_allowed(w):
    """One modulus for each beam, and at most the budget."""
    size = np.abs(np.asarray(w))
    np.testing.assert_allclose(size, np.broadcast_to(size[..., :1, :], size.shape), atol=1e-6)
    assert (np.sum(size**2, axis=(-2, -1)) <= 1.0 + 1e-5).all()


@pytest.mark.slow
def test_one_user_of_two_antennas():
    """Without an eavesdropper antennas are in phase, log2(1 + (|h_1| + |h_2|)²/(2n)); with one in
    the same direction that hears more there is nothing; else what a grid over the phase has.
    """
    alone = cases.at_snr(0, 3, 2, 1, 1, 0.0)
    user = np.asarray(alone.h_user) * np.array([0.3, 10.0, 1e3], np.float32)[:, None, None]
    drawn = cases.at_snr(1, 6, 2, 1, 1, 15.0)
    louder = (1.5j * drawn.h_user[:1]).astype(np.complex64)
    h = np.concatenate([user, drawn.h_user[:1], drawn.h_user])
    g = np.concatenate([0.0 * user, louder, drawn.h_eve])
    channels = Channels(h, g, np.ones(len(h), np.float32))
    found = ascent(channels, objective=Sum(), constraint=POWER)
    check_allowed(found.strategy.w)
    assert found.strategy.v.shape == (10, 2, 0)
    rate = judge.secrecy_rates(found.strategy, channels)[:, 0]
    in_phase = np.log2(1.0 + np.sum(np.abs(user[:, 0]), axis=-1) ** 2 / 2.0)
    np.testing.assert_allclose(rate[:3], in_phase, rtol=1e-5)
    assert rate[3] < 1e-5 and np.isfinite(found.strategy.w).all()
    beams = np.stack([np.ones(4001), np.exp(1j * np.linspace(0, 2 * np.pi, 4001))]) / np.sqrt(2)
    heard = [np.abs(x[4:, 0].conj() @ beams) ** 2 for x in (h, g)]
    best = np.max(np.log2((1.0 + heard[0]) / (1.0 + heard[1])), axis=1)
    np.testing.assert_allclose(rate[4:], np.maximum(best, 0.0), atol=1e-3)


@pytest.mark.slow
def test_from_weak_to_strong_and_with_blank_receivers_and_antennas():
    """Nothing but numbers from −10 to 60 dB; and what a user alone gets where others hear nothing.

    Without the second antenna a beam wastes a third of its power there.
    """
    drawn = cases.at_snr(2, 8, 3, 2, 2, 0.0)
    gain = 10.0 ** (np.array([-10, 0, 20, 40, 60, 60, 60, 60], np.float32) / 20.0)[:, None, None]
    h, g = (gain * np.asarray(x) for x in drawn[:2])
    h[5, 1] = g[5] = 0.0
    h[6, :, 1] = g[6, :, 1] = 0.0
    h[7] = g[7] = 0.0
    channels = Channels(h, g, np.ones(8, np.float32))
    found = ascent(channels, objective=Sum(), constraint=POWER)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(found))
    check_allowed(found.strategy.w)
    rate = judge.secrecy_rates(found.strategy, channels)
    np.testing.assert_allclose(rate.sum(axis=1), found.info.value, rtol=1e-3, atol=1e-5)
    alone = np.log2(1.0 + np.sum(np.abs(h[5, 0])) ** 2 / 3.0)
    np.testing.assert_allclose(rate[5], [alone, 0.0], rtol=1e-3)
    assert rate[7].tolist() == [0.0, 0.0]


def test_the_nearest_beams_of_one_modulus():
    w, v = cases.random_strategy(0, 4, 3, 2, 1)
    shaped, noise = jax.jit(POWER.shaped)(w, v)
    assert noise.shape == (4, 3, 0)
    check_allowed(shaped)
    kept, _ = jax.jit(limit_power, static_argnums=2)(shaped, noise, POWER)
    np.testing.assert_allclose(kept, shaped, rtol=1e-5)
    distance = np.sum(np.abs(shaped - w) ** 2, axis=1)
    for turn, scale in ((1.0, 1.01), (1.0, 0.99), (np.exp(0.01j), 1.0)):
        moved = np.asarray(shaped) * scale
        moved[:, 0] *= turn
        assert (np.sum(np.abs(moved - w) ** 2, axis=1) > distance).all()


def test_shaping_has_a_gradient_where_a_beam_or_an_entry_is_zero():
    w = np.array([[[1.0 + 1.0j, 0.0], [0.0, 0.0]]], np.complex64)

    def size(w):
        return jnp.sum(jnp.abs(POWER.shaped(w, w[..., :0])[0][0, 0, 0]))

    slope = jax.jit(jax.grad(size))(w)
    assert np.isfinite(slope).all()
    np.testing.assert_allclose(slope[0, 0, 0], (1.0 - 1.0j) / np.sqrt(2.0) / 2.0, rtol=1e-5)


def test_real_elimination_from_easy_to_more_than_single_precision_holds():
    """As NumPy's in float64; of systems beyond 60 dB finite all the same."""
    rng = np.random.default_rng(0)
    half = rng.normal(size=(3, 6, 6)) * np.array([1.0, 30.0, 1e5])[:, None, None]
    half[:, :, 3:] = half[:, :, :1] * rng.normal(size=(3, 1, 3))
    matrix = half @ np.swapaxes(half, 1, 2) + np.eye(6)
    right = rng.normal(size=(3, 6, 2))
    system = np.moveaxis(np.concatenate([matrix, right], axis=2), 0, -1).astype(np.float32)
    found = np.moveaxis(solve_real(jnp.asarray(system), jnp.ones(3, jnp.float32)), -1, 0)
    wanted = np.linalg.solve(matrix, right)
    np.testing.assert_allclose(found[:2], wanted[:2], rtol=1e-2, atol=1e-2)
    assert np.isfinite(found[2]).all() and np.abs(found[2]).max() < 1e3


@pytest.mark.slow
def test_a_move_climbs_and_its_bend_keeps_what_others_hear(float64):
    """Along the move the smooth value grows, and the power to first order by no more than is left;
    on the bent path less comes back, with the square of the size, at receivers that it harms.
    """
    channels = cases.at_snr(3, 4, 4, 2, 2, 20.0)
    w = 0.5 * POWER.shaped(*cases.random_strategy(1, 4, 4, 2, 0))[0]
    task = Task(algebra.split(jnp.concatenate(channels[:2], axis=1)), Sum(), POWER)

    @jax.jit
    def start(w):
        u = algebra.split(w)
        beams = Beams(u, algebra.hermitian_product(task.h, u))
        move = modulus._move(task, beams, 2, 0.3)
        spent = algebra.sum_first(algebra.squared_norm(u))
        harm = harm_of(beams.y, *slopes(task, beams.y, spent, 2, 0.3))[0]
        return move, spent, modulus._others(harm, beams.y)

    move, spent, harm = start(w)
    assert (4.0 * np.sum(move.share * move.growth, axis=0) <= 0.5 * (1.0 - spent) + 1e-9).all()

    @jax.jit
    def heard(move, size):
        """What is heard, and the smooth value."""
        trial, spent = modulus._trials(move, jnp.full((1, 4), size))
        y = modulus._heard(task.h, trial)
        return algebra.join(y), values(task, y, spent, 2, 0.3).smooth

    low, high = (np.asarray(heard(move, size)[1]) for size in (0.0, 1e-4))
    assert (high > low).all()
    come_back = []
    for bend in (move.bend, 0.0 * move.bend):
        y = [np.asarray(heard(move._replace(bend=bend), x)[0]) for x in (-1e-3, 0.0, 1e-3)]
        second = (y[0] + y[2] - y[1] - y[1])[:, :, :, 0]
        come_back.append(np.sum(harm * np.moveaxis(np.abs(second) ** 2, 0, -1), axis=0))
    assert (come_back[0] < come_back[1]).all()

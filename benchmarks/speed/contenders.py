"""Annealed GPIP as one would write it, in NumPy and in JAX: what `solver` measures OPT against.

The same code for one channel serves both, `xp` being `numpy` or `jax.numpy`. For every block, a
user's beam or all noise beams, it forms A and B (Choi et al., IEEE TCOM 2023, Lemma 1, here for
P1 (6)) and solves B x = A f; all blocks go to one stacked `linalg.solve`. It takes none of the
shortcuts of `jaxsec.precoding.gpip.step`: on 2 cores at (M, K, L) = (8, 2, 4), batch 4096,
applying A without forming it makes the batched JAX 1.15 to 1.3 times faster, and sharing the
blocks' common part of B as well about 1.4 times.

Shapes of one channel: R = K + L receivers, users first; M antennas; N = K + J beams as columns.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsec.channels import Channels
from jaxsec.precoding import linear
from jaxsec.strategy import Strategy

LN2 = float(np.log(2.0))
MAX_SIGNAL_FRACTION = 0.9999  # noise beams that start at zero would stay zero
NUM_NOISE_BEAMS = 2

FULL_STEP = (1.0,)
"""The literature's step f ← B⁻¹A f."""
SEARCHED_STEP = (0.0, 0.25, 0.5, 1.0)
"""Values of η tried in f ← f + η·(B⁻¹A f − f), the best kept by smooth rate."""


class State(NamedTuple):
    """Beams, what receivers hear of them, and the best so far by true rate."""

    f: Any  # [M, N], unit power
    y: Any  # [R, N], y = hᴴf
    best_f: Any  # [M, N]
    best_rate: Any  # []


def solve_numpy(channels: Channels, start: Any, schedule: Any, step_sizes: tuple) -> np.ndarray:
    """One channel after the other, in complex128.

    Args:
      channels: arrays [n, ...].
      start: [n, M, N] beams.
      schedule: [num_steps] smoothing of each step.
      step_sizes: `FULL_STEP` or `SEARCHED_STEP`.

    Returns:
      [n, M, N] beams of unit power.
    """
    h_user, h_eve = np.asarray(channels.h_user, complex), np.asarray(channels.h_eve, complex)
    noise_power, start = np.asarray(channels.noise_power, float), np.asarray(start, complex)
    designs = []
    for i in range(h_user.shape[0]):
        h = over_noise(np, h_user[i], h_eve[i], noise_power[i])
        state = first_state(np, h, start[i], h_user.shape[1])
        for smoothing in schedule:
            state = step(np, h, state, smoothing, h_user.shape[1], step_sizes)
        designs.append(state.best_f)
    return np.stack(designs)


@functools.partial(jax.jit, static_argnames="step_sizes")
def solve_jax(channels: Channels, start: Any, schedule: Any, step_sizes: tuple) -> jax.Array:
    """All channels at once by `vmap`, in the channels' precision; otherwise as `solve_numpy`."""

    def solve(h_user, h_eve, noise_power, f):
        h = over_noise(jnp, h_user, h_eve, noise_power)

        def body(state, smoothing):
            return step(jnp, h, state, smoothing, h_user.shape[0], step_sizes), None

        state = first_state(jnp, h, f, h_user.shape[0])
        return jax.lax.scan(body, state, schedule)[0].best_f

    return jax.vmap(solve)(*channels, start)


@functools.partial(jax.jit, static_argnames="step_sizes")
def solve_jax_steps(
    channels: Channels, start: Any, schedule: Any, num_steps: Any, step_sizes: tuple
) -> jax.Array:
    """`solve_jax` for the first `num_steps` of a schedule, so that a search compiles once."""

    def solve(h_user, h_eve, noise_power, f):
        h = over_noise(jnp, h_user, h_eve, noise_power)

        def body(i, state):
            return step(jnp, h, state, schedule[i], h_user.shape[0], step_sizes)

        state = first_state(jnp, h, f, h_user.shape[0])
        return jax.lax.fori_loop(0, num_steps, body, state).best_f

    return jax.vmap(solve)(*channels, start)


def rzf_ns_start(channels: Channels) -> jax.Array:
    """[n, M, N]: RZF-NS, noise aimed at the eavesdroppers, split by line search a channel."""
    design: Callable[..., Strategy] = functools.partial(
        jax.jit(linear.rzf_ns, static_argnames=("signal_fraction", "num_noise_beams")),
        *channels,
        num_noise_beams=NUM_NOISE_BEAMS,
    )
    searched = jnp.concatenate(design(), axis=-1)
    some_noise = jnp.concatenate(design(signal_fraction=MAX_SIGNAL_FRACTION), axis=-1)
    noise = jnp.sum(jnp.abs(searched[..., -NUM_NOISE_BEAMS:]) ** 2, axis=(1, 2))
    too_little = noise < 1.0 - MAX_SIGNAL_FRACTION
    return jnp.where(too_little[:, None, None], some_noise, searched)


def over_noise(xp, h_user, h_eve, noise_power):
    """[R, M] channels over receiver noise, users first."""
    return xp.concatenate([h_user, h_eve]) / xp.sqrt(noise_power)


def first_state(xp, h, f, num_users: int) -> State:
    f = f / xp.sqrt(xp.sum(_abs2(f)))
    y = h.conj() @ f
    _, hard = _rates(xp, *_powers(xp, y, xp.ones_like(h[0, 0].real), num_users), 1.0)
    return State(f, y, f, hard)


def step(xp, h, state: State, smoothing, num_users: int, step_sizes: tuple) -> State:
    """f ← f + η·(B⁻¹A f − f) to unit power, η the only or the best of `step_sizes`."""
    f, y, best_f, best_rate = state
    move = _solve_blocks(xp, h, f, y, smoothing, num_users) - f
    y_move = h.conj() @ move
    sizes = xp.asarray(np.asarray(step_sizes), y.real.dtype)[:, None, None]
    f_trial, y_trial = f + sizes * move, y + sizes * y_move  # [T, M, N], [T, R, N]
    scale = 1.0 / xp.sqrt(xp.sum(_abs2(f_trial), axis=(1, 2), keepdims=True))
    f_trial, y_trial = scale * f_trial, scale * y_trial
    noise = xp.ones_like(scale[:, 0, 0])
    smooth, hard = _rates(xp, *_powers(xp, y_trial, noise, num_users), smoothing)
    i = xp.argmax(smooth)
    better = hard[i] > best_rate
    return State(
        f_trial[i],
        y_trial[i],
        xp.where(better, f_trial[i], best_f),
        xp.where(better, hard[i], best_rate),
    )


def _solve_blocks(xp, h, f, y, smoothing, num_users: int):
    """[M, N]: B⁻¹A f, one (A, B) for every user and one for all noise beams."""
    num_antennas = h.shape[1]
    num_noise_beams = f.shape[1] - num_users
    own, others, eve_own, eve_others = _powers(xp, y, xp.ones_like(h[0, 0].real), num_users)
    wiretap = xp.log1p(eve_own / eve_others) / LN2  # [L, K]
    share = xp.exp((wiretap - wiretap.max(axis=0)) / smoothing)
    share = share / share.sum(axis=0)  # softmax over eavesdroppers
    leak = share / eve_others  # [L, K]
    eve_total = xp.sum(_abs2(y[num_users:]), axis=1) + 1.0

    # Block b counts what its beams do to others, so b < K leaves out user b's own terms.
    not_own = xp.asarray(_not_own(num_users + 1, num_users), leak.dtype)  # [K + 1, K]
    blocks = xp.ones_like(not_own[:, :1])
    a_user, a_eve = 1.0 / (own + others), leak.sum(axis=1)
    b_user, b_eve = 1.0 / others, share.sum(axis=1) / eve_total
    a = xp.concatenate([blocks * a_user, not_own @ leak.T], axis=1)  # [K + 1, R]
    b = xp.concatenate([not_own * b_user, blocks * b_eve], axis=1)
    identity = xp.eye(num_antennas, dtype=leak.dtype)
    a_matrix = (h.T * a[:, None, :]) @ h.conj() + (a_user.sum() + a_eve.sum()) * identity
    b_matrix = (h.T * b[:, None, :]) @ h.conj() + (b_user.sum() + b_eve.sum()) * identity

    # [K + 1, M, J]: a user's block has one beam, repeated so that all blocks stack.
    users = xp.broadcast_to(f.T[:num_users, :, None], (num_users, num_antennas, num_noise_beams))
    beams = xp.concatenate([users, f[None, :, num_users:]])
    solution = xp.linalg.solve(b_matrix, a_matrix @ beams)
    return xp.concatenate([solution[:num_users, :, 0].T, solution[num_users]], axis=1)


def _powers(xp, y, noise, num_users: int):
    """Own and other power at users [..., K] and at eavesdroppers [..., L, K], noise included."""
    power = _abs2(y)
    not_own = xp.asarray(_not_own(power.shape[-1], num_users), power.dtype)
    others = power @ not_own + noise[..., None, None]  # a sum: total − own cancels in float32
    user, k = power[..., :num_users, :num_users], np.arange(num_users)
    return (
        user[..., k, k],
        others[..., k, k],
        power[..., num_users:, :num_users],
        others[..., num_users:, :],
    )


def _rates(xp, own, others, eve_own, eve_others, smoothing):
    """Smooth (6) and true (7) sum secrecy rate, [...]."""
    rate = xp.log1p(own / others) / LN2
    wiretap = xp.log1p(eve_own / eve_others) / LN2
    worst = wiretap.max(axis=-2)
    spread = xp.sum(xp.exp((wiretap - worst[..., None, :]) / smoothing), axis=-2)
    smooth = xp.sum(rate - worst - smoothing * xp.log(spread), axis=-1)
    return smooth, xp.sum(xp.maximum(rate - worst, 0.0), axis=-1)


@functools.cache
def _not_own(rows: int, columns: int) -> np.ndarray:
    return 1.0 - np.eye(rows, columns)


def _abs2(x):
    return x.real**2 + x.imag**2

"""Closed-form designs: MRT, ZF, RZF, null-space artificial noise, and RZF-NS.

Shapes as in `jaxsec.secrecy`. Precoders give every user the same share of the power and have
‖w‖² = 1; a zero channel gets a zero beam, and its power goes to the others. Sources: Björnson,
Hoydis, Sanguinetti, Massive MIMO Networks, Section 4.1 (MRT, RZF, ZF); Goel and Negi, Guaranteeing
Secrecy using Artificial Noise, IEEE TWC 2008 (null-space noise).

All work in an orthonormal basis of the users' channels. Users' Gram matrices never appear: their
condition number is the square, and in float32 leaves −35 dB of leakage at 50 dB of link SNR.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.channels.arguments import together
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.basis import null_space, orthonormal_basis
from jaxsec.precoding.batched.elimination import solve_hermitian
from jaxsec.precoding.power_split import best_split
from jaxsec.precoding.problem import Problem, as_problem
from jaxsec.secrecy import normalise_power
from jaxsec.shapes import AnyArray, over_noise
from jaxsec.strategy import Strategy

SIGNAL_FRACTIONS = np.sin(np.linspace(0.0, np.pi / 2, 64)) ** 2
"""Power splits RZF-NS searches; dense near 0 and 1, where strong links have their best."""


@together
def mrt(h_user: Complex[AnyArray, "... K M"]) -> Complex[Array, "... M K"]:
    """Maximum-ratio transmission: w_k along h_k (Björnson et al., 4.1).

    >>> mrt(jnp.array([[3.0, 4.0j]]))[:, 0]
    Array([0.6+0.j , 0. +0.8j], dtype=complex64)

    Args:
      h_user: users' channels as rows, [..., K, M]; or `Channels`.

    Returns:
      [..., M, K], ‖w‖² = 1, every user the same share.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    _check_user(h_user)
    return _equal_power(lambda h: unit_columns(algebra.transpose(h)), h_user)


@together
def zf(h_user: Complex[AnyArray, "... K M"]) -> Complex[Array, "... M K"]:
    """Zero-forcing: user k's beam is heard by no other user (Björnson et al., 4.1).

    Users that no beam can separate, whose channels depend on one another, share what is left.

    >>> w = zf(jnp.array([[1.0, 0.0], [0.6, 0.8]], complex))
    >>> bool(abs(w[0, 1]) < 1e-6)  # the first user hears nothing of the second's beam
    True

    Args:
      h_user: users' channels as rows, [..., K, M]; or `Channels`.

    Returns:
      [..., M, K], ‖w‖² = 1, every user the same share.

    Raises:
      InputError: a shape or dtype does not fit, or there are more users than antennas.
    """
    _check_user(h_user)
    num_users, num_antennas = h_user.shape[-2:]
    checks.require(
        num_users <= num_antennas,
        f"`h_user` must hold at most M = {num_antennas} users for zero-forcing, but has shape "
        f"{h_user.shape}; regularised zero-forcing serves any number",
    )

    def design(h: SplitComplex) -> SplitComplex:
        # User k's channel, orthogonalised against all the others': last in the Gram–Schmidt order.
        # All users at once, each order a batch of its own.
        order = (np.arange(num_users)[:, None] + np.arange(1, num_users + 1)) % num_users
        last = jax.tree.map(lambda x: x[order], h)  # [K, K, M, B]
        one = jax.tree.map(
            lambda x: jnp.moveaxis(x, 0, -2).reshape(num_users, num_antennas, -1), last
        )
        beams = orthonormal_basis(one)[0][-1]  # [M, K·B]
        return jax.tree.map(lambda x: x.reshape(num_antennas, num_users, -1), beams)

    return _equal_power(design, h_user)


@together
def rzf(
    h_user: Complex[AnyArray, "... K M"], noise_power: Float[ArrayLike, "..."]
) -> Complex[Array, "... M K"]:
    """Regularised zero-forcing, (HHᴴ + K·σ0²/P·I)⁻¹H with columns of equal power.

    E. Björnson, J. Hoydis and L. Sanguinetti, Massive MIMO Networks, 4.1.

    >>> h = jnp.array([[1.0, 0.0], [0.6, 0.8]], complex)
    >>> bool(jnp.allclose(rzf(h, 1e-12), zf(h), atol=1e-5))  # without noise, zero-forcing
    True

    Args:
      h_user: users' channels as rows, [..., K, M]; or `Channels`.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].

    Returns:
      [..., M, K], ‖w‖² = 1.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    _check_user(h_user)
    checks.check_batches(h_user=(h_user, 2), noise_power=(noise_power, 0))

    def design(h: SplitComplex) -> SplitComplex:
        basis, problem = _user_problem(h)
        return algebra.combine(
            basis, regularised(problem, algebra.transpose(problem.h), problem.weights)
        )

    return _equal_power(design, over_noise(h_user, noise_power))


def null_space_noise(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"] | None = None,
    num_noise_beams: int | None = None,
) -> Complex[Array, "... M J"]:
    """Artificial noise no user hears, ‖v‖² = 1, or zero where users leave no room (K ≥ M).

    Without `h_eve`: isotropic over the users' null space, J = M − K columns, as Goel and Negi
    (IEEE TWC, 2008) have it. With `h_eve`: J beams aimed at the eavesdroppers, weighed alike.

    >>> v = null_space_noise(jnp.array([[1.0, 0.0, 0.0]], complex))
    >>> v.shape, bool(jnp.abs(v[0]).max() < 1e-6)
    ((3, 2), True)

    Args:
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M].
      num_noise_beams: J, with `h_eve` only.

    Returns:
      [..., M, J].

    Raises:
      InputError: `num_noise_beams` without `h_eve`, or the reverse; a shape or dtype is wrong.
    """
    _check_user(h_user)
    checks.require(
        (h_eve is None) == (num_noise_beams is None),
        "`h_eve` and `num_noise_beams` must be given together: without them the noise is isotropic",
    )
    if h_eve is None or num_noise_beams is None:
        v = over_batch(null_space, h_user)
    else:
        checks.check_channels(h_user, h_eve)
        checks.check_at_least("num_noise_beams", num_noise_beams, 0)
        v = over_batch(functools.partial(_aimed, num_noise_beams=num_noise_beams), h_user, h_eve)
    return normalise_power(v[..., :0], v)[1]


@together
def rzf_ns(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    signal_fraction: float | None = None,
    num_noise_beams: int | None = None,
) -> Strategy:
    """RZF-NS: regularised zero-forcing beams plus null-space noise, baseline 4 of P1, Section IV.

    >>> h, none = jnp.ones((1, 4), complex), jnp.zeros((0, 4), complex)
    >>> strategy = rzf_ns(h, none, 0.01, signal_fraction=0.5)
    >>> round(float(jaxsec.sum_secrecy_rate(*strategy, h, none, 0.01)), 3)  # log2(1 + 0.5·4 / 0.01)
    7.651

    Args:
      h_user: users' channels as rows, [..., K, M]; or `Channels`, which hold the next two as well.
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      signal_fraction: share of the power that carries data. By default it is chosen for every
        channel by line search on the sum secrecy rate; a fixed, badly chosen one is a straw man.
      num_noise_beams: by default the noise fills the users' null space (J = M − K), the textbook
        form; a number aims that many beams at the eavesdroppers instead, which is stronger.

    Returns:
      w [..., M, K] and v [..., M, J] at full power.

    Raises:
      InputError: a shape or dtype is wrong or `signal_fraction` lies outside [0, 1].
    """
    checks.check_channels(h_user, h_eve, noise_power)
    if num_noise_beams is not None:
        checks.check_at_least("num_noise_beams", num_noise_beams, 0)
    if signal_fraction is not None:
        checks.check_fraction("signal_fraction", signal_fraction)
    fractions = SIGNAL_FRACTIONS if signal_fraction is None else np.array([signal_fraction])

    def design(user: SplitComplex, eve: SplitComplex) -> SplitComplex:
        basis, users = _user_problem(user)
        w = algebra.combine(basis, regularised(users, algebra.transpose(users.h), users.weights))
        noise = null_space(user) if num_noise_beams is None else _aimed(user, eve, num_noise_beams)
        problem = as_problem(algebra.concatenate([user, eve], axis=0), user.shape[0])
        iterate, _ = best_split(problem, algebra.concatenate([w, noise], axis=1), fractions)
        return iterate.f

    u = over_batch(design, over_noise(h_user, noise_power), over_noise(h_eve, noise_power))
    num_users = h_user.shape[-2]
    return Strategy(*normalise_power(u[..., :num_users], u[..., num_users:]))


def regularised(
    problem: Problem, targets: SplitComplex, activity: Float[Array, "K B"]
) -> SplitComplex:
    """(Σ_k activity_k h_k h_kᴴ + K·I)⁻¹ targets; columns of unit norm, or zero.

    For targets that are users' channels and all users active this is regularised zero-forcing.
    Solved in the span of the channels, never through the users' Gram matrix, whose condition number
    is the square.
    """
    num_users = problem.weights.shape[0]
    ridge = jnp.full_like(problem.weights[0], num_users)
    matrix = algebra.weighted_gram(problem.h[:num_users], activity, ridge)
    return unit_columns(solve_hermitian(matrix, targets, ridge))


def unit_columns(beams: SplitComplex) -> SplitComplex:
    """[D, N, B] with every column of norm one, or zero."""
    length2 = algebra.squared_norm(beams)
    there = length2 > 0
    return beams.scale(jnp.where(there, jax.lax.rsqrt(jnp.where(there, length2, 1.0)), 0.0))


def even_weights(norms2: Float[Array, "L B"], num_noise_beams: int) -> SplitComplex:
    """[L, J, B]: eavesdroppers weighed alike, with phases that tell the noise beams apart."""
    level = jnp.where(norms2 > 0, jax.lax.rsqrt(jnp.where(norms2 > 0, norms2, 1.0)), 0.0)
    turns = np.outer(np.arange(norms2.shape[0]), np.arange(num_noise_beams))
    angle = (2 * np.pi * turns / max(num_noise_beams, 1))[..., None]
    return SplitComplex(
        level[:, None] * jnp.asarray(np.cos(angle), level.dtype),
        level[:, None] * jnp.asarray(np.sin(angle), level.dtype),
    )


def _aimed(user: SplitComplex, eve: SplitComplex, num_noise_beams: int) -> SplitComplex:
    """[M, J, B]: unit beams orthogonal to the users, steered at the eavesdroppers."""
    basis, _ = orthonormal_basis(user)
    lost = algebra.combine(basis, algebra.hermitian_product(basis, algebra.transpose(eve)))
    visible = eve - algebra.transpose(lost)  # eavesdroppers' channels in the users' null space
    if user.shape[0] >= user.shape[1] or not eve.shape[0]:  # no null space, or nobody to jam
        nothing = jnp.zeros((user.shape[1], num_noise_beams, user.shape[2]), user.re.dtype)
        return SplitComplex(nothing, nothing)
    weights = even_weights(algebra.squared_norm(algebra.transpose(visible)), num_noise_beams)
    return unit_columns(algebra.combine(visible, weights))


def _user_problem(user: SplitComplex) -> tuple[SplitComplex, Problem]:
    """Basis [K, M, B] of the users' span, and the users in its coordinates."""
    basis, coordinates = orthonormal_basis(user)
    return basis, as_problem(coordinates, user.shape[0])


def _equal_power(
    design: Callable[[SplitComplex], SplitComplex], h_user: Any
) -> Complex[Array, "... M K"]:
    """Unit columns of a batch-last design, together at unit power."""
    w = over_batch(design, h_user)
    return normalise_power(w, w[..., :0])[0]


def over_batch(design: Callable[..., SplitComplex], *channels: Any) -> Complex[Array, "... M N"]:
    """Applies a batch-last design to batch-leading channels."""
    batch = jnp.broadcast_shapes(*[h.shape[:-2] for h in channels])
    flat = [
        jnp.broadcast_to(h, (*batch, *h.shape[-2:])).reshape(math.prod(batch), *h.shape[-2:])
        for h in channels
    ]
    u = algebra.join(design(*[algebra.split(h) for h in flat]))
    return u.reshape(*batch, *u.shape[1:])


def _check_user(h_user: Any) -> None:
    checks.check_rank("h_user", h_user, "[..., K, M]")
    checks.check_complex("h_user", h_user)

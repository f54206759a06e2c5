"""Received-gain coordinates: a strategy as what every receiver hears of every beam.

Shapes: n channels; R = K + L receivers, users first; N = K + J beams, noise beams last. With unit
channels ĥ_r = h_r/‖h_r‖ the coordinates are G[r, i] = ĥ_rᴴu_i; what users should not hear (other
users' beams and the noise) is counted in amplitudes of their receiver noise. At 50 dB of link SNR
a percent of a beam's antenna coordinates is −40 dB of leakage and ruins the rate; a percent of a
gain is a percent of that gain. A common unitary rotation of all channels changes no coordinate, so
the number of antennas drops out.

What no rate depends on is fixed (`fix_gauge`): user k hears its own beam in phase, and the noise
beams are rotated among themselves onto those of a reference, OPT's closed-form start
(`precoding.closed_form`), whose gains also tell a model where to look.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.basis import orthonormal_basis, outside
from jaxsec.precoding.batched.elimination import solve_hermitian
from jaxsec.precoding.batched.kernels import no_inline
from jaxsec.precoding.closed_form import closed_form
from jaxsec.precoding.linear import mrt
from jaxsec.secrecy import received_gains
from jaxsec.shapes import AnyArray, over_noise
from jaxsec.strategy import Strategy

KINDS = ("own gain", "user leakage", "noise leakage", "eavesdropper gain", "eavesdropper noise")
"""What an entry of G is; statistics are shared within a kind, never by position."""

PIVOT = 1e-3
"""Part of a unit channel outside the other users' span below which a user is not steered apart."""
RIDGE = 1e-4
"""Regularises the least squares over eavesdroppers, whose unit channels have a Gram of order 1."""


class Frame(NamedTuple):
    """Channels, and the reference strategy, as received-gain coordinates use them."""

    h: Complex[Array, "n R M"]
    """Unit channels; zero channels stay zero."""
    amplitude: Float[Array, "n R"]
    """‖h_r‖ over the receiver noise amplitude: the square root of the link SNR."""
    reference: Complex[Array, "n M N"]
    """Beams of the closed-form strategy, own gains real."""
    gains: Complex[Array, "n R N"]
    """Coordinates of the reference."""


def kinds(num_users: int, num_eves: int, num_noise_beams: int) -> np.ndarray:
    """[R, N] index into `KINDS` of every entry."""
    table = np.full((num_users + num_eves, num_users + num_noise_beams), 1)
    table[:num_users, num_users:] = 2
    table[num_users:, :num_users] = 3
    table[num_users:, num_users:] = 4
    np.fill_diagonal(table[:num_users, :num_users], 0)
    return table


def frame(
    h_user: Complex[AnyArray, "n K M"],
    h_eve: Complex[AnyArray, "n L M"],
    noise_power: Float[ArrayLike, "..."],
    num_noise_beams: int,
) -> Frame:
    """What the coordinates of these channels are measured against.

    Raises:
      InputError: a shape or dtype is wrong, or `num_noise_beams` is negative.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    num_users = h_user.shape[-2]
    h = jnp.concatenate([over_noise(h_user, noise_power), over_noise(h_eve, noise_power)], axis=-2)
    norm2 = jnp.sum(jnp.square(h.real) + jnp.square(h.imag), axis=-1)
    amplitude = jnp.where(norm2 > 0, jnp.sqrt(jnp.where(norm2 > 0, norm2, 1.0)), 0.0)
    unit = h / jnp.where(norm2 > 0, amplitude, 1.0)[..., None]
    reference = _reference(h_user, h_eve, noise_power, num_noise_beams)
    w = _own_gains_real(unit, reference.w)
    u = jnp.concatenate([w, reference.v], axis=-1)
    gains = _received(unit, amplitude, u, num_users)
    return Frame(unit, amplitude, u, gains)


def _reference(
    h_user: Complex[AnyArray, "n K M"],
    h_eve: Complex[AnyArray, "n L M"],
    noise_power: Float[ArrayLike, "..."],
    num_noise_beams: int,
) -> Strategy:
    """OPT's start; of one user and one eavesdropper, where that leaves nothing to a model, maximum
    ratio without noise, which is what models have been trained to turn away."""
    if h_user.shape[-2] == 1 and h_eve.shape[-2] == 1:
        w = mrt(h_user)
        return Strategy(w, jnp.zeros((*w.shape[:-1], num_noise_beams), w.dtype))
    return closed_form(h_user, h_eve, noise_power, num_noise_beams=num_noise_beams)


def fix_gauge(frame: Frame, strategy: Strategy) -> Strategy:
    """The strategy of the same rates with own gains real and noise rotated onto the reference.

    v ← vQ with Q unitary such that referenceᴴvQ is Hermitian and positive: the rotation nearest to
    the reference (orthogonal Procrustes; Golub & Van Loan, 6.4.1).
    """
    num_users = strategy.w.shape[-1]
    v = strategy.v
    if v.shape[-1]:
        overlap = jnp.swapaxes(v.conj(), -1, -2) @ frame.reference[..., num_users:]
        left, _, right = jnp.linalg.svd(overlap)
        v = v @ (left @ right)
    return Strategy(_own_gains_real(frame.h, strategy.w), v)


def to_gains(frame: Frame, strategy: Strategy) -> Complex[Array, "n R N"]:
    """Coordinates of a strategy."""
    u = jnp.concatenate([strategy.w, strategy.v], axis=-1)
    return _received(frame.h, frame.amplitude, u, strategy.w.shape[-1])


def from_gains(frame: Frame, gains: Complex[Array, "n R N"], num_users: int) -> Strategy:
    """A strategy with these coordinates, in order: users exactly, eavesdroppers as far as is left.

    The change from the reference is inverted: users' gains by substitution in an orthonormal basis
    of their channels, eavesdroppers' by least squares in the users' null space, where it cannot
    disturb them. Where K + L > M, or channels depend on each other, there are more gains than
    beams can have: eavesdroppers get what fits best, and users that no beam can tell apart keep
    the reference. The power is not scaled to the budget.
    """
    num_noise_beams = gains.shape[-1] - num_users
    change = (gains - frame.gains) * _unit(frame.amplitude, num_users, num_noise_beams)
    h, change = algebra.split(frame.h), algebra.split(change)
    basis, coordinates = orthonormal_basis(h[:num_users])
    a = substitute(coordinates, change[:num_users])  # basisᴴ(u − reference), [K, N, n]
    u = combine(basis, a)
    if h.shape[0] > num_users:
        eve = h[num_users:]
        visible = outside(basis, algebra.transpose(eve))  # [M, L, n]
        rest = change[num_users:] - product(eve, u)
        ridge = jnp.full_like(rest.re[0, 0], RIDGE)
        gram = product(algebra.transpose(visible), visible)
        eye = jnp.eye(eve.shape[0], dtype=ridge.dtype)[..., None]
        gram = SplitComplex(gram.re + RIDGE * eye, gram.im)
        combination = solve_hermitian(gram, rest, ridge)
        # Once more out of the users' hearing: a large combination has brought rounding back.
        u = u + outside(basis, combine(algebra.transpose(visible), combination))
    u = frame.reference + algebra.join(u)
    return Strategy(u[..., :num_users], u[..., num_users:])


def _received(h, amplitude, u, num_users: int) -> Complex[Array, "n R N"]:
    return received_gains(h, u) / _unit(amplitude, num_users, u.shape[-1] - num_users)


def _unit(
    amplitude: Float[Array, "n R"], num_users: int, num_noise_beams: int
) -> Float[Array, "n R N"]:
    """What an entry is counted in: noise amplitudes for leakage, else 1."""
    kind = kinds(num_users, amplitude.shape[-1] - num_users, num_noise_beams)
    leakage = (kind == 1) | (kind == 2)
    noise = 1.0 / jnp.where(amplitude > 0, amplitude, 1.0)
    return jnp.where(leakage[None], noise[..., None], 1.0)


def _own_gains_real(h: Complex[Array, "n R M"], w: Complex[Array, "n M K"]) -> Array:
    own = jnp.einsum("nkm,nmk->nk", h[:, : w.shape[-1]].conj(), w, precision="highest")
    size2 = jnp.square(own.real) + jnp.square(own.imag)
    there = size2 > 0
    turn = jnp.where(there, own.conj() * jax.lax.rsqrt(jnp.where(there, size2, 1.0)), 1.0)
    return w * turn[:, None]


def substitute(coordinates: SplitComplex, gains: SplitComplex) -> SplitComplex:
    """a [K, N, n] with Σ_s conj(c[r, s])·a[s] = gains[r], c lower triangular."""

    def solve(r: Any, solved: SplitComplex) -> SplitComplex:  # zero from row r on
        before = algebra.combine(coordinates[r].conj()[:, None], solved)[0]
        pivot = coordinates.re[r, r]
        return algebra.put(solved, (gains[r] - before).scale(pivot / (pivot * pivot + PIVOT**2)), r)

    zeros = jnp.zeros_like(gains.re)
    return jax.lax.fori_loop(0, gains.shape[0], solve, SplitComplex(zeros, zeros))


# Written out for the compiler, their results are stored: fused, they would be computed once a use.
combine = no_inline(algebra.combine)
product = no_inline(algebra.hermitian_product)

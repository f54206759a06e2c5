"""Resolved coordinates: for receivers that may be hard to tell apart, such as those on one street.

The coordinates of a beam u are its gains at the users, as in `received`, own gains over ρ_k; and
v̂_lᴴu for every eavesdropper, v̂_l = the part of ĥ_l in the users' null space, at unit length. ρ_r,
the resolution of a receiver, is the length of that part, for users of the part outside the other
users' span: 0.9 for independent channels, 0.01 for an eavesdropper a few metres from a user.

What eavesdroppers hear would not do. To move one such gain by 0.1 and leave the others takes a
vector of length 10, and two eavesdroppers beside each other multiply that: whatever noise a sample
has fills the budget. For independent channels both are the same, but for scale.

A model is told where to look: the coordinates of the closed-form reference, and how the first steps
of OPT's iteration change them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec.cdm.coordinates import features, received
from jaxsec.cdm.coordinates.features import regularised_inverse, stack
from jaxsec.diffusion.condition import Condition
from jaxsec.precoding import gpip
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.basis import orthonormal_basis, outside
from jaxsec.precoding.batched.elimination import solve_hermitian
from jaxsec.shapes import AnyArray
from jaxsec.strategy import Strategy

MIN_RESOLUTION = 1e-2
"""Parts shorter than this are not brought to unit length."""
RIDGE = 2e-2
"""Regularises the least squares over eavesdroppers, whose v̂ have a Gram of order 1: bounds how far
noise in coordinates that depend on each other moves a beam."""
USER_RIDGE = 1e-4
"""Regularises the users' inverse correlation matrix, which tells what sets them apart."""
LOOK_AHEAD = 6
"""Steps of OPT's iteration that a model is told."""
MAX_FEATURE = 5.0
"""Changes of more standard deviations than this are told as this."""


class Frame(NamedTuple):
    """What coordinates are read against."""

    base: received.Frame
    """Unit channels, link SNRs, and the reference, with its gains at all receivers."""
    resolution: Float[Array, "n R"]
    """ρ_r, at least `MIN_RESOLUTION`."""
    gains: Complex[Array, "n R N"]
    """Coordinates of the reference."""
    ahead: Complex[Array, "n R N"]
    """Changes of them by the first steps of OPT's iteration."""


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
    base = received.frame(h_user, h_eve, noise_power, num_noise_beams)
    num_users = h_user.shape[-2]
    users, eves = _receivers(base, num_users)
    basis, _ = orthonormal_basis(users)
    hidden = outside(basis, algebra.transpose(eves))
    lengths = [_outside_others(users)]
    if eves.shape[0]:
        lengths.append(jnp.sqrt(algebra.squared_norm(hidden)))
    resolution = jnp.maximum(jnp.concatenate(lengths), MIN_RESOLUTION)
    steps = gpip.annealing(LOOK_AHEAD)
    ahead = gpip.opt(h_user, h_eve, noise_power, num_noise_beams=num_noise_beams, smoothing=steps)
    resolution = jnp.moveaxis(resolution, -1, 0)
    found = Frame(base, resolution, base.gains, base.gains)
    found = found._replace(gains=_to_gains(found, base.reference, num_users))
    return found._replace(ahead=encode(found, ahead.strategy))


def encode(frame: Frame, strategy: Strategy) -> Complex[Array, "n R N"]:
    """Changes from the reference of a strategy's coordinates, its gauge fixed."""
    w, v = received.fix_gauge(frame.base, strategy)
    return _to_gains(frame, jnp.concatenate([w, v], axis=-1), w.shape[-1]) - frame.gains


def decode(frame: Frame, table: Complex[Array, "n R N"], num_users: int) -> Strategy:
    """The strategy of these changes of coordinates, its power not scaled to the budget.

    Users' gains by substitution in an orthonormal basis of their channels, the rest by least
    squares in their null space. Where K + L > M there are more coordinates than beams can have:
    eavesdroppers get what fits best.
    """
    change = algebra.split(table * _unit(frame, num_users, table.shape[-1] - num_users))
    users, eves = _receivers(frame.base, num_users)
    basis, coordinates = orthonormal_basis(users)
    u = received.combine(basis, received.substitute(coordinates, change[:num_users]))
    if eves.shape[0]:
        seen, gram = _null_space(frame, basis, eves)
        # Correlations between them shrunk: alone, each is exact.
        eye = jnp.eye(gram.shape[0], dtype=gram.re.dtype)[..., None]
        gram = SplitComplex(gram.re + RIDGE * eye, gram.im).scale(jnp.full((), 1 / (1 + RIDGE)))
        ridge = jnp.full_like(gram.re[0, 0], RIDGE / (1 + RIDGE))
        combination = solve_hermitian(gram, change[num_users:], ridge)
        # Once more out of the users' hearing: a large combination has brought rounding back.
        u = u + outside(basis, received.combine(algebra.transpose(seen), combination))
    u = frame.base.reference + algebra.join(u)
    return Strategy(u[..., :num_users], u[..., num_users:])


def condition(frame: Frame, num_users: int, spread: Float[Array | np.ndarray, "R N"]) -> Condition:
    """As of received gains; also resolutions, what is heard of the reference, and what is ahead.

    A third relation holds v̂_lᴴv̂_m of eavesdroppers, and the users' regularised inverse correlation.
    """
    base = frame.base
    told = features.condition(base._replace(gains=frame.gains), num_users, spread)
    num_noise_beams = spread.shape[1] - num_users
    heard = np.sqrt(spread.shape[1]).astype(np.float32) * _parts(base.gains)
    ahead = _parts(frame.ahead) / jnp.asarray(spread)[None, None]
    ahead = jnp.clip(ahead, -MAX_FEATURE, MAX_FEATURE)
    margin = jnp.log10(jnp.maximum(base.amplitude * frame.resolution, 1e-2)) - 2.0
    rows = jnp.stack([jnp.log10(frame.resolution), margin], axis=-1)
    owner = jnp.pad(rows[:, :num_users], ((0, 0), (0, num_noise_beams), (0, 0)))
    relation = stack([_relation(frame, num_users)])
    return told._replace(
        complex_entries=jnp.concatenate(
            [told.complex_entries, heard[..., None], ahead[..., None]], axis=-1
        ),
        rows=jnp.concatenate([told.rows, rows], axis=-1),
        columns=jnp.concatenate([told.columns, owner], axis=-1),
        relations=jnp.concatenate([told.relations, relation], axis=1),
    )


def _relation(frame: Frame, num_users: int) -> SplitComplex:
    """[R, R, n], nothing between users and eavesdroppers."""
    users, eves = _receivers(frame.base, num_users)
    inverse = regularised_inverse(_correlation(users))
    if not eves.shape[0]:
        return inverse
    _, gram = _null_space(frame, orthonormal_basis(users)[0], eves)
    right = ((0, 0), (0, eves.shape[0]), (0, 0))
    left = ((0, 0), (num_users, 0), (0, 0))

    def whole(inverse: Array, gram: Array) -> Array:
        return jnp.concatenate([jnp.pad(inverse, right), jnp.pad(gram, left)])

    return SplitComplex(whole(inverse.re, gram.re), whole(inverse.im, gram.im))


def _to_gains(frame: Frame, u: Complex[Array, "n M N"], num_users: int) -> Array:
    """Coordinates of beams whose own gains are real."""
    users, eves = _receivers(frame.base, num_users)
    beams = algebra.split(u)
    gains = received.product(users, beams)
    if eves.shape[0]:
        seen, _ = _null_space(frame, orthonormal_basis(users)[0], eves)
        rest = received.product(algebra.transpose(seen), beams)
        gains = algebra.concatenate([gains, rest], axis=0)
    return algebra.join(gains) / _unit(frame, num_users, u.shape[-1] - num_users)


def _null_space(
    frame: Frame, basis: SplitComplex, eves: SplitComplex
) -> tuple[SplitComplex, SplitComplex]:
    """v̂ [M, L, n], at unit length where there is enough of them, and their Gram matrix."""
    length = jnp.moveaxis(frame.resolution, 0, -1)[basis.shape[0] :]
    seen = outside(basis, algebra.transpose(eves)).scale(1.0 / length[None])
    return seen, received.product(algebra.transpose(seen), seen)


def _receivers(base: received.Frame, num_users: int) -> tuple[SplitComplex, SplitComplex]:
    """Unit channels of users [K, M, n] and of eavesdroppers [L, M, n]."""
    h = algebra.split(base.h)
    return h[:num_users], h[num_users:]


def _correlation(users: SplitComplex) -> SplitComplex:
    return algebra.hermitian_product(users, algebra.transpose(users))


def _unit(frame: Frame, num_users: int, num_noise_beams: int) -> Float[Array, "n R N"]:
    """What an entry is counted in: leakage in noise amplitudes, own gains in resolutions."""
    amplitude = frame.base.amplitude
    kind = received.kinds(num_users, amplitude.shape[-1] - num_users, num_noise_beams)
    noise = 1.0 / jnp.where(amplitude > 0, amplitude, 1.0)
    unit = jnp.where(((kind == 1) | (kind == 2))[None], noise[..., None], 1.0)
    return jnp.where((kind == 0)[None], frame.resolution[..., None], unit)


def _outside_others(users: SplitComplex) -> Float[Array, "K n"]:
    """Length of each unit vector's part outside the others' span, from the inverse correlation."""
    correlation = _correlation(users)
    eye = jnp.eye(correlation.shape[0], dtype=correlation.re.dtype)[..., None]
    identity = jnp.broadcast_to(eye, correlation.shape)
    inverse = solve_hermitian(
        SplitComplex(correlation.re + USER_RIDGE * eye, correlation.im),
        SplitComplex(identity, jnp.zeros_like(identity)),
        jnp.full_like(correlation.re[0, 0], USER_RIDGE),
    )
    return jax.lax.rsqrt(jnp.maximum(jnp.einsum("kkn->kn", inverse.re), 1.0))


def _parts(x: Complex[Array, "n R N"]) -> Float[Array, "n 2 R N"]:
    return jnp.stack([x.real, x.imag], axis=1)

"""Closed-form beams and noise whose powers are searched on draws of the channels.

RZF beams, or a single user's beam away from the eavesdroppers; noise in the users' null space, part
of it aimed at the eavesdroppers' means and part isotropic. What matters is how much of each.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.elimination import solve_hermitian
from jaxsec.precoding.batched.kernels import no_inline
from jaxsec.precoding.linear import regularised, unit_columns
from jaxsec.precoding.problem import as_problem
from jaxsec.precoding.robust.draws import Draws, amplitudes, power, power_of_all
from jaxsec.precoding.robust.heard import Heard, rates
from jaxsec.precoding.robust.problem import Beams, Uncertain, at_unit_power, second_moment
from jaxsec.secrecy import OverDraws

FRACTIONS = tuple(np.sin(np.linspace(0.0, np.pi / 2, 18))[1:] ** 2)
"""Shares of the power for data."""
SHARES = (0.0, 0.15, 0.4, 0.7, 1.0)
"""Shares of the noise that is isotropic."""
TURNS = (-0.06, -0.03, 0.0, 0.03, 0.06)
"""Changes of the angle whose squared sine is the share for data, that a finer search tries."""


class Noise(NamedTuple):
    """Where noise may go: dimensions of the span that no user's mean is in."""

    basis: SplitComplex
    """[S, S − K, B], orthonormal."""
    aimed: SplitComplex
    """[S, S − K, B], of unit power together or zero: at every eavesdropper's mean alike, or where
    errors have directions at what it may hear."""
    inside: float
    """Share of isotropic noise in the span, (S − K)/(M − K)."""


class Split(NamedTuple):
    """Beams with the searched powers, and what they are worth."""

    beams: Beams
    value: Float[Array, "B"]
    powers: Float[Array, "3 B"]
    """Of data, of aimed and of isotropic noise."""


def noise_of(known: Uncertain, num_users: int, outside: int) -> Noise:
    """The users' null space in the span, completed by `outside` dimensions that are not in it."""
    count = max(known.mean.shape[1] - num_users, 0)
    basis = null_space(known, num_users)
    aimed = _aimed(known, num_users, basis)
    total = max(count + outside, 1)
    return Noise(algebra.split(basis), algebra.split(basis @ aimed), count / total)


def null_space(known: Uncertain, num_users: int) -> Complex[Array, "B S J"]:
    """Dimensions of the span that no user's mean is in, orthonormal; J = S − K."""
    users = algebra.join(known.mean[:num_users])  # [B, K, S]
    return jnp.linalg.qr(jnp.swapaxes(users, 1, 2), mode="complete")[0][:, :, num_users:]


def _aimed(
    known: Uncertain, num_users: int, basis: Complex[Array, "B S J"]
) -> Complex[Array, "B J J"]:
    """Beams in the basis, as many as dimensions, for all eavesdroppers alike."""
    size = known.mean.shape[1]
    seen = _project(basis, known.mean[num_users:])[:, :, :, None]  # [B, J, L, 1]
    if known.roots is not None:
        roots = _project(basis, known.roots[num_users * size :])
        seen = jnp.concatenate([seen, roots.reshape(*seen.shape[:3], size)], axis=3)
    norm2 = jnp.sum(jnp.square(seen.real) + jnp.square(seen.imag), axis=(1, 3), keepdims=True)
    seen = seen * jnp.where(norm2 > 0, jax.lax.rsqrt(jnp.where(norm2 > 0, norm2, 1.0)), 0.0)
    number = max(seen.shape[2], 1)
    seen = seen.reshape(*seen.shape[:2], seen.shape[2] * seen.shape[3])
    return _root(seen @ jnp.swapaxes(seen.conj(), 1, 2) / number)


def _project(basis: Complex[Array, "B S J"], h: SplitComplex) -> Complex[Array, "B J R"]:
    return jnp.einsum("bsj,brs->bjr", basis.conj(), algebra.join(h))


def together(known: Uncertain, num_users: int) -> SplitComplex:
    """[S, K, B]: RZF beams for all users, each of the same power, the error counted as noise."""
    mean = known.mean[:num_users].scale(jax.lax.rsqrt(1.0 + known.error[:num_users])[:, None])
    problem = as_problem(mean, num_users)
    w = regularised(problem, algebra.transpose(problem.h), problem.weights)
    return w.scale(jnp.full_like(known.error[0], 1.0 / np.sqrt(num_users)))


def alone(known: Uncertain) -> SplitComplex:
    """[S, 1, B]: the beam of an only user, of unit power, away from the eavesdroppers' means."""
    ridge = jnp.ones_like(known.error[0])
    target = algebra.transpose(known.mean[:1])
    if known.mean.shape[0] > 1:
        target = solve_hermitian(_eavesdroppers(known, 1, ridge), target, ridge)
    return unit_columns(target)


def _eavesdroppers(known: Uncertain, num_users: int, ridge: Float[Array, "B"]) -> SplitComplex:
    """Noise and what eavesdroppers hear of a beam, over the noise; errors without direction
    counted as their noise."""
    eve, error = known.mean[num_users:], known.error[num_users:]
    if known.roots is None:
        return algebra.weighted_gram(eve, 1.0 / (1.0 + error), ridge)
    weight = jnp.concatenate([jnp.zeros_like(known.error[:num_users]), jnp.ones_like(error)])
    return second_moment(known, weight, ridge)


def search(
    known: Uncertain,
    draws: Draws,
    w: SplitComplex,
    noise: Noise,
    objective: OverDraws,
    *,
    fractions: Sequence[float] = FRACTIONS,
    shares: Sequence[float] = SHARES,
) -> Split:
    """Of all powers of data, aimed and isotropic noise, those of the largest objective."""
    tried = [(p, (1 - p) * (1 - s), (1 - p) * s) for p in fractions for s in shares]
    if not noise.basis.shape[1]:  # nobody to hide from, or no room: all power to the data
        tried = [(1.0, 0.0, 0.0)]
    powers = jnp.asarray(tried, known.error.dtype)[..., None]
    powers = jnp.broadcast_to(powers, (*powers.shape[:2], known.error.shape[1]))
    return best(known, draws, w, noise, objective, powers)


def search_near(
    known: Uncertain,
    draws: Draws,
    w: SplitComplex,
    noise: Noise,
    objective: OverDraws,
    powers: Float[Array, "3 B"],
) -> Split:
    """The same between the powers that a coarser search tries beside those that it has found.

    The power for data is where a parabola through what is found nearby has its vertex: the largest
    of a few values that draws decide is often large by chance.
    """
    if not noise.basis.shape[1]:
        return best(known, draws, w, noise, objective, powers[None])
    data, steered, spread = powers
    angle = jnp.arcsin(jnp.sqrt(data))
    share = jnp.where(steered + spread > 0, spread / (steered + spread), 1.0)

    def at(turn: Any, isotropic: Float[Array, "B"]) -> Float[Array, "3 B"]:
        nearby = jnp.square(jnp.sin(jnp.clip(angle + turn, 0.0, np.pi / 2)))
        rest = 1.0 - nearby
        return jnp.stack([nearby, rest * (1.0 - isotropic), rest * isotropic])

    value = _worth(known, draws, w, noise, objective)
    turn = _vertex(jax.lax.map(value, jnp.stack([at(turn, share) for turn in TURNS])))
    tried = jnp.stack([at(turn, share), at(turn, 0.5 * (1.0 + share))])
    return _largest(noise, w, value, tried)


def _vertex(values: Float[Array, "5 B"]) -> Float[Array, "B"]:
    """Where the parabola nearest to these values at `TURNS` is largest, within them."""
    x = np.asarray(TURNS, np.float32)
    square = np.square(x) - np.mean(np.square(x))
    slope = jnp.tensordot(x / np.sum(x * x), values, 1)
    bend = jnp.tensordot(square / np.sum(square * square), values, 1)
    turn = -0.5 * slope / jnp.minimum(bend, -1e-9)
    return jnp.clip(jnp.where(bend < 0, turn, x[-1] * jnp.sign(slope)), x[0], x[-1])


def best(
    known: Uncertain,
    draws: Draws,
    w: SplitComplex,
    noise: Noise,
    objective: OverDraws,
    powers: Float[Array, "T 3 B"],
) -> Split:
    """Of these powers of data, aimed and isotropic noise, those of the largest objective."""
    return _largest(noise, w, _worth(known, draws, w, noise, objective), powers)


def _worth(
    known: Uncertain, draws: Draws, w: SplitComplex, noise: Noise, objective: OverDraws
) -> Callable[[Float[Array, "3 B"]], Float[Array, "B"]]:
    """The objective of powers; what is heard of all parts is worked out once."""
    count = noise.basis.shape[1]
    signal = power(amplitudes(known, draws, w))
    aimed = even = jnp.zeros_like(signal[:, :, 0])
    if count:
        aimed = power_of_all(amplitudes(known, draws, noise.aimed))
        even = noise.inside / count * power_of_all(amplitudes(known, draws, noise.basis))
    even = even + (1.0 - noise.inside) * known.error[None] * draws.gamma[..., None]
    return lambda powers: objective.value(_rates_at(powers, signal, aimed, even))


def _largest(
    noise: Noise,
    w: SplitComplex,
    value: Callable[[Float[Array, "3 B"]], Float[Array, "B"]],
    powers: Float[Array, "T 3 B"],
) -> Split:
    values = jax.lax.map(value, powers)
    found = jnp.argmax(values, axis=0)
    chosen = jnp.take_along_axis(powers, found[None, None], axis=0)[0]
    data, steered, spread = chosen
    v = _mixed(noise, steered, spread * noise.inside / max(noise.basis.shape[1], 1))
    f = algebra.concatenate([w.scale(jnp.sqrt(data)), v], axis=1)
    beams = at_unit_power(f, spread * (1.0 - noise.inside))  # less, with nobody to aim at
    return Split(beams, jnp.max(values, axis=0), chosen)


@no_inline
def _rates_at(
    powers: Float[Array, "3 B"],
    signal: Float[Array, "D R K B"],
    aimed: Float[Array, "D R B"],
    even: Float[Array, "D R B"],
) -> Float[Array, "D B"]:
    """Over the power for data, which would be written out at every receiver otherwise."""
    data, steered, spread = powers[:, None, None]
    return rates(Heard(signal, (1.0 + steered * aimed + spread * even) / data))


def _mixed(noise: Noise, steered: Float[Array, "B"], spread: Float[Array, "B"]) -> SplitComplex:
    """[S, S − K, B]: beams of the covariance steered·aimed·aimedᴴ + spread·basis·basisᴴ."""
    basis, aimed = algebra.join(noise.basis), algebra.join(noise.aimed)
    inner = jnp.swapaxes(basis.conj(), 1, 2) @ aimed
    covariance = steered[:, None, None] * (inner @ jnp.swapaxes(inner.conj(), 1, 2))
    covariance = covariance + spread[:, None, None] * jnp.eye(basis.shape[2])[None]
    return algebra.split(basis @ _root(covariance))


def _root(covariance: Array) -> Array:
    """L with LLᴴ the covariance [B, n, n], up to a millionth of its trace."""
    size = covariance.shape[-1]
    if not size:
        return covariance
    trace = jnp.trace(covariance, axis1=1, axis2=2).real
    ridge = (1e-6 * trace + 1e-20)[:, None, None] * jnp.eye(size)[None]
    return jnp.linalg.cholesky(covariance + ridge)

"""The stochastic power iteration on one chunk of channels, from the best of several starts."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.robust import split
from jaxsec.precoding.robust.draws import Draws, of_receivers, parts
from jaxsec.precoding.robust.heard import sum_rates
from jaxsec.precoding.robust.problem import Beams, Uncertain, at_unit_power, receivers
from jaxsec.precoding.robust.step import step
from jaxsec.secrecy import OverDraws
from jaxsec.shapes import lift

SEARCH_FRACTIONS = tuple(np.sin(np.linspace(0.0, np.pi / 2, 12))[1:] ** 2)
SEARCH_SHARES = (0.02, 0.3, 1.0)
"""Never none of it isotropic: a step multiplies the noise outside the span, and zero stays."""
MARGIN = 1.15
"""One user alone must be worth so much more than RZF for all, of which the iteration makes more."""
JUDGED_TOGETHER = 256
"""Draws that candidates are judged on at a time, which bounds the memory."""
LENGTHS = 0.7, 0.15
"""η of the first step and of the last; between them it falls geometrically."""
REFINING_LENGTHS = 0.2, 0.1
"""The same from a design that is good already: there the noise of a step is what limits."""


class Starts(NamedTuple):
    """What an iteration starts from, and what its result is compared with."""

    first: Beams
    """Where the iteration begins: RZF for all users, or one user alone where that is worth much
    more; with powers searched on draws."""
    others: list[Beams]
    """RZF for all users, its powers searched once more, between the first and on more draws; and
    of several users the best alone."""


def starts(
    known: Uncertain,
    coarse: Draws,
    fine: Draws,
    objective: OverDraws,
    num_users: int,
    outside: int,
) -> Starts:
    """Closed forms with powers searched on few draws, one once more on others."""
    noise = split.noise_of(known, num_users, outside)
    few = {"fractions": SEARCH_FRACTIONS, "shares": SEARCH_SHARES}
    w = split.together(known, num_users)
    found = split.search(known, coarse, w, noise, objective, **few)
    near = split.search_near(known, fine, w, noise, objective, found.powers)
    if num_users == 1:
        return Starts(found.beams, [near.beams])

    def alone(user: Int[Array, ""]) -> tuple[Beams, Float[Array, "B"]]:
        rows = jnp.concatenate([user[None], jnp.arange(num_users, known.mean.shape[0])])
        one, heard = receivers(known, rows), of_receivers(coarse, rows)
        found = split.search(one, heard, split.alone(one), noise, objective, **few)
        chosen = (jnp.arange(num_users) == user).astype(known.error.dtype)[None, :, None]
        w = jax.tree.map(lambda x: x[:, :1] * chosen, found.beams.f)
        f = algebra.concatenate([w, found.beams.f[:, 1:]], axis=1)
        return Beams(f, found.beams.outside), found.value

    beams, values = jax.lax.map(alone, jnp.arange(num_users))
    single, value = best_of(beams, values), jnp.max(values, axis=0)
    both = jax.tree.map(lambda x, y: jnp.stack([x, y]), found.beams, single)
    first = best_of(both, jnp.stack([MARGIN * found.value, value]))
    return Starts(first, [near.beams, single])


def iterate(
    known: Uncertain,
    draws: Draws,
    start: Beams,
    objective: OverDraws,
    num_users: int,
    lengths: tuple[float, float] = LENGTHS,
) -> Beams:
    """A step from a start for each of the leading axis of `draws`, the later half averaged; beams
    of unit power."""
    num_receivers, _, batch = known.mean.shape
    num_steps = draws.gamma.shape[0]
    longest, shortest = lengths
    ratio = (shortest / longest) ** (1.0 / max(num_steps - 1, 1))

    def turn(carry, drawn):
        (beams, memory, total), (number, draws) = carry, drawn
        length = longest * ratio ** number.astype(known.error.dtype)
        beams, memory = step(known, draws, beams, memory, objective, num_users, length)
        late = (number >= num_steps // 2).astype(known.error.dtype)
        amplitude = Beams(beams.f, jnp.sqrt(beams.outside))
        total = jax.tree.map(lambda sum_, x: sum_ + late * x, total, amplitude)
        return (beams, memory, total), None

    memory = jnp.full((num_receivers + 1, batch), -1.0, known.error.dtype)
    first = (start, memory, jax.tree.map(jnp.zeros_like, start))
    (_, _, total), _ = jax.lax.scan(turn, first, (jnp.arange(num_steps), draws))
    return at_unit_power(total.f, jnp.square(total.outside))


def better(
    known: Uncertain,
    draws: Draws,
    candidates: list[Beams],
    objective: OverDraws,
    num_users: int,
    margin: Float[ArrayLike, "*#B"],
) -> Beams:
    """The candidate of the largest objective on these draws; others than the first only where they
    are ahead of it by a share `margin`."""
    both = jax.tree.map(lambda *x: jnp.stack(x), *candidates)
    some = parts(draws, math.gcd(len(draws.gamma), JUDGED_TOGETHER))

    def value(beams: Beams) -> Float[Array, "B"]:
        rates = jax.lax.map(lambda draws: sum_rates(known, draws, beams, num_users), some)
        return objective.value(rates.reshape(len(draws.gamma), -1))

    values = jax.lax.map(value, both)
    return best_of(both, values.at[0].multiply(1.0 + margin))


def best_of(candidates: Beams, values: Float[Array, "S B"]) -> Beams:
    """Of the candidates on the leading axis of every array, a channel's best that is finite."""
    best = jnp.argmax(jnp.where(jnp.isfinite(values), values, -jnp.inf), axis=0)  # [B]
    return jax.tree.map(lambda x: jnp.take_along_axis(x, lift(best, x.ndim), axis=0)[0], candidates)

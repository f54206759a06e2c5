"""The stochastic power iteration on one chunk of channels, from the best of several starts."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxsec import keys
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.robust import split
from jaxsec.precoding.robust.problem import (
    Beams,
    Uncertain,
    at_unit_power,
    sample,
    sum_rates,
)
from jaxsec.precoding.robust.split import Split
from jaxsec.precoding.robust.step import step
from jaxsec.secrecy import OverDraws
from jaxsec.shapes import lift

SEARCH_DRAWS = 64
"""Draws on which starts are searched."""
SEARCH_FRACTIONS = tuple(np.sin(np.linspace(0.0, np.pi / 2, 12))[1:] ** 2)
SEARCH_SHARES = (0.02, 0.3, 1.0)
"""Never none of it isotropic: a step multiplies the noise outside the span, and zero stays."""
MARGIN = 1.15
"""One user alone must be worth so much more than RZF for all, of which the iteration makes more."""
FINE_DRAWS = 256
"""Draws on which the start for all users is searched once more."""
JUDGING_DRAWS = 256
"""Draws by which starts and result are compared."""
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
    key: Key[Array, ""], known: Uncertain, objective: OverDraws, num_users: int, outside: int
) -> Starts:
    """Closed forms with powers searched on draws."""
    num_receivers, size = known.mean.shape[:2]
    key_coarse, key_fine = keys.stream(key, "coarse"), keys.stream(key, "fine")
    draws = sample(key_coarse, SEARCH_DRAWS, num_receivers, size, outside)
    noise = split.noise_of(known, num_users, outside)
    w = [split.together(known, num_users)]
    if num_users > 1:
        w += [split.alone(known, num_users, user) for user in range(num_users)]

    def search(w: SplitComplex) -> Split:
        return split.search(
            known,
            draws,
            w,
            noise,
            objective,
            fractions=SEARCH_FRACTIONS,
            shares=SEARCH_SHARES,
        )

    found = jax.lax.map(search, jax.tree.map(lambda *x: jnp.stack(x), *w))
    many = sample(key_fine, FINE_DRAWS, num_receivers, size, outside)
    near = split.search_near(known, many, w[0], noise, objective, found.powers[0])
    first = best_of(found.beams, found.value.at[0].multiply(MARGIN))
    others = [near.beams]
    if num_users > 1:
        others.append(best_of(*(jax.tree.map(lambda x: x[1:], x) for x in found[:2])))
    return Starts(first, others)


def iterate(
    key: Key[Array, ""],
    known: Uncertain,
    start: Beams,
    objective: OverDraws,
    num_users: int,
    outside: int,
    *,
    num_steps: int,
    num_draws: int,
    lengths: tuple[float, float] = LENGTHS,
) -> Beams:
    """`num_steps` steps from a start, the later half averaged; beams of unit power."""
    num_receivers, size, batch = known.mean.shape
    longest, shortest = lengths
    ratio = (shortest / longest) ** (1.0 / max(num_steps - 1, 1))

    def turn(carry, number):
        beams, memory, total = carry
        draws = sample(keys.step(key, number), num_draws, num_receivers, size, outside)
        length = longest * ratio ** number.astype(known.error.dtype)
        beams, memory = step(known, draws, beams, memory, objective, num_users, length)
        late = (number >= num_steps // 2).astype(known.error.dtype)
        amplitude = Beams(beams.f, jnp.sqrt(beams.outside))
        total = jax.tree.map(lambda sum_, x: sum_ + late * x, total, amplitude)
        return (beams, memory, total), None

    memory = jnp.full((num_receivers + 1, batch), -1.0, known.error.dtype)
    first = (start, memory, jax.tree.map(jnp.zeros_like, start))
    (_, _, total), _ = jax.lax.scan(turn, first, jnp.arange(num_steps))
    return at_unit_power(total.f, jnp.square(total.outside))


def better(
    key: Key[Array, ""],
    known: Uncertain,
    candidates: list[Beams],
    objective: OverDraws,
    num_users: int,
    outside: int,
) -> Beams:
    """The candidate of the largest objective on fresh draws."""
    num_receivers, size = known.mean.shape[:2]
    draws = sample(key, JUDGING_DRAWS, num_receivers, size, outside)
    both = jax.tree.map(lambda *x: jnp.stack(x), *candidates)
    values = jax.lax.map(
        lambda beams: objective.value(sum_rates(known, draws, beams, num_users)), both
    )
    return best_of(both, values)


def best_of(candidates: Beams, values: Float[Array, "S B"]) -> Beams:
    """Of the candidates on the leading axis of every array, a channel's best that is finite."""
    best = jnp.argmax(jnp.where(jnp.isfinite(values), values, -jnp.inf), axis=0)  # [B]
    return jax.tree.map(lambda x: jnp.take_along_axis(x, lift(best, x.ndim), axis=0)[0], candidates)

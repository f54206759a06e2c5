"""Where the generalised power iteration starts: RZF for chosen users, noise aimed, power split.

The iteration climbs to the nearest local optimum, and with as many users as antennas those are
mostly *which users are served*. So the start decides: a greedy search drops users whose loss
raises the rest by more.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.kernels import no_inline
from jaxsec.precoding.linear import even_weights, regularised
from jaxsec.precoding.power_split import best_split
from jaxsec.precoding.problem import Iterate, Problem, Rates

SIGNAL_FRACTIONS = np.array([0.3, 0.6, 0.8, 0.9, 0.97, 0.995, 0.9999])
"""Power splits tried; never all for data, since noise beams that are zero would stay zero."""

DROPPED = 1e-4
"""Activity of a user that is not served: not zero, so that the iteration may take it up again."""

ACTIVITY_SPREAD = 3.0
"""Standard deviation of the log-activity of users in random starts."""


class Recipe(NamedTuple):
    """What a closed-form start is made of."""

    activity: Float[Array, "K B"]
    """Share of each user in the power and in what the others avoid; 1 is served, 0 is not."""
    aims: SplitComplex
    """[L, J, B]: each noise beam as a combination of the eavesdroppers' channels."""


def random_size(num_users: int, num_eves: int, num_noise_beams: int) -> int:
    """Normal variates that `start` takes for a channel."""
    return num_users + 2 * num_eves * num_noise_beams


def start(
    problem: Problem, num_beams: int, num_antennas: int, variates: Float[Array, "V B"] | None
) -> Iterate:
    """The closed-form start, or where `variates` are not all zero, a random one."""
    num_users = problem.weights.shape[0]
    num_noise_beams = num_beams - num_users
    everyone = Recipe(jnp.ones_like(problem.weights), _even_aims(problem, num_noise_beams))
    if num_users == 1:
        found = _follow(problem, everyone)[0]
    else:
        found = _drop_one(problem, everyone)
        rounds = max(num_users - num_antennas, 0)
        if rounds:
            found = jax.lax.fori_loop(
                0, rounds, lambda _, found: _drop_one(problem, found[0]), found
            )
        found = found[1]
    if variates is None:
        return found
    drawn = _follow(problem, _random_recipe(problem, num_noise_beams, variates))[0]
    there = algebra.sum_first(jnp.abs(variates)) > 0
    return Iterate(*(algebra.where(there, new, old) for new, old in zip(drawn, found, strict=True)))


def _even_aims(problem: Problem, num_noise_beams: int) -> SplitComplex:
    num_users = problem.weights.shape[0]
    weights = even_weights(problem.norms2[num_users:], num_noise_beams)
    if problem.h.shape[0] == 2 and num_users == 1:
        # One user, one eavesdropper: beamforming alone reaches capacity (Khisti & Wornell, 2010).
        return weights.scale(jnp.zeros_like(weights.re))
    return weights


def _random_recipe(problem: Problem, num_noise_beams: int, variates: Float[Array, "V B"]) -> Recipe:
    num_users = problem.weights.shape[0]
    even = _even_aims(problem, num_noise_beams)
    activity = jnp.exp(ACTIVITY_SPREAD * variates[:num_users])
    turn = variates[num_users:].reshape(2, *even.shape)
    return Recipe(activity, even * SplitComplex(turn[0], turn[1]))


@no_inline
def _drop_one(problem: Problem, recipe: Recipe) -> tuple[Recipe, Iterate]:
    """Drops the user whose dropping raises the start's rate most, if any does; and that start."""
    num_users = problem.weights.shape[0]
    trials = num_users + 1

    def repeat(x):
        return jnp.tile(x, (1,) * (x.ndim - 1) + (trials,))

    dropped = jnp.eye(num_users, trials, dtype=problem.weights.dtype)[:, :, None]  # last: nobody
    activity = jnp.where(dropped > 0, DROPPED, recipe.activity[:, None])
    flat = activity.reshape(num_users, -1)
    repeated, aims = jax.tree.map(repeat, (problem, recipe.aims))
    starts, rates = _follow(repeated, Recipe(flat, aims))
    best = jnp.argmax(rates.hard.reshape(trials, -1), axis=0)  # [B]

    def chosen(x):
        x = x.reshape(*x.shape[:-1], trials, -1)
        at = best.reshape((1,) * (x.ndim - 1) + best.shape)
        return jnp.take_along_axis(x, at, axis=-2)[..., 0, :]

    return Recipe(chosen(flat), recipe.aims), jax.tree.map(chosen, starts)


def _follow(problem: Problem, recipe: Recipe) -> tuple[Iterate, Rates]:
    """The start a recipe makes, with the best power split, and its rates."""
    num_users = problem.weights.shape[0]
    targets = [algebra.transpose(problem.h[:num_users])]
    if recipe.aims.shape[0]:
        targets.append(algebra.combine(problem.h[num_users:], recipe.aims))
    beams = regularised(problem, algebra.concatenate(targets, axis=1), recipe.activity)
    if not recipe.aims.shape[0]:
        nothing = jnp.zeros((beams.shape[0], recipe.aims.shape[1], beams.shape[2]), beams.re.dtype)
        beams = algebra.concatenate([beams, SplitComplex(nothing, nothing)], axis=1)
    share = recipe.activity * (num_users / algebra.sum_first(recipe.activity)[None])
    ones = jnp.ones((beams.shape[1] - num_users, *share.shape[1:]), share.dtype)
    return best_split(
        problem, beams.scale(jnp.sqrt(jnp.concatenate([share, ones]))), SIGNAL_FRACTIONS
    )

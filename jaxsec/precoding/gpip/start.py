"""Where the generalised power iteration starts: RZF for chosen users, noise aimed, power split.

The iteration climbs to the nearest local optimum, and with as many users as antennas those are
mostly *which users are served*. So the start decides: a greedy search drops users whose loss
raises the rest by more. Where there are several starts, the second one grows that set instead, from
the best user alone, and the others serve users at random.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.kernels import no_inline
from jaxsec.precoding.gpip.pair import capacity_beam
from jaxsec.precoding.linear import even_weights, regularised
from jaxsec.precoding.power_split import best_split
from jaxsec.precoding.problem import Iterate, Problem, Rates, start_from

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
    """Normal variates that `random_start` takes for a channel."""
    return num_users + 2 * num_eves * num_noise_beams


def start(problem: Problem, num_beams: int, num_antennas: int) -> Iterate:
    """The closed-form start: all users, but for one who is better dropped, and for more of them
    where they outnumber the antennas; of one user and one eavesdropper the beam of capacity."""
    num_users = problem.weights.shape[0]
    if problem.h.shape[0] == 2 and num_users == 1:
        return _without_noise(problem, capacity_beam(problem), num_beams)
    everyone = _recipe(problem, num_beams, 1.0)
    if num_users == 1:
        return _follow(problem, everyone)[0]
    found = _drop_one(problem, everyone)
    rounds = max(num_users - num_antennas, 0)
    if rounds:
        found = jax.lax.fori_loop(0, rounds, lambda _, found: _drop_one(problem, found[0]), found)
    return found[1]


def grown_start(problem: Problem, num_beams: int, num_antennas: int) -> Iterate:
    """The best user alone, then whoever raises the rate most, as long as anybody does.

    As user selection for zero-forcing has it (Dimić & Sidiropoulos, IEEE TSP 53(10), 2005), by the
    rate of the start: it finds small sets, of which dropping users one by one may lose a member.
    """
    num_users = problem.weights.shape[0]
    nobody = _recipe(problem, num_beams, DROPPED)
    found = _change_one(problem, nobody, 1.0, np.eye(num_users))
    rounds = min(num_users, num_antennas) - 1
    return jax.lax.fori_loop(0, rounds, lambda _, found: _add_one(problem, found[0]), found)[1]


def random_start(problem: Problem, num_beams: int, variates: Float[Array, "V B"]) -> Iterate:
    """Users served by chance, more or less, and noise aimed so."""
    num_users = problem.weights.shape[0]
    even = _recipe(problem, num_beams, 1.0).aims
    activity = jnp.exp(ACTIVITY_SPREAD * variates[:num_users])
    turn = variates[num_users:].reshape(2, *even.shape)
    return _follow(problem, Recipe(activity, even * SplitComplex(turn[0], turn[1])))[0]


def _recipe(problem: Problem, num_beams: int, activity: float) -> Recipe:
    """All users alike, and noise aimed at all eavesdroppers alike."""
    aims = _even_aims(problem, num_beams - problem.weights.shape[0])
    return Recipe(jnp.full_like(problem.weights, activity), aims)


def _even_aims(problem: Problem, num_noise_beams: int) -> SplitComplex:
    num_users = problem.weights.shape[0]
    return even_weights(problem.norms2[num_users:], num_noise_beams)


def _without_noise(problem: Problem, w: SplitComplex, num_beams: int) -> Iterate:
    """Users' beams, and noise beams of zero beside them, which the iteration leaves so."""
    missing = ((0, 0), (0, num_beams - w.shape[1]), (0, 0))
    return start_from(problem, jax.tree.map(lambda x: jnp.pad(x, missing), w))


@no_inline
def _drop_one(problem: Problem, recipe: Recipe) -> tuple[Recipe, Iterate]:
    """Drops the user whose dropping raises the start's rate most, if any does; and that start."""
    num_users = problem.weights.shape[0]
    return _change_one(problem, recipe, DROPPED, np.eye(num_users, num_users + 1))


@no_inline
def _add_one(problem: Problem, recipe: Recipe) -> tuple[Recipe, Iterate]:
    """Serves the user who raises the start's rate most, if any does; and that start."""
    num_users = problem.weights.shape[0]
    return _change_one(problem, recipe, 1.0, np.eye(num_users, num_users + 1))


def _change_one(
    problem: Problem, recipe: Recipe, activity: float, changed: np.ndarray
) -> tuple[Recipe, Iterate]:
    """Gives one user another activity, whose start has the largest rate; and that start.

    `changed` is 1 for the user of each trial; that of the last may be nobody.
    """
    num_users, trials = changed.shape

    def repeat(x):
        return jnp.tile(x, (1,) * (x.ndim - 1) + (trials,))

    tried = jnp.where(jnp.asarray(changed)[:, :, None] > 0, activity, recipe.activity[:, None])
    flat = tried.reshape(num_users, -1)
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

"""Draws of what a slot may be, given what it shows of its users and eavesdroppers.

    drawn = posterior.draws(environment, states, 16)

Every draw is a whole slot that the scenario could have made. Users' gains tell whether there is a
line of sight and where users stand, which matters where eavesdroppers stand near them. In a slot:

1. Each user's place is tried at many points of its disc, with a line of sight and without; the
   likelihood of its gains (`density`) weighs them.
2. Hypotheses are drawn: a sight by the likelihood of all users' gains, a place for each user by
   its weights, and a regime, by its share, or by its probability after the detector's word.
3. Where eavesdroppers are not heard, each hypothesis is a draw: their places and fading follow as
   the scenario draws them. Where they are, each is tried at many places of the hypothesis,
   weighed by the likelihood of its levels with their errors; a hypothesis counts by the product
   over eavesdroppers of their mean weights. Draws are taken by these weights, then places by
   theirs, then fading, link by link, by its density and that of the error.

Given a hypothesis eavesdroppers are independent, and given its place so are the links of each: this
is importance sampling with all that has a formula summed out, right as the numbers of tries grow.
With Gauss–Markov fading it is the posterior of a slot by itself, without the slots before it.

Shapes: N slots, D draws, A access points, U users, E eavesdroppers, R = U + E, R' receivers that
are heard; K sights, without and with a line of sight; P places, H hypotheses, C candidates.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from jaxsec import checks
from jaxsec.jamming import density, knowledge, slots
from jaxsec.jamming.chunks import by_chunks
from jaxsec.jamming.environment import Environment, State
from jaxsec.jamming.knowledge import Seen, from_db, to_db
from jaxsec.jamming.scenario import JammingScenario

NUM_PLACES = 128
"""Of each user that are tried."""
NUM_HYPOTHESES = 32
"""Where eavesdroppers are heard; elsewhere as many as draws."""
NUM_CANDIDATES = 64
"""Places of an eavesdropper that a hypothesis tries."""
MAX_DEVIATIONS, NUM_ERRORS = 4.0, 33
"""Errors of a link's level that are tried: standard deviations, and how many within these."""
CHUNK = 8
"""Slots at a time."""


class Hypotheses(NamedTuple):
    """What a slot may be, but for its eavesdroppers."""

    sight: Int[Array, "H"]
    """1 with a line of sight."""
    users: Float[Array, "H 2 U"]
    """Positions in metres."""
    regime: Int[Array, "H"]


def draws(
    environment: Environment, states: State, number: int, key: Key[Array, ""] | None = None
) -> Float[Array, "N D R A"]:
    """Gains of slots that would show what these do: users' as they are, eavesdroppers' drawn.
    Compiled.

    Args:
      environment: what the slots are of.
      states: N slots, batched along the first axis of every field; only what they show is used.
      number: D, draws of each slot.
      key: of the draws; a fixed one by default.

    Raises:
      InputError: `number` is below 1.
    """
    checks.check_at_least("number", number, 1)
    key = jax.random.key(0) if key is None else key
    return _draws(environment.scenario, states, key, number)


@functools.partial(jax.jit, static_argnames=("scenario", "number"))
def _draws(
    scenario: JammingScenario, states: State, key: Key[Array, ""], number: int
) -> Float[Array, "N D R A"]:
    def some(key: Key[Array, ""], part: Seen) -> Float[Array, "n D R A"]:
        return jax.vmap(lambda key, seen: of_slot(scenario, seen, number, key))(
            jax.random.split(key, len(part.gains)), part
        )

    seen = jax.vmap(lambda slot, evidence: knowledge.seen(scenario, slot, evidence))
    return by_chunks(some, seen(states.slot, states.evidence), key, CHUNK)


def of_slot(
    scenario: JammingScenario, seen: Seen, number: int, key: Key[Array, ""]
) -> Float[Array, "D R A"]:
    """Draws of one slot."""
    key_users, key_eves = jax.random.split(key)
    heard = knowledge.has_gains(scenario)
    users, eves = seen.gains[: scenario.num_users], seen.gains[scenario.num_users :]
    share = knowledge.regime_shares(scenario, seen)
    count = NUM_HYPOTHESES if heard else number
    supposed = hypotheses(scenario, users, share, count, key_users)
    if heard:
        eves = heard_eavesdroppers(scenario, supposed, eves, number, key_eves)
    else:
        eves = unheard_eavesdroppers(scenario, supposed, key_eves)
    users = jnp.broadcast_to(users[None], (number, *users.shape))
    return jnp.concatenate((users, eves), axis=1)


def hypotheses(
    scenario: JammingScenario,
    gains: Float[Array, "U A"],
    share: Float[Array, "G"],
    number: int,
    key: Key[Array, ""],
) -> Hypotheses:
    """Drawn by users' gains and the regimes' shares."""
    key_places, key_sight, key_user, key_regime = jax.random.split(key, 4)
    place = slots.unit_disc(*jax.random.uniform(key_places, (2, NUM_PLACES * len(gains))))
    place = jnp.swapaxes(place.reshape(2, NUM_PLACES, -1), 0, 1)
    place = jax.vmap(lambda disc: slots.user_positions(scenario, disc))(place)  # [P, 2, U]
    above = to_db(gains)[None] - _path_levels(scenario, place)
    table = density.table(_rician_factors(scenario), 0.0)
    of_sight = jax.vmap(lambda sight: jnp.sum(table(sight, above), axis=-1))
    fit = of_sight(jnp.arange(2))  # [K, P, U]

    los = scenario.line_of_sight
    prior = jnp.asarray(np.log(np.maximum([1.0 - los, los], knowledge.MIN_GAIN)), jnp.float32)
    sight_fit = prior + jnp.sum(_log_mean(fit, axis=1), axis=1)
    sight = _choose(sight_fit[None], jax.random.uniform(key_sight, (number,)))
    weights = _cumulative(jnp.swapaxes(fit, 1, 2))[sight]  # [H, U, P]
    chosen = _reached(weights, jax.random.uniform(key_user, weights.shape[:2]))
    users = jnp.take_along_axis(jnp.swapaxes(place, 0, 2).T, chosen[:, None], axis=0)
    regime = _choose(jnp.log(share)[None], _even(key_regime, number))
    return Hypotheses(sight, users, regime)


def unheard_eavesdroppers(
    scenario: JammingScenario, supposed: Hypotheses, key: Key[Array, ""]
) -> Float[Array, "H E A"]:
    """Gains as the scenario draws them, one slot a hypothesis."""
    key_places, key_fading = jax.random.split(key)
    level = candidates(scenario, supposed, scenario.num_eavesdroppers, key_places)
    factor = jnp.asarray(_rician_factors(scenario))[supposed.sight][:, None, None]
    normal = jax.random.normal(key_fading, (2, *level.shape)) / np.sqrt(2.0)
    real = jnp.sqrt(factor) + normal[0]
    return from_db(level) * (real**2 + normal[1] ** 2) / (factor + 1.0)


def heard_eavesdroppers(
    scenario: JammingScenario,
    supposed: Hypotheses,
    gains: Float[Array, "E A"],
    number: int,
    key: Key[Array, ""],
) -> Float[Array, "D E A"]:
    """Gains by what is observed of them."""
    key_places, key_draw, key_place, key_error = jax.random.split(key, 4)
    level = candidates(scenario, supposed, NUM_CANDIDATES, key_places)  # [H, C, A]
    shown, factors = to_db(gains), _rician_factors(scenario)
    error_db = knowledge.error_db(scenario)
    above = shown[None, :, None] - level[:, None]  # [H, E, C, A]
    sight = supposed.sight[:, None, None, None]
    fit = jnp.sum(density.table(factors, error_db)(sight, above), axis=-1)
    worth = jnp.sum(_log_mean(fit, axis=2), axis=1)
    taken = _choose(worth[None], _even(key_draw, number))
    place = _choose(fit[taken], jax.random.uniform(key_place, (number, len(gains))))
    above = shown[None] - level[taken[:, None], place]  # [D, E, A]

    # Errors on a grid that lies at random; each by its own density times that of what is left.
    spacing = 2.0 * MAX_DEVIATIONS / (NUM_ERRORS - 1)
    key_offset, key_choice = jax.random.split(key_error)
    grid = jnp.linspace(-MAX_DEVIATIONS, MAX_DEVIATIONS, NUM_ERRORS)
    offset = jax.random.uniform(key_offset, above.shape, minval=-0.5, maxval=0.5)[..., None]
    error = grid.reshape(1, 1, 1, -1) + spacing * offset
    sight = supposed.sight[taken][:, None, None, None]
    table = density.table(factors, 0.0)
    fit = table(sight, above[..., None] - error_db * error) - error**2 / 2.0
    chosen = _choose(fit, jax.random.uniform(key_choice, above.shape))
    error = jnp.take_along_axis(error, chosen[..., None], axis=-1)[..., 0]
    return gains[None] * from_db(-error_db * error)


def candidates(
    scenario: JammingScenario, supposed: Hypotheses, number: int, key: Key[Array, ""]
) -> Float[Array, "H C A"]:
    """Mean levels of paths to places where an eavesdropper may stand."""
    distance, turn, target = jax.random.uniform(key, (3, len(supposed.regime), number))

    def one(users: Any, regime: Any, target: Any, distance: Any, turn: Any) -> Float[Array, "2 C"]:
        disc = slots.unit_disc(distance, turn)
        return slots.eavesdropper_positions(scenario, users, regime, target, disc)

    places = jax.vmap(one)(supposed.users, supposed.regime, target, distance, turn)
    return _path_levels(scenario, places)


def _path_levels(
    scenario: JammingScenario, positions: Float[Array, "H 2 R"]
) -> Float[Array, "H R A"]:
    return to_db(jax.vmap(lambda places: slots.path_gains(scenario, places))(positions))


def _rician_factors(scenario: JammingScenario) -> tuple[float, float]:
    """Of both sights."""
    return 0.0, scenario.rician_factor


def _log_mean(fit: Float[Array, "*any"], axis: int) -> Float[Array, "..."]:
    """Of log-weights."""
    return jax.nn.logsumexp(fit, axis=axis) - np.log(fit.shape[axis])


def _even(key: Key[Array, ""], number: int) -> Float[Array, "{number}"]:
    """In (0, 1), one in each of as many equal parts: by them, choices keep to their shares."""
    return (jnp.arange(number) + jax.random.uniform(key)) / number


def _choose(fit: Float[Array, "*#any n"], uniform: Float[Array, "*any"]) -> Int[Array, "*any"]:
    """Indices along the last axis, by log-weights: the inverse of their cumulative sum."""
    return _reached(_cumulative(fit), uniform)


def _cumulative(fit: Float[Array, "*any n"]) -> Float[Array, "*any n"]:
    """Sums of weights, of log-weights."""
    return jnp.cumsum(jnp.exp(fit - jnp.max(fit, axis=-1, keepdims=True)), axis=-1)


def _reached(
    cumulative: Float[Array, "*#any n"], uniform: Float[Array, "*any"]
) -> Int[Array, "*any"]:
    """Where sums of weights reach these parts of the whole."""
    below = cumulative < uniform[..., None] * cumulative[..., -1:]
    return jnp.minimum(jnp.sum(below, axis=-1), cumulative.shape[-1] - 1)

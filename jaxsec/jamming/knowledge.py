"""What is known of a slot's eavesdroppers when powers are set; the reward is of the truth.

`JammingScenario.knowledge` says how much that is:

  exact   their gains, as the users' gains always are;
  noisy   their gains with a normal error of `gain_error_db` on each link's level;
  hidden  nothing but what holds of all slots;
  sensed  a detector's word on where they are, right with probability `detection_probability`; a
          wrong word is one of the other two regimes, either with the same probability.

Shapes: A access points, U users, E eavesdroppers, R = U + E receivers, users first, R' those that
are heard: all of them, or the users; G regimes (`scenario.REGIMES`), N slots.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from jaxsec import keys
from jaxsec.jamming import slots
from jaxsec.jamming.scenario import REGIMES, JammingScenario
from jaxsec.jamming.slots import Slot

NUM_PRIOR_SLOTS = 4096
"""Slots that the levels of unseen eavesdroppers are averaged over."""
MIN_GAIN = 1e-30
"""Weaker links count as these: a gain of zero has no level."""


class Evidence(NamedTuple):
    """Random parts of an observation of eavesdroppers."""

    error_db: Float[Array, "E A"] | None = None
    """Of the levels of their links, where these are observed with an error."""
    detected: Int[Array, ""] | None = None
    """Index into `REGIMES`, where there is a detector."""


class Seen(NamedTuple):
    """What a slot shows of its gains, and of where its eavesdroppers are."""

    gains: Float[Array, "R' A"]
    """As `slots.gains`, eavesdroppers' with their error; of the users only where those are not
    heard."""
    detected: Int[Array, ""] | None
    """Index into `REGIMES`, where there is a detector."""


def has_gains(scenario: JammingScenario) -> bool:
    """Whether eavesdroppers' gains are observed."""
    return scenario.knowledge in ("exact", "noisy")


def error_db(scenario: JammingScenario) -> float:
    """Standard deviation of the levels that are observed of eavesdroppers' links."""
    return scenario.gain_error_db if scenario.knowledge == "noisy" else 0.0


def sample(key: Key[Array, ""], scenario: JammingScenario, regime: Int[Array, ""]) -> Evidence:
    """Of one slot, whose eavesdroppers are where `regime` says."""
    key = keys.stream(key, "knowledge")  # what else is drawn in a slot stays as it is without
    if scenario.knowledge == "noisy" and scenario.num_eavesdroppers > 0:
        shape = (scenario.num_eavesdroppers, scenario.num_access_points)
        return Evidence(error_db=scenario.gain_error_db * jax.random.normal(key, shape))
    if scenario.knowledge == "sensed":
        # Below the probability it is the regime, and above it one of the two that follow.
        right, number = scenario.detection_probability, len(REGIMES)
        drawn = jax.random.uniform(key)
        wrong = 1 + jnp.floor((drawn - right) / max(1.0 - right, 1e-6) * (number - 1))
        shift = jnp.where(drawn < right, 0, jnp.minimum(wrong, number - 1)).astype(jnp.int32)
        return Evidence(detected=(regime + shift) % number)
    return Evidence()


def seen(scenario: JammingScenario, slot: Slot, evidence: Evidence) -> Seen:
    """What one slot shows."""
    gains = slots.gains(slot)
    if not has_gains(scenario):
        gains = gains[: scenario.num_users]
    elif evidence.error_db is not None:
        users, eves = jnp.split(gains, [scenario.num_users])
        gains = jnp.concatenate((users, eves * from_db(evidence.error_db)))
    return Seen(gains, evidence.detected)


def regime_shares(scenario: JammingScenario, seen: Seen) -> Float[Array, "G"]:
    """Probability of each regime in one slot, given the detector's word where there is one."""
    shares = jnp.asarray(np.divide(scenario.regimes, np.sum(scenario.regimes)), jnp.float32)
    if seen.detected is None:
        return shares
    right = scenario.detection_probability
    told = jax.nn.one_hot(seen.detected, len(REGIMES))
    weights = shares * jnp.where(told > 0.0, right, (1.0 - right) / (len(REGIMES) - 1))
    return weights / jnp.sum(weights)


def estimate(
    scenario: JammingScenario, seen: Seen, levels_db: Float[Array, "G A"]
) -> Float[Array, "R A"]:
    """Gains of one slot, what it shows being taken for the truth.

    An eavesdropper that is not heard gets the mean level, in dB, of an eavesdropper's link from
    each access point (`mean_levels_db`), the regimes being weighed by their probability.
    """
    if has_gains(scenario):
        return seen.gains
    level = jnp.sum(regime_shares(scenario, seen)[:, None] * levels_db, axis=0)
    shape = (scenario.num_eavesdroppers, scenario.num_access_points)
    unheard = jnp.broadcast_to(from_db(level)[None], shape)
    return jnp.concatenate((seen.gains, unheard))


def mean_levels_db(scenario: JammingScenario) -> Float[Array, "G A"]:
    """Mean level of an eavesdropper's link from each access point; 0 in regimes that do not occur.

    Over `NUM_PRIOR_SLOTS` slots of their own, always the same.
    """
    each = jax.random.split(keys.stream(0, "knowledge/levels"), NUM_PRIOR_SLOTS)
    drawn = jax.vmap(lambda key: slots.sample(key, scenario))(each)
    levels = jnp.mean(to_db(jax.vmap(slots.gains)(drawn)[:, scenario.num_users :]), axis=1)
    member = jax.nn.one_hot(drawn.regime, len(REGIMES))
    count = jnp.maximum(jnp.sum(member, axis=0), 1.0)
    return jnp.matmul(member.T, levels, precision="highest") / count[:, None]


def to_db(gain: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Level of a gain."""
    return 10.0 * jnp.log10(jnp.maximum(gain, MIN_GAIN))


def from_db(level: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Gain of a level."""
    return jnp.exp(level * (np.log(10.0) / 10.0))

"""What a learned policy has to beat: a constant action, random ones, and a rule made by hand.

Shapes: N slots, A access points.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxsec.jamming import oracle, rates, slots
from jaxsec.jamming.environment import Environment, Params, State

SCOUTS = 256
"""Slots on which every candidate is tried; the best candidates go on to all slots."""
NUM_KEPT = 16
"""Candidates that go on."""
NUM_ROUNDS, NUM_PROPOSALS = 60, 32
"""Rounds of random steps, and steps tried in a round."""
MARGINS = (0.5, 1.0, 3.0)
"""Of the heuristic: own gain over the best eavesdropper's, linear."""
SPEAKING = (0.15, 0.3, 0.45, 0.6, 1.0)
"""Of the heuristic: places between the least power (0) and the most (1)."""


def random_actions(key: Key[Array, ""], n: int, action_size: int) -> Float[Array, "{n} A"]:
    """Uniform in the action box."""
    return jax.random.uniform(key, (n, action_size), minval=-1.0, maxval=1.0)


def best_constant(
    environment: Environment,
    states: State,
    params: Params | None = None,
    *,
    key: Key[Array, ""] | None = None,
) -> Float[Array, "A"]:
    """The one action whose mean reward over the slots is largest: grid or patterns, then steps
    in random directions that shrink. Compiled.

    Args:
      environment: what the reward is computed by.
      states: N slots, batched along the first axis of every field.
      params: numbers of the reward; the scenario's by default.
      key: for the random part of the search; a fixed one by default.
    """
    params = environment.default_params if params is None else params
    params = jax.tree.map(jnp.asarray, params)
    key = jax.random.key(0) if key is None else key
    size = environment.action_size

    def value(states: State, shares: Float[Array, "C A"]) -> Float[Array, "C"]:
        return _mean_rewards(environment, states, shares, params)

    tried = jnp.asarray(oracle.candidates(size))
    scouts = jax.tree.map(lambda field: field[:SCOUTS], states)
    _, index = jax.lax.top_k(value(scouts, tried), NUM_KEPT)
    rewards = value(states, tried[index])
    share, reward = tried[index][jnp.argmax(rewards)], jnp.max(rewards)

    spread = np.geomspace(0.05, 1.0, NUM_PROPOSALS)[:, None].astype(np.float32)
    width = np.array([1, 2, size])[np.arange(NUM_PROPOSALS) % 3].clip(max=size)[:, None]
    for step in range(NUM_ROUNDS):
        key_size, key_axes = jax.random.split(jax.random.fold_in(key, step))
        order = jnp.argsort(jax.random.uniform(key_axes, (NUM_PROPOSALS, size)), axis=-1)
        move = jax.random.normal(key_size, (NUM_PROPOSALS, size)) * (order < width)
        move = 2.0 * 1e-2 ** (step / NUM_ROUNDS) * spread * move
        proposed = (share[None] + oracle.OFFSET) * jnp.exp(move) - oracle.OFFSET
        proposed = jnp.clip(proposed, 0.0, 1.0)
        rewards = value(states, proposed)
        if jnp.max(rewards) > reward:
            share, reward = proposed[jnp.argmax(rewards)], jnp.max(rewards)
    return 2.0 * share - 1.0


@functools.partial(jax.jit, static_argnums=0)
def _mean_rewards(
    environment: Environment, states: State, shares: Float[Array, "C A"], params: Params
) -> Float[Array, "C"]:
    """Over the slots, of each candidate."""

    def one(share: Float[Array, "A"]) -> Float[Array, ""]:
        reward = jax.vmap(environment.reward, (0, None, None))
        return jnp.mean(reward(states, 2.0 * share - 1.0, params))

    return jax.lax.map(one, shares, batch_size=min(16, len(shares)))


def heuristic(
    environment: Environment, state: State, params: Params | None = None
) -> Float[Array, "A"]:
    """A rule by hand: who is heard better by an eavesdropper than by its own user keeps quiet.

    An access point speaks at one level if the gain to its best user exceeds that to the best-placed
    eavesdropper by a margin, and is at least power otherwise. Of `MARGINS` × `SPEAKING` the pair
    with the best reward: 15 looks at the reward, where the oracle takes tens of thousands.

    One slot a call; batched by vmap.
    """
    params = environment.default_params if params is None else params
    s = environment.scenario
    gains = slots.gains(state.slot)
    own = rates.serving(s.num_users, s.num_access_points)[:, None] == np.arange(s.num_access_points)
    served = jnp.max(jnp.where(own, gains[: s.num_users], 0.0), axis=0)
    overheard = jnp.max(gains[s.num_users :], axis=0, initial=0.0)

    margins = jnp.asarray(MARGINS, served.dtype)[:, None]
    speaks = served[None] > margins * overheard[None]
    level = jnp.asarray(SPEAKING, served.dtype)[:, None, None]
    actions = jnp.where(speaks[None], 2.0 * level - 1.0, -1.0).reshape(-1, s.num_access_points)
    rewards = jax.vmap(environment.reward, (None, 0, None))(state, actions, params)
    return actions[jnp.argmax(rewards)]

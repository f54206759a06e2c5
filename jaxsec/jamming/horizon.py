"""Model-predictive search: the best action for this slot and those that follow.

    found = horizon.best(environment, states)
    actions = horizon.clairvoyant(environment, truth)

Where batteries keep what is not spent, the best action of a slot (`optimise`) is not that of an
episode. The search draws futures of the fading and of the harvests, plans for all of them together
(`plan`), and acts by the first action of its plan; in the next slot it plans anew, from what is
left of this plan. It knows the geometry and the fading of the slot; a policy sees their gains.

Shapes: H slots in a row, D futures, N slots, A access points, P entries of a plan.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec import checks
from jaxsec.jamming import optimise, powers
from jaxsec.jamming.chunks import by_chunks
from jaxsec.jamming.environment import Environment, Params, State
from jaxsec.jamming.optimise import Setting
from jaxsec.jamming.plan import plan

SETTING = Setting(num_random=1, num_steps=20, num_fine_steps=10)
"""Beside the random start there is the plan of the slot before."""
CLAIRVOYANT = Setting(num_random=4, num_steps=200, num_fine_steps=100)
LANES = 2048
"""Slots times futures times first slots at a time."""


class Horizon(NamedTuple):
    """How far to look."""

    num_slots: int = 48
    """H; 1 for the slot alone."""
    num_futures: int = 8
    """D."""
    num_free: int = 1
    """Slots after the first with shares of their own; the last one's serves all that follow."""

    def entries(self, action_size: int) -> int:
        """P."""
        return action_size * (1 + min(self.num_free, self.num_slots - 1))


HORIZON = Horizon()


class Planned(NamedTuple):
    """The best plan of each slot that the search has found."""

    action: Float[Array, "N A"]
    """For the slot at hand."""
    plan: Float[Array, "N P"]
    """All of it."""
    value: Float[Array, "N"]
    """Sum of rewards, in the mean over futures."""


def best(
    environment: Environment,
    states: State,
    params: Params | None = None,
    *,
    start: Float[Array, "N P"] | None = None,
    key: Key[Array, ""] | None = None,
    horizon: Horizon = HORIZON,
    setting: Setting = SETTING,
) -> Planned:
    """A very good plan of each slot. Compiled, once for each scenario, shape and setting.

    Args:
      environment: with batteries.
      states: N slots, batched along the first axis of every field.
      params: numbers of the reward; the scenario's by default.
      start: plans to begin with, beside random ones; by default the middle of the box.
      key: of futures and random starts; a fixed one by default.
      horizon: how far to look.
      setting: how long to search.

    Raises:
      InputError: the scenario has no batteries or not all is known of it, or a number is out of its
        range.
    """
    _check(environment)
    for name, number in horizon._asdict().items():
        checks.check_at_least(f"horizon.{name}", number, 1)
    params = environment.default_params if params is None else params
    params = jax.tree.map(jnp.asarray, params)
    shape = (len(states.time), horizon.entries(environment.action_size))
    start = jnp.zeros(shape) if start is None else start
    checks.require(
        start.shape == shape, f"`start` must have shape {shape}, but has shape {start.shape}"
    )
    key = jax.random.key(0) if key is None else key
    return _best(environment, states, start, params, key, horizon=horizon, setting=setting)


@functools.partial(jax.jit, static_argnames=("environment", "horizon", "setting"))
def _best(
    environment: Environment,
    states: State,
    start: Float[Array, "N P"],
    params: Params,
    key: Key[Array, ""],
    *,
    horizon: Horizon,
    setting: Setting,
) -> Planned:
    def one(key: Key[Array, ""], part: tuple[State, Float[Array, "n P"]]) -> Planned:
        states, start = part
        key_futures, key_search = jax.random.split(key)
        ahead = futures(environment, states, params, key_futures, horizon)
        return _search(environment, ahead, start, params, key_search, setting)

    lanes = horizon.num_slots * horizon.num_futures
    return by_chunks(one, (states, start), key, max(1, LANES // lanes))


def following(found: Planned, action_size: int) -> Float[Array, "N P"]:
    """Where the search in the next slot begins: the plan, whose first action was the newest."""
    size = action_size
    later = found.plan[:, size:]
    return jnp.concatenate((found.action, later[:, size:], later[:, -size:]), axis=1)[
        :, : found.plan.shape[1]
    ]


def futures(
    environment: Environment,
    states: State,
    params: Params,
    key: Key[Array, ""],
    horizon: Horizon,
) -> State:
    """[H, D, N] slots, and what may follow each; batteries' levels count in the first only."""
    idle = jnp.zeros((environment.action_size,))

    def one(state: State, key: Key[Array, ""]) -> State:
        key_harvest, key_later = jax.random.split(key)
        held, fresh = state.battery, environment.start(key_harvest, params).battery
        assert held is not None and fresh is not None
        state = state._replace(battery=held._replace(harvest=fresh.harvest))  # not known yet

        def step(state: State, key: Key[Array, ""]) -> tuple[State, State]:
            state = environment.advance(key, state, idle, params).state
            return state, state

        _, later = jax.lax.scan(step, state, jax.random.split(key_later, horizon.num_slots - 1))
        return jax.tree.map(lambda x, y: jnp.concatenate((x[None], y)), state, later)

    each = jax.random.split(key, (horizon.num_futures, len(states.time)))
    drawn = jax.vmap(jax.vmap(one), in_axes=(None, 0))(states, each)
    return jax.tree.map(lambda x: jnp.moveaxis(x, 2, 0), drawn)


def clairvoyant(
    environment: Environment,
    truth: State,
    *,
    key: Key[Array, ""] | None = None,
    setting: Setting = CLAIRVOYANT,
) -> Float[Array, "T N A"]:
    """Actions of whole episodes by one plan each, which knows all that comes. Compiled.

    Args:
      environment: with batteries.
      truth: [T, N] the slots of N episodes, T each; levels count in the first ones only.
      key: of the random starts; a fixed one by default.
      setting: how long to search.

    Raises:
      InputError: the scenario has no batteries, or not all is known of it.
    """
    _check(environment)
    key = jax.random.key(0) if key is None else key
    return _clairvoyant(environment, truth, key, setting)


@functools.partial(jax.jit, static_argnums=(0, 3))
def _clairvoyant(
    environment: Environment, truth: State, key: Key[Array, ""], setting: Setting
) -> Float[Array, "T N A"]:
    params = jax.tree.map(jnp.asarray, environment.default_params)
    length, size = truth.time.shape[0], environment.action_size

    def one(key: Key[Array, ""], part: State) -> Float[Array, "n T A"]:
        ahead = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1)[:, None], part)
        start = jnp.zeros((part.time.shape[0], length * size))
        found = _search(environment, ahead, start, params, key, setting)
        power = plan(environment, ahead, params).powers(found.plan.T[:, None])
        action = powers.asking(power[:, :, 0, 0], environment.scenario.power_steps, params)
        return action.transpose(2, 0, 1)

    by_episode = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), truth)
    return jnp.swapaxes(by_chunks(one, by_episode, key, max(1, LANES // length)), 0, 1)


def _search(
    environment: Environment,
    ahead: State,
    start: Float[Array, "N P"],
    params: Params,
    key: Key[Array, ""],
    setting: Setting,
) -> Planned:
    problem = plan(environment, ahead, params)
    found = optimise.search(problem, start[:, None], key, setting)
    rewards = problem.rewards(found.transpose(2, 1, 0))
    index = jnp.argmax(rewards, axis=0)[:, None, None]
    chosen = jnp.take_along_axis(found, index, axis=1)[:, 0]
    return Planned(chosen[:, : environment.action_size], chosen, jnp.max(rewards, axis=0))


def _check(environment: Environment) -> None:
    scenario = environment.scenario
    checks.require(
        scenario.battery is not None and scenario.knowledge == "exact",
        "`environment` must have batteries and exact knowledge, but has "
        f"battery={scenario.battery} and knowledge={scenario.knowledge!r}",
    )

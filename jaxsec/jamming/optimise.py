"""OPT of jamming: search for each slot's best action where the reward is known, in microseconds.

    found = optimise.best(environment, states, setting=optimise.SETTINGS["standard"])

Random actions, or a policy's, climb the smooth reward; the best of them go on by coordinate sweeps
and a finer climb; what is returned is best by the true reward. A reward with a metric that has no
smooth form is searched by its values only.

Shapes: N slots, A access points, C starts that are given, S all starts.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Key

from jaxsec import checks
from jaxsec.jamming import ascent, objective
from jaxsec.jamming.ascent import COARSE, FINE, Climb, Schedule
from jaxsec.jamming.chunks import by_chunks
from jaxsec.jamming.environment import Environment, Params, State
from jaxsec.jamming.objective import Searchable

BLOCK = 256
"""Starts times slots that climb at a time."""
WANDER = 4
"""Values that are looked at in place of a gradient."""


class Best(NamedTuple):
    """The best action of each slot that a search has found."""

    action: Float[Array, "N A"]
    reward: Float[Array, "N"]


class Setting(NamedTuple):
    """How long to search."""

    num_random: int
    """Random starts of a slot, beside those that are given."""
    num_steps: int
    """Coarse steps of every start."""
    num_kept: int = 1
    """Starts that go on after it."""
    num_sweeps: int = 0
    """Times that all their coordinates are tried at all levels."""
    num_fine_steps: int = 0
    """Fine steps after it."""


SETTINGS = {
    "polish": Setting(0, 10),
    "single": Setting(1, 30),
    "quick": Setting(4, 30),
    "standard": Setting(8, 20, num_kept=2, num_sweeps=1, num_fine_steps=10),
    "careful": Setting(16, 20, num_kept=2, num_sweeps=1, num_fine_steps=20),
    "thorough": Setting(64, 20, num_kept=4, num_sweeps=1, num_fine_steps=20),
}
"""A front of quality against time; `polish` betters given starts, such as a policy's actions."""


def best(
    environment: Environment,
    states: State,
    params: Params | None = None,
    *,
    starts: Float[Array, "N C A"] | None = None,
    key: Key[Array, ""] | None = None,
    setting: Setting = SETTINGS["standard"],
    chunk: int = 64,
) -> Best:
    """A very good action of each slot, none worse than its best start. Compiled, once for each
    scenario, shape and setting.

    Args:
      environment: what the reward is computed by.
      states: N slots, batched along the first axis of every field.
      params: numbers of the reward; the scenario's by default.
      starts: actions in [-1, 1] to climb from, beside random ones.
      key: of the random starts; a fixed one by default.
      setting: how long to search.
      chunk: slots at a time; 64 have their place in a processor's cache.

    Raises:
      InputError: there is no start, one lies outside the box, or a number is out of its range.
    """
    checks.check_at_least("chunk", chunk, 1)
    checks.check_at_least("setting.num_kept", setting.num_kept, 1)
    params = environment.default_params if params is None else params
    params = jax.tree.map(jnp.asarray, params)
    starts = checked_starts(starts, (len(states.time), environment.action_size), setting)
    key = jax.random.key(0) if key is None else key
    return _best(environment, states, starts, params, key, setting=setting, chunk=chunk)


def checked_starts(
    starts: Float[Array, "N C A"] | None, shape: tuple[int, int], setting: Setting
) -> Float[Array, "N C A"]:
    """The starts that are given, if any.

    Raises:
      InputError: there are none, given or random ones; they are not of `shape`, slots and entries
        of an action; or one, where their values are at hand, lies outside the box.
    """
    starts = jnp.zeros((shape[0], 0, shape[1])) if starts is None else starts
    checks.require(
        starts.ndim == 3 and starts.shape[::2] == shape,
        f"`starts` must have shape ({shape[0]}, C, {shape[1]}), but has shape {starts.shape}",
    )
    checks.require(
        setting.num_random + starts.shape[1] > 0,
        f"`setting` must have random starts where no `starts` are given, but is {setting}",
    )
    if not isinstance(starts, Tracer):
        far = float(jnp.max(jnp.abs(starts), initial=0.0))
        checks.require(far <= 1.0, f"`starts` must lie in [-1, 1], but one is {far} from 0")
    return starts


@functools.partial(jax.jit, static_argnames=("environment", "setting", "chunk"))
def _best(
    environment: Environment,
    states: State,
    starts: Float[Array, "N C A"],
    params: Params,
    key: Key[Array, ""],
    *,
    setting: Setting,
    chunk: int,
) -> Best:
    def one(key: Key[Array, ""], part: tuple[State, Float[Array, "n C A"]]) -> Best:
        states, starts = part
        problem = objective.objective(environment, states, params)
        found = search(problem, starts, key, setting)
        return best_of(environment, states, params, jnp.concatenate((found, starts), axis=1))

    return by_chunks(one, (states, starts), key, chunk)


def search(
    problem: Searchable, starts: Float[Array, "N C A"], key: Key[Array, ""], setting: Setting
) -> Float[Array, "N K A"]:
    """The actions that are left at the end, K = `num_kept` of them or as many as have started."""
    key_starts, key_coarse, key_fine = jax.random.split(key, 3)
    shape = (starts.shape[2], setting.num_random, len(starts))
    random = jax.random.uniform(key_starts, shape, minval=-1.0, maxval=1.0)
    action = jnp.concatenate((starts.transpose(2, 1, 0), random), axis=1)

    def coarse(action: Float[Array, "A s n"]) -> Climb:
        climb = Climb(action, problem.rewards(action))
        return _steps(problem, climb, setting.num_steps, COARSE, key_coarse)

    climb = _in_blocks(coarse, action)
    climb = ascent.keep(climb, min(setting.num_kept, action.shape[1]))
    climb = ascent.sweep(problem, climb, setting.num_sweeps)
    climb = _steps(problem, climb, setting.num_fine_steps, FINE, key_fine)
    return climb.action.transpose(2, 1, 0)


def best_of(
    environment: Environment, states: State, params: Params, actions: Float[Array, "N C A"]
) -> Best:
    """By the environment's own reward, from which the search's differs by rounding: at an outage,
    that can be a user."""
    reward = jax.vmap(jax.vmap(environment.reward, (None, 0, None)), (0, 0, None))
    rewards = reward(states, actions, params)
    index = jnp.argmax(rewards, axis=1)[:, None, None]
    return Best(jnp.take_along_axis(actions, index, axis=1)[:, 0], jnp.max(rewards, axis=1))


def _in_blocks(
    climb: Callable[[Float[Array, "A s n"]], Climb], action: Float[Array, "A S N"]
) -> Climb:
    """The same for some starts at a time, as many as have their place in a cache."""
    size, count, num_slots = action.shape
    block = max(1, BLOCK // num_slots)
    if count <= block:
        return climb(action)
    num_blocks = -(-count // block)
    block = -(-count // num_blocks)  # of nearly equal size
    rows = np.minimum(np.arange(num_blocks * block), count - 1)  # the last block is filled up
    blocks = action[:, rows].reshape(size, num_blocks, block, num_slots)
    found = jax.lax.map(climb, jnp.moveaxis(blocks, 1, 0))
    action = jnp.moveaxis(found.action, 0, 1).reshape(size, -1, num_slots)
    return Climb(action[:, :count], found.reward.reshape(-1, num_slots)[:count])


def _steps(
    problem: Searchable, climb: Climb, number: int, schedule: Schedule, key: Key[Array, ""]
) -> Climb:
    """Along the gradient where there is a smooth reward, else at random."""
    if number == 0:
        return climb
    if problem.is_smooth:
        return ascent.ascend(problem, climb, number, schedule)
    return ascent.wander(problem, climb, WANDER * number, schedule, key)

"""The best that any policy can do: the optimum of a slot in the action box [-1, 1]^A.

Search that is decided by the true reward, so that metrics without a gradient count:

1. Few access points: a grid, denser near the least power. Many: a list of patterns (all at one
   level, one or two off, one or two on). Beside it, many random powers that climb the smooth reward
   (`optimise`).
2. From the best of either, coordinate ascent over levels of power.
3. Steps in random directions that shrink, alternating with line searches along the gradient.

Shapes: N slots, A access points. A share is a power's place between the least (0) and the most (1).
"""

import functools
import itertools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from jaxsec import checks
from jaxsec.jamming import objective, optimise
from jaxsec.jamming.chunks import by_chunks
from jaxsec.jamming.environment import Environment, Params, State
from jaxsec.jamming.optimise import Best, Setting

GRID_POINTS = 4096
"""Most points of the grid; with more than 4 access points patterns take its place."""
LEVELS = np.union1d(np.linspace(0.0, 1.0, 9), np.geomspace(0.002, 0.1, 5)).astype(np.float32)
"""Shares that coordinate ascent tries."""
CLIMB_STEPS = 30
"""Of random powers on the smooth reward."""
OFFSET = 0.01
"""Added to a share before its logarithm: steps are relative to the share plus this."""
LINE = np.geomspace(3.0, 1e-3, 8).astype(np.float32)
"""Steps tried along the gradient, in log-shares of its largest entry."""


class Effort(NamedTuple):
    """How long to search; a start is a place from which a slot's search climbs."""

    num_starts: int
    """Starts of a slot that climb by levels: half of them are from the list or grid."""
    num_random: int
    """Random powers that climb the smooth reward; the best of them are the other half."""
    num_sweeps: int
    """Times that all coordinates are tried at all levels."""
    num_kept: int
    """Starts that go on after it."""
    num_steps: int
    """Rounds of random steps and line search."""
    num_proposals: int
    """Random steps tried in a round."""

    def times(self, factor: float) -> "Effort":
        """More of everything."""
        return Effort(*(math.ceil(factor * number) for number in self))


FEW = Effort(num_starts=4, num_random=16, num_sweeps=2, num_kept=2, num_steps=24, num_proposals=16)
MANY = Effort(
    num_starts=16, num_random=1024, num_sweeps=2, num_kept=8, num_steps=50, num_proposals=40
)


def best(
    environment: Environment,
    states: State,
    params: Params | None = None,
    *,
    key: Key[Array, ""] | None = None,
    effort: Effort | None = None,
    chunk: int = 128,
) -> Best:
    """The best action of each slot and its reward. Compiled, once for each scenario and shape.

    Args:
      environment: what the reward is computed by.
      states: N slots, batched along the first axis of every field.
      params: numbers of the reward; the scenario's by default.
      key: for the random part of the search; a fixed one by default.
      effort: how long to search; `FEW` where a grid is affordable, else `MANY` by default.
      chunk: slots at a time, which is what memory grows with.

    Raises:
      InputError: `chunk` is below 1.
    """
    checks.check_at_least("chunk", chunk, 1)
    params = environment.default_params if params is None else params
    params = jax.tree.map(jnp.asarray, params)
    key = jax.random.key(0) if key is None else key
    if effort is None:
        effort = FEW if grid_size(environment.action_size) else MANY
    return _best(environment, states, params, key, effort=effort, chunk=chunk)


def front(
    environment: Environment,
    states: State,
    weightings: Float[ArrayLike, "F W"],
    params: Params | None = None,
    **options: Any,
) -> Float[Array, "F W"]:
    """Pareto front of the metrics: their means over the slots where each weighting is optimised.
    Compiled as `best` is.

    Args:
      environment: what the reward is computed by.
      states: slots, batched along the first axis; their own preferences are not used.
      weightings: factors of the metrics' weights, F of them.
      params: numbers of the reward; the scenario's by default.
      **options: as of `best`.
    """
    params = environment.default_params if params is None else params
    params = jax.tree.map(jnp.asarray, params)
    num_slots = states.time.shape[0]
    rows = []
    for weighting in jnp.asarray(weightings, jnp.float32):
        preference = jnp.broadcast_to(weighting[None], (num_slots, weighting.size))
        weighted = states._replace(preference=preference)
        found = best(environment, weighted, params, **options)
        rows.append(_mean_values(environment, weighted, found.action, params))
    return jnp.stack(rows)


def grid_size(action_size: int) -> int:
    """Points an axis of the grid; 0 where there are too many axes for one."""
    size = int(GRID_POINTS ** (1 / action_size) + 1e-9)
    return min(size, 257) if size >= 8 else 0


def candidates(action_size: int) -> Float[np.ndarray, "C A"]:
    """Shares that are tried first in every slot: the grid, or patterns."""
    points = grid_size(action_size)
    if points:
        axis = np.linspace(0.0, 1.0, points) ** 2
        return np.array(list(itertools.product(axis, repeat=action_size)), np.float32)
    rows = [np.full(action_size, level) for level in LEVELS]
    for number in (1, 2, 3):
        for chosen in itertools.combinations(range(action_size), number):
            for level, others in ((0.0, 1.0), (1.0, 0.0), (0.0, 0.3), (0.3, 0.0)):
                row = np.full(action_size, others)
                row[list(chosen)] = level
                rows.append(row)
        if len(rows) > GRID_POINTS // 4:
            break
    return np.array(rows, np.float32)


@functools.partial(jax.jit, static_argnames=("environment", "effort", "chunk"))
def _best(
    environment: Environment,
    states: State,
    params: Params,
    key: Key[Array, ""],
    *,
    effort: Effort,
    chunk: int,
) -> Best:
    def search(key: Key[Array, ""], part: State) -> Best:
        return _search(environment, part, params, key, effort)

    return by_chunks(search, states, key, chunk)


class _Climb(NamedTuple):
    """Shares that are improved side by side, S of each slot."""

    shares: Float[Array, "N S A"]
    rewards: Float[Array, "N S"]


class _Problem(NamedTuple):
    """Slots of one chunk, as functions of shares."""

    environment: Environment
    states: State
    params: Params

    def reward(self, state: State, share: Float[Array, "A"]) -> Float[Array, ""]:
        return self.environment.reward(state, 2.0 * share - 1.0, self.params)

    def value(self, shares: Float[Array, "N S A"]) -> Float[Array, "N S"]:
        return jax.vmap(jax.vmap(self.reward, (None, 0)))(self.states, shares)

    def gradient(self, shares: Float[Array, "N S A"]) -> Float[Array, "N S A"]:
        gradient = jax.grad(self.reward, argnums=1)
        return jax.vmap(jax.vmap(gradient, (None, 0)))(self.states, shares)

    def choose(self, climb: _Climb, proposed: Float[Array, "N S P A"]) -> _Climb:
        """Moves every start to the best of its P proposals where that is better."""
        shares, rewards = climb
        flat = proposed.reshape(len(proposed), -1, proposed.shape[-1])
        scores = self.value(flat).reshape(proposed.shape[:3])
        index = jnp.argmax(scores, axis=-1)[..., None]
        score = jnp.take_along_axis(scores, index, axis=-1)[..., 0]
        chosen = jnp.take_along_axis(proposed, index[..., None], axis=-2)[..., 0, :]
        better = score > rewards
        return _Climb(
            jnp.where(better[..., None], chosen, shares), jnp.where(better, score, rewards)
        )


def _search(
    environment: Environment, states: State, params: Params, key: Key[Array, ""], effort: Effort
) -> Best:
    """`best` of one chunk."""
    problem = _Problem(environment, states, params)
    key_random, key_steps = jax.random.split(key)
    shares = _starts(problem, key_random, effort)
    climb = _by_levels(problem, _Climb(shares, problem.value(shares)), effort)
    rewards, index = jax.lax.top_k(climb.rewards, effort.num_kept)
    kept = _Climb(jnp.take_along_axis(climb.shares, index[..., None], axis=1), rewards)
    shares, rewards = _by_steps(problem, kept, key_steps, effort)
    index = jnp.argmax(rewards, axis=1)
    share = jnp.take_along_axis(shares, index[:, None, None], axis=1)[:, 0]
    return Best(2.0 * share - 1.0, jnp.max(rewards, axis=1))


def _starts(problem: _Problem, key: Key[Array, ""], effort: Effort) -> Float[Array, "N S A"]:
    """The best of the candidates, and the best of random powers: after an ascent on the smooth
    reward, where there is one."""
    environment, states, params = problem
    num_slots, size = states.time.shape[0], environment.action_size
    tried = jnp.asarray(candidates(size))
    first = jax.vmap(jax.vmap(problem.reward, (None, 0)), (0, None))(states, tried)
    num_climbed = effort.num_starts // 2
    _, index = jax.lax.top_k(first, effort.num_starts - num_climbed)
    setting = Setting(effort.num_random, CLIMB_STEPS, num_kept=num_climbed)
    none = jnp.zeros((num_slots, 0, size))
    known = objective.objective(environment, states, params)
    climbed = optimise.search(known, none, key, setting)
    return jnp.concatenate((tried[index], (climbed + 1.0) / 2.0), axis=1)


def _by_levels(problem: _Problem, climb: _Climb, effort: Effort) -> _Climb:
    """Coordinate ascent over levels of power."""
    size = problem.environment.action_size

    def step(number: Any, climb: _Climb) -> _Climb:
        axis = jax.nn.one_hot(number % size, size).reshape(1, 1, 1, size)
        levels = jnp.asarray(LEVELS).reshape(1, 1, -1, 1)
        return problem.choose(climb, climb.shares[:, :, None] * (1.0 - axis) + levels * axis)

    return jax.lax.fori_loop(0, size * effort.num_sweeps, step, climb)


def _by_steps(problem: _Problem, climb: _Climb, key: Key[Array, ""], effort: Effort) -> _Climb:
    """Random steps that shrink, and line searches along the gradient."""
    num_slots, size = problem.states.time.shape[0], problem.environment.action_size
    # Directions: one coordinate, two, or all; sizes from a tenth of the scale to all of it.
    number = effort.num_proposals
    spread = np.geomspace(0.1, 1.0, number).reshape(1, 1, -1, 1).astype(np.float32)
    width = np.array([1, 2, size])[np.arange(number) % 3].clip(max=size)

    def step(index: Any, climb: _Climb) -> _Climb:
        shares = climb.shares
        scale = 2.0 * 1e-3 ** (index / max(effort.num_steps - 1, 1))
        key_size, key_axes = jax.random.split(jax.random.fold_in(key, index))
        shape = (1, effort.num_kept, number, size)
        rank = jnp.argsort(jax.random.uniform(key_axes, shape), axis=-1)
        moved = rank < width.reshape(1, 1, -1, 1)
        random = scale * spread * jax.random.normal(key_size, shape) * moved
        slope = problem.gradient(shares) * (shares + OFFSET)
        slope = jnp.where(((shares <= 0) & (slope < 0)) | ((shares >= 1) & (slope > 0)), 0.0, slope)
        slope /= jnp.maximum(jnp.max(jnp.abs(slope), axis=-1, keepdims=True), 1e-30)
        lines = jnp.asarray(LINE).reshape(1, 1, -1, 1) * slope[:, :, None]
        random = jnp.broadcast_to(random, (num_slots, *shape[1:]))
        moves = jnp.concatenate((random, lines), axis=2)
        proposed = (shares[:, :, None] + OFFSET) * jnp.exp(moves) - OFFSET
        return problem.choose(climb, jnp.clip(proposed, 0.0, 1.0))

    return jax.lax.fori_loop(0, effort.num_steps, step, climb)


@functools.partial(jax.jit, static_argnums=0)
def _mean_values(
    environment: Environment, states: State, actions: Float[Array, "N A"], params: Params
) -> Float[Array, "W"]:
    """Every metric, mean over the slots."""
    values = jax.vmap(environment.values, (0, 0, None))(states, actions, params)
    return jnp.mean(values, axis=0)

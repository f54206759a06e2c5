"""A training of several seeds on several devices: seeds a batch (vmap), devices by pmap.

Arrays of what is carried lead with devices D and seeds S, which stays in here: what `Training` of
`jaxsec.rl.training` gives to its users leads with seeds alone.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsec.rl import replica, turns
from jaxsec.rl.replica import AXIS, Task
from jaxsec.rl.turns import Turns

NUM_PROGRAMS = 32
"""Compiled trainings that are kept. Tasks are compared by value: an equal one is found again."""


def devices(task: Task | Turns) -> list[Any]:
    """Those that the task is trained on."""
    return jax.devices()[: task.num_devices]


def init(task: Task | Turns, seeds: Int[Array, "S"]) -> Any:
    """The states before the first update, [D, S, ...]."""
    keys = jax.vmap(jax.random.key)(seeds)
    return _init_program(task)(keys, jnp.arange(task.num_devices))


def run(
    task: Task | Turns, state: Any, update_index: int, num_updates: int
) -> tuple[Any, dict[str, Any]]:
    """Some updates.

    Args:
      task: what is trained.
      state: [D, S, ...], used up.
      update_index: updates done before.
      num_updates: to do now.

    Returns:
      The state after them, and metrics [S], means over the updates.
    """
    program = _update_program(task, num_updates)
    state, metrics = program(state, jnp.asarray(update_index, jnp.int32))
    return state, first_device(metrics)


def first_device(tree: Any) -> Any:
    """What all devices have the same of, [D, S, ...] to [S, ...]."""
    return jax.tree.map(lambda x: x[0], tree)


@functools.lru_cache(NUM_PROGRAMS)
def _init_program(task: Task | Turns) -> Callable[..., Any]:
    begin = jax.vmap(functools.partial(_module(task).init, task), in_axes=(0, None))
    return jax.pmap(begin, AXIS, in_axes=(None, 0), devices=devices(task))


@functools.lru_cache(NUM_PROGRAMS)
def _update_program(task: Task | Turns, num_updates: int) -> Callable[..., Any]:
    # The index is the same for all seeds: outside of vmap, the ring is written in place.
    step = jax.vmap(functools.partial(_module(task).update, task), in_axes=(0, None))

    def chunk(state: Any, first: Int[Array, ""]) -> tuple[Any, dict[str, Any]]:
        state, metrics = jax.lax.scan(step, state, first + jnp.arange(num_updates))
        return state, jax.tree.map(lambda x: jnp.mean(x, axis=0), metrics)

    return jax.pmap(chunk, AXIS, in_axes=(0, None), devices=devices(task), donate_argnums=(0,))


def _module(task: Task | Turns) -> Any:
    """What begins and updates the task on one device: one environment, or several in turn."""
    return turns if isinstance(task, Turns) else replica

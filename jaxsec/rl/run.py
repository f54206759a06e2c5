"""A policy's training run: chunks of updates, judged after each, resumed where it was killed."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxsec.learning import loop
from jaxsec.learning.checkpoint import Checkpoints
from jaxsec.rl.training import State, Training

Judge = Callable[[Any], dict[str, Any]]
"""From actors, that lead with seeds, to what they reach: arrays [S]."""


def run(
    folder: Path,
    checkpoints: Checkpoints,
    training: Training,
    seeds: list[int],
    judge: Judge,
    *,
    every: int,
    save_every: int,
    report: Callable[[int, dict[str, Any]], object],
    start: Any = None,
) -> State:
    """Trains to the end, from the newest checkpoint if there is one.

    Args:
      folder: gets `metrics.jsonl`, a line every `every` updates: update, seconds of training
        without those of judging, slots collected, and lists over seeds: what `judge` says of the
        averaged actors, and means of the training's own metrics.
      checkpoints: of this run.
      training: what is trained.
      seeds: trained side by side.
      judge: of actors.
      every: updates between judgements.
      save_every: judgements between checkpoints; the last one always has one.
      report: told the updates done and the newest line.
      start: parameters that actors begin with, seeds leading; fresh ones by default.

    Raises:
      InputError: the newest checkpoint is damaged, or `start` does not fit.
    """
    state = _restore(checkpoints, training.init(np.asarray(seeds), start))
    metrics = folder / "metrics.jsonl"
    seconds = loop.cut(metrics, state.num_updates)
    total = training.config.num_updates
    with metrics.open("a") as file:
        while state.num_updates < total:
            began = time.perf_counter()
            state, watched = training.run(state, min(every, total - state.num_updates))
            jax.block_until_ready(watched)
            seconds += time.perf_counter() - began
            done = state.num_updates
            line: dict[str, Any] = {
                "step": done,
                "seconds": seconds,
                "slots": done * training.config.num_slots,
            }
            found = {**judge(state.actor), **watched}
            line |= {name: np.asarray(x, np.float64).tolist() for name, x in found.items()}
            file.write(json.dumps(line) + "\n")
            file.flush()
            report(done, line)
            if (done // every) % save_every == 0 or done == total:
                checkpoints.save(done, _storable(state))
    checkpoints.close()
    return state


def _storable(state: State) -> Any:
    """Checkpoints hold plain numbers; a random key is not one."""
    return jax.tree.map(lambda x: jax.random.key_data(x) if _is_key(x) else x, state.replicas)


def _restore(checkpoints: Checkpoints, fresh: State) -> State:
    """The newest checkpoint, or the state before the first update."""
    restored = checkpoints.restore(_storable(fresh))
    if restored is None:
        return fresh
    done, stored = restored

    def as_it_was(old: Array, new: Array) -> Array:
        if not _is_key(new):
            return old
        return jax.random.wrap_key_data(old, impl=jax.random.key_impl(new))

    return State(jax.tree.map(as_it_was, stored, fresh.replicas), done)


def _is_key(x: Array) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]

"""A training run from data to a model: resumed where it was killed, with metrics beside it."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxsec.learning import parallel
from jaxsec.learning.checkpoint import Checkpoints

METRICS_EVERY = 50


def run(
    folder: str | os.PathLike[str],
    checkpoints: Checkpoints,
    state: Any,
    train: Callable[[Any, Any], tuple[Any, Any]],
    draw: Callable[[int], Any],
    *,
    num_steps: int,
    save_every: int,
    report: Callable[[int, dict[str, float]], object],
) -> Any:
    """Trains up to `num_steps`, from the newest checkpoint if there is one.

    Args:
      folder: gets `metrics.jsonl`, a line every 50 steps: step, loss, samples a second, seconds;
        from the first process only.
      checkpoints: of this run.
      state: the state before the first step.
      train: one step: (state, batch) to (state, loss).
      draw: the batch of a step, arrays that lead with its samples.
      num_steps: steps in all.
      save_every: steps between checkpoints; the last step always has one.
      report: told the steps done and the newest line of metrics.

    Returns:
      The state after the last step.

    Raises:
      InputError: the newest checkpoint is damaged.
    """
    first = 0
    restored = checkpoints.restore(state)
    if restored is not None:
        first, state = restored
    metrics = Path(folder) / "metrics.jsonl" if parallel.is_first() else Path(os.devnull)
    seconds_before = cut(metrics, first)
    began, losses, samples = time.perf_counter(), [], 0
    since = began
    with metrics.open("a") as file:
        for step in range(first, num_steps):
            batch = draw(step)
            state, loss = train(state, batch)
            losses.append(loss)
            samples += jax.tree.leaves(batch)[0].shape[0]
            done = step + 1
            if done % METRICS_EVERY == 0 or done == num_steps:
                value = float(np.mean(jax.device_get(losses)))
                now = time.perf_counter()
                line = {
                    "step": done,
                    "loss": value,
                    "samples_per_s": samples / (now - since),
                    "seconds": seconds_before + now - began,
                }
                file.write(json.dumps(line) + "\n")
                file.flush()
                report(done, line)
                losses, samples, since = [], 0, now
            if done % save_every == 0 or done == num_steps:
                checkpoints.save(done, state)
    checkpoints.close()
    return state


def seconds(folder: str | os.PathLike[str]) -> float:
    """Seconds of training that a finished run has taken, without those lost when it was killed."""
    lines = (Path(folder) / "metrics.jsonl").read_text().splitlines()
    return json.loads(lines[-1])["seconds"]


def cut(metrics: Path, first: int) -> float:
    """Drops lines of steps that will be done again; returns the seconds spent until there."""
    if not metrics.exists():
        return 0.0
    kept = []
    for text in metrics.read_text().splitlines():
        try:
            line = json.loads(text)
        except ValueError:  # the line being written when the run was killed
            break
        if line["step"] > first:
            break
        kept.append(line)
    metrics.write_text("".join(json.dumps(line) + "\n" for line in kept))
    return kept[-1]["seconds"] if kept else 0.0

"""A training run as a command has it: resumed where it was killed, with a bar, and then a card.

What is drawn and how it is trained on, each system says for itself.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from jaxsec.learning import loop
from jaxsec.learning.checkpoint import Checkpoints
from jaxsec.report import console, timing


def train(
    out: Path,
    made_from: dict[str, Any],
    state: Any,
    step: Callable[[Any, Any], tuple[Any, Any]],
    draw: Callable[[int], Any],
    *,
    num_steps: int,
    save_every: int,
    description: str = "training, steps",
    what: str = "samples",
) -> Any:
    """Trains up to `num_steps`, or goes on from the newest checkpoint in `out`.

    Args:
      out: folder of the run; a new one, or one of the same `made_from`.
      made_from: all that decides the run, as JSON.
      state: the state before the first step.
      step: one step: (state, batch) to (state, loss).
      draw: the batch of a step, arrays that lead with its samples.
      num_steps: steps in all.
      save_every: steps between checkpoints.
      description: of the bar.
      what: a batch consists of.

    Returns:
      The state after the last step.

    Raises:
      InputError: the folder holds another run, or its newest checkpoint is damaged.
    """
    checkpoints = Checkpoints(out, made_from)
    with console.progress(description, num_steps) as advance:
        shown = 0

        def report(done: int, line: dict[str, Any]) -> None:
            nonlocal shown
            advance(done - shown, f"loss {line['loss']:.4f}, {line['samples_per_s']:.0f} {what}/s")
            shown = done

        return loop.run(
            out,
            checkpoints,
            state,
            step,
            draw,
            num_steps=num_steps,
            save_every=save_every,
            report=report,
        )


def card(out: Path, params: Any, command: str, about: dict[str, Any]) -> dict[str, Any]:
    """What a reader of the weights should know of a finished run.

    Args:
      out: its folder.
      params: what was trained.
      command: that started it.
      about: what it was trained on, and how, as JSON.
    """
    return {
        "command": command,
        **about,
        "num_parameters": sum(x.size for x in jax.tree.leaves(params)),
        "hardware": timing.hardware(),
        "seconds": loop.seconds(out),
    }

"""Checkpoints of a training run: whole or not there, the newest two kept."""

import json
import os
from pathlib import Path
from typing import Any

import jax
from orbax.checkpoint import v1 as ocp

from jaxsec import checks
from jaxsec.files.archive import atomic_write, naming
from jaxsec.learning import parallel

KEPT = 2


class Checkpoints:
    """The checkpoints in a folder, of one run: what it was started with is kept beside them.

    All processes of a run open, restore, save and close them together, in a folder they share.
    """

    def __init__(self, folder: str | os.PathLike[str], run: dict[str, Any]) -> None:
        """Opens a folder, or makes it.

        Args:
          folder: for the checkpoints.
          run: all that decides the run, as JSON.

        Raises:
          InputError: the folder cannot be made, or belongs to another run.
        """
        self._folder = Path(os.path.abspath(folder))
        text = json.dumps(run, indent=1, sort_keys=True) + "\n"
        with parallel.together():
            if parallel.is_first():
                self._claim(text)
        with parallel.together():
            self._check(text)
        self._checkpointer = ocp.training.Checkpointer(
            str(self._folder / "checkpoints"),
            preservation_policy=ocp.training.preservation_policies.LatestN(  # pyright: ignore
                KEPT
            ),
            cleanup_tmp_directories=True,
        )

    def restore(self, example: Any) -> tuple[int, Any] | None:
        """The newest checkpoint as (step, state) in the shape of `example`; None without one.

        Raises:
          InputError: it is damaged, or of another shape.
        """
        latest = self._checkpointer.latest
        if latest is None:
            return None
        with parallel.together():
            try:
                state = self._checkpointer.load(latest, jax.tree.map(_abstract, example))
            except Exception as error:
                brief = " ".join(str(error).split())[:120]
                raise checks.InputError(
                    f"{self._folder / 'checkpoints' / str(latest.step)}: the checkpoint is damaged "
                    f"or does not fit; delete it to go on from the one before ({brief})"
                ) from None
        return latest.step, state

    def save(self, step: int, state: Any) -> None:
        """Writes a checkpoint; the oldest of more than two goes."""
        self._checkpointer.save(step, state)

    def close(self) -> None:
        """Waits until everything is written."""
        self._checkpointer.close()

    def _claim(self, text: str) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise checks.InputError(f"{self._folder}: cannot be made: {error.strerror}") from None
        path = self._folder / "run.json"
        if not path.exists():
            with atomic_write(path) as file:
                file.write(text.encode())

    def _check(self, text: str) -> None:
        path = self._folder / "run.json"
        with naming(path):
            checks.require(
                path.exists(), "all processes must share the folder, but one does not see this file"
            )
            checks.require(
                path.read_text() == text,
                "the folder holds a run with other options: choose another folder, or delete it",
            )


def _abstract(x: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)

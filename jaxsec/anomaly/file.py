"""Trained detectors as files of weights (`jaxsec.learning.weights`).

The arrays are those of all runs, which lead: the networks' (`params/…`), `frame`, mean and standard
deviation of the pixels they were trained on, and `held_out`, scores of clean images. The
configuration is that of the training.
"""

import dataclasses
import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec import checks
from jaxsec.anomaly import train
from jaxsec.anomaly.detector import Detector
from jaxsec.anomaly.train import Config
from jaxsec.files.archive import naming
from jaxsec.learning import weights


class Trained(NamedTuple):
    """What a training leaves: R runs, tasks and seeds, side by side."""

    config: Config
    params: Any
    """Runs lead."""
    frame: Float[np.ndarray, "R 2"]
    """Of their pixels."""
    held_out: Float[np.ndarray, "R n"]
    """Scores of clean images."""

    def detector(self, run: int = 0) -> Detector:
        """That of one run; `train.runs(config)` says which seed and task it has.

        Raises:
          InputError: there is no such run.
        """
        checks.require(
            0 <= run < len(self.frame),
            f"`run` must be one of the {len(self.frame)} from 0, but is {run}",
        )
        params = jax.tree.map(lambda x: x[run], self.params)
        return Detector(train.network(self.config), params, self.frame[run], self.held_out[run])


def rounded(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """To half precision, as files have the networks: `held_out` must be scores of these."""
    return x.astype(jnp.float16).astype(x.dtype)


def save(path: str | os.PathLike[str], trained: Trained, card: dict[str, Any]) -> None:
    """Writes detectors and their card, the networks in half precision.

    Raises:
      InputError: a file cannot be written.
    """
    half = jax.tree.map(lambda x: np.asarray(x, np.float16), trained.params)
    arrays = {
        **weights.flatten(half, "params"),
        "frame": trained.frame,
        "held_out": trained.held_out,
    }
    weights.save(path, arrays, dataclasses.asdict(trained.config), card)


def load(path: str | os.PathLike[str]) -> Trained:
    """Reads detectors, checked against their card.

    Raises:
      InputError: a file is missing or damaged, or the weights do not fit their configuration.
    """
    path = Path(path)
    arrays, described = weights.load(path)
    with naming(path):
        config = _config(described)
        num_runs = len(train.runs(config))
        num_held_out = arrays["held_out"].shape[-1] if "held_out" in arrays else 0
        wanted = jax.eval_shape(lambda key: train.initial_params(config, key), jax.random.key(0))
        of_runs = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct((num_runs, *x.shape), x.dtype), wanted
        )
        weights.check_fit(
            arrays,
            {
                **weights.flatten(of_runs, "params"),
                "frame": np.empty((num_runs, 2)),
                "held_out": np.empty((num_runs, num_held_out)),
            },
        )
        frame, held_out = arrays.pop("frame"), arrays.pop("held_out")
        return Trained(config, weights.nest(arrays)["params"], frame, held_out)


def _config(described: dict[str, Any]) -> Config:
    values = {name: value for name, value in described.items() if name != "schema"}
    try:
        return Config(**{**values, "seeds": tuple(values["seeds"])})
    except checks.InputError:
        raise
    except (KeyError, TypeError):
        raise checks.InputError("the configuration is not one of jaxsec's") from None

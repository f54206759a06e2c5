"""Trained coders as files of weights (`jaxsec.learning.weights`).

The arrays are those of encoders and decoders, which lead with the weights λ and the seeds, in half
precision; the configuration is that of the training.
"""

import dataclasses
import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxsec import checks
from jaxsec.files.archive import naming
from jaxsec.learning import weights
from jaxsec.semantic import train
from jaxsec.semantic.scenario import Scenario
from jaxsec.semantic.train import Config


class Model(NamedTuple):
    """What a training leaves."""

    config: Config
    coder: Any
    """Parameters of encoders and decoders, [L, S]."""

    def one(self, weight: int, seed: int) -> Any:
        """The coder of one λ and one seed, by their places."""
        return jax.tree.map(lambda x: x[weight, seed], self.coder)


def save(path: str | os.PathLike[str], model: Model, card: dict[str, Any]) -> None:
    """Writes coders and their card.

    Args:
      path: of the weights, ending in .npz; the card goes beside it.
      model: what to write.
      card: what a reader should know, as JSON.

    Raises:
      InputError: a file cannot be written.

    Example:
      >>> from jaxsec.semantic import pretrained
      >>> save("copy.npz", pretrained.load("parallel"), {"about": "a copy"})
      >>> load("copy.npz").config.scenario.num_bits
      64
    """
    arrays = {
        name: np.asarray(array).astype(np.float16)
        for name, array in weights.flatten(model.coder).items()
    }
    weights.save(path, arrays, dataclasses.asdict(model.config), card)


def load(path: str | os.PathLike[str]) -> Model:
    """Reads coders, checked against their card.

    Args:
      path: of the weights, ending in .npz.

    Returns:
      The coders and the configuration of their training.

    Raises:
      InputError: a file is missing or damaged, or the weights do not fit their configuration.

    Example:
      >>> from jaxsec.semantic import pretrained
      >>> model = load(pretrained.FOLDER / "parallel.npz")
      >>> model.config.scenario.num_bits
      64
    """
    path = Path(path)
    arrays, described = weights.load(path)
    with naming(path):
        config = _config(described)
        wanted = jax.eval_shape(lambda: train.initial_state(config).coder.params)
        weights.check_fit(arrays, weights.flatten(wanted))
        return Model(config, weights.nest(arrays))


def _config(described: dict[str, Any]) -> Config:
    """The configuration that JSON describes."""
    values = {name: value for name, value in described.items() if name != "schema"}
    try:
        scenario = dict(values.pop("scenario"))
        for name in ("bob", "eve"):
            scenario[name] = tuple(scenario[name])
        for name in ("leakage_weights", "seeds"):
            values[name] = tuple(values[name])
        return Config(scenario=Scenario(**scenario), **values)
    except checks.InputError:
        raise
    except (KeyError, TypeError, ValueError):
        raise checks.InputError("the configuration is not one of jaxsec's") from None

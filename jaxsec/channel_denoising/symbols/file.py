"""Trained coders and denoisers of their symbols as files of weights, in half precision."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsec import checks
from jaxsec.channel_denoising.symbols import stages
from jaxsec.channel_denoising.symbols.networks import PIXELS
from jaxsec.channel_denoising.symbols.train import Config, Params
from jaxsec.files.archive import naming
from jaxsec.learning import weights

KIND = "symbols"
"""What the configuration in a file says that it denoises."""


class SymbolModel(NamedTuple):
    """What a training leaves."""

    config: Config
    params: Params
    """Of every network by its name; settings lead."""


def save(path: Path, model: SymbolModel, card: dict[str, Any]) -> None:
    """Writes a model and its card.

    Args:
      path: of the weights, ending in .npz.
      model: what to write.
      card: what a reader should know, as JSON.

    Raises:
      InputError: a file cannot be written.
    """
    arrays = {
        name: np.asarray(array).astype(np.float16)
        for name, array in weights.flatten(model.params).items()
    }
    weights.save(path, arrays, {"denoises": KIND, **dataclasses.asdict(model.config)}, card)


def load(path: Path) -> SymbolModel:
    """Reads a model, checked against its card.

    Raises:
      InputError: a file is missing or damaged, or the weights do not fit their configuration.
    """
    arrays, described = weights.load(path)
    with naming(path):
        known = {field.name for field in dataclasses.fields(Config)}
        checks.require(
            described.get("denoises") == KIND and known <= set(described),
            "the configuration is not that of a denoiser of symbols",
        )
        values = {name: described[name] for name in known}
        for name in ("channels", "snrs_db"):
            values[name] = tuple(values[name])
        config = Config(**values)
        weights.check_fit(arrays, weights.flatten(jax.eval_shape(lambda: fresh(config))))
        return SymbolModel(config, weights.nest(arrays))


def fresh(config: Config) -> Params:
    """Parameters as they are before the training, by their names in a file."""
    params: Params = {}
    blank = jnp.zeros((1, PIXELS))
    for stage in stages.STAGES.values():
        params = merge(params, stage.initial(config, params, blank))
    return params


def merge(params: Params, more: Params) -> Params:
    """Parameters of all stages so far; those of coder and decoder, trained as one, apart."""
    return params | more.get("coder", {}) | {k: v for k, v in more.items() if k != "coder"}

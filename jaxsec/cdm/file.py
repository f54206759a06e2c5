"""Trained diffusion models as files of weights (`jaxsec.learning.weights`).

The arrays are the network's parameters (`params/…`) and the standardiser's `spread`; the
configuration is what it takes to build the network and to read its tables.
"""

import dataclasses
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxsec.cdm.model import Model, initial_params
from jaxsec.cdm.standardise import Standardiser
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.files.archive import naming
from jaxsec.learning import weights
from jaxsec.learning.weights import read_card, write_card
from jaxsec.strategy import Size

LATER = {"num_skips": 3}
"""Sizes that files name only where they differ from this: older files know nothing of them."""

__all__ = ["load", "read_card", "save", "write_card"]


def save(
    path: str | os.PathLike[str], model: Model, card: dict[str, Any], *, half: bool = False
) -> None:
    """Writes a model and its card.

    Args:
      path: of the weights, ending in .npz; the card goes beside it.
      model: what to write.
      card: what a reader should know, as JSON.
      half: store the network's parameters in half precision, in half of the space.

    Raises:
      InputError: a file cannot be written.
    """
    size = dataclasses.asdict(model.network.size)  # pyright: ignore
    config = {
        "denoiser": model.denoiser,
        "size": {name: size[name] for name in size if size[name] != LATER.get(name)},
        "coordinates": model.coordinates,
        "prediction": model.prediction,
        "sizes": sorted(set(model.sizes)),
        "num_noise_beams": model.num_noise_beams,
        **({"deterministic": True} if model.deterministic else {}),
    }
    precision = np.float16 if half else np.float32
    params = weights.flatten(model.params)
    arrays = {name: np.asarray(array).astype(precision) for name, array in params.items()}
    arrays["spread"] = np.asarray(model.standardiser.spread)
    weights.save(path, arrays, config, card)


def load(path: str | os.PathLike[str]) -> Model:
    """Reads a model, checked against its card.

    Raises:
      InputError: a file is missing or damaged, the weights are not those of the card, or do not
        fit the network that their configuration names.
    """
    path = Path(path)
    arrays, config = weights.load(path)
    with naming(path):
        spread = arrays.pop("spread")
        sizes = tuple(Size(*size) for size in config["sizes"])
        network = denoisers.make(config["denoiser"], config["size"])
        wanted = jax.eval_shape(
            lambda: initial_params(
                network, config["coordinates"], sizes[0], config["num_noise_beams"], seed=0
            )
        )
        weights.check_fit(arrays, weights.flatten(wanted))
        return Model(
            denoiser=config["denoiser"],
            network=network,
            params=weights.nest(arrays),
            standardiser=Standardiser(spread),
            coordinates=config["coordinates"],
            prediction=config["prediction"],
            sizes=sizes,
            num_noise_beams=config["num_noise_beams"],
            deterministic=config.get("deterministic", False),
        )

"""Trained models as files: weights in .npz, a model card in JSON beside them.

`NAME.npz` holds the parameters by their path in the network (`params/…`, float32), the
standardiser's `spread`, and `config`, JSON of what it takes to build the network. `NAME.json`, the
card, has the SHA-256 of the weights and tells where they come from and what they reach.
"""

import dataclasses
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxsec import checks
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.model import Model
from jaxsec.cdm.standardise import Standardiser
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.files.archive import atomic_write, naming, read_arrays, write_arrays
from jaxsec.strategy import Size

SCHEMA = 1


def save(path: str | os.PathLike[str], model: Model, card: dict[str, Any]) -> None:
    """Writes a model and its card.

    Args:
      path: of the weights, ending in .npz; the card goes beside it.
      model: what to write.
      card: what a reader should know, as JSON.

    Raises:
      InputError: a file cannot be written.
    """
    path = Path(path)
    flat = {
        "/".join(str(key.key) for key in at): np.asarray(leaf, np.float32)
        for at, leaf in jax.tree_util.tree_leaves_with_path(model.params)
    }
    config = {
        "schema": SCHEMA,
        "denoiser": model.denoiser,
        "size": dataclasses.asdict(model.network.size),  # pyright: ignore
        "coordinates": model.coordinates,
        "prediction": model.prediction,
        "sizes": sorted(set(model.sizes)),
        "num_noise_beams": model.num_noise_beams,
    }
    config = json.loads(json.dumps(config))
    arrays = {**flat, "spread": np.asarray(model.standardiser.spread, np.float32)}
    write_arrays(path, {**arrays, "config": np.array(json.dumps(config, sort_keys=True))})
    write_card(path, {"sha256": _sha256(path), "config": config, **card})


def load(path: str | os.PathLike[str]) -> Model:
    """Reads a model, checked against its card.

    Raises:
      InputError: a file is missing or damaged, the weights are not those of the card, or do not
        fit the network that their configuration names.
    """
    path = Path(path)
    card = read_card(path)
    with naming(path):
        checks.require(path.is_file(), "there is no such model")
        checks.require(
            _sha256(path) == card.get("sha256"),
            f"the weights are damaged, or not those that {path.with_suffix('.json').name} tells of",
        )
        with np.load(path, allow_pickle=False) as file:
            names = file.files
        arrays = read_arrays(path, names)
        config = json.loads(str(arrays.pop("config")))
        checks.require(
            config == card.get("config") and config.get("schema") == SCHEMA,
            f"the configuration must be that of the card, of schema {SCHEMA}, but is {config}",
        )
        spread = arrays.pop("spread")
        params: dict[str, Any] = {}
        for name, array in arrays.items():
            *folders, leaf = name.split("/")
            at = params
            for folder in folders:
                at = at.setdefault(folder, {})
            at[leaf] = jnp.asarray(array)
        sizes = tuple(Size(*size) for size in config["sizes"])
        network = denoisers.make(config["denoiser"], config["size"])
        _check_fit(network, params, config, sizes[0])
        return Model(
            denoiser=config["denoiser"],
            network=network,
            params=params,
            standardiser=Standardiser(spread),
            coordinates=config["coordinates"],
            prediction=config["prediction"],
            sizes=sizes,
            num_noise_beams=config["num_noise_beams"],
        )


def _check_fit(network: nn.Module, params: Any, config: dict[str, Any], size: Size) -> None:
    """The parameters must be those that the network makes for itself."""
    found = coordinates.get(config["coordinates"])
    num_noise_beams = config["num_noise_beams"]
    kind = found.kinds(*size, num_noise_beams)

    def initialise() -> Any:
        frame = found.blank(*size, num_noise_beams)
        condition = found.condition(frame, size.num_users, jnp.ones(kind.shape))
        z = jnp.zeros((1, 2, *kind.shape))
        return network.init(jax.random.key(0), z, jnp.zeros(1, jnp.int32), condition)

    def shapes(tree: Any) -> dict[str, tuple[int, ...]]:
        leaves = jax.tree_util.tree_leaves_with_path(tree)
        return {jax.tree_util.keystr(at): leaf.shape for at, leaf in leaves}

    wanted, given = shapes(jax.eval_shape(initialise)), shapes(params)
    for name in sorted({*wanted, *given}):
        checks.require(
            wanted.get(name) == given.get(name),
            f"the weights do not fit the network: {name} must have shape {wanted.get(name)}, but "
            f"has {given.get(name)}",
        )


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The card beside the weights at `path`.

    Raises:
      InputError: it is missing or damaged.
    """
    path = Path(path).with_suffix(".json")
    with naming(path):
        checks.require(path.is_file(), "there is no model card")
        try:
            card = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise checks.InputError(f"is damaged ({error})") from None
        checks.require(isinstance(card, dict), "is damaged: it must hold a JSON object")
    return card


def write_card(path: str | os.PathLike[str], card: dict[str, Any]) -> None:
    """Writes the card beside the weights at `path`, lists of numbers on one line.

    Raises:
      InputError: it cannot be written.
    """
    text = json.dumps(card, indent=1)
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    with atomic_write(Path(path).with_suffix(".json")) as file:
        file.write((text + "\n").encode())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""Weights of trained networks as files: named arrays in .npz, a card in JSON beside them.

`NAME.npz` holds arrays of float32, or of float16 that are read as float32, each by its path in a
tree of parameters (`params/Dense_0/kernel`), and `config`, JSON of what it takes to build the
networks. `NAME.json`, the card, has the SHA-256 of that file, the configuration once more, and what
a reader should know of the training.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxsec import checks
from jaxsec.files.archive import atomic_write, naming, write_arrays
from jaxsec.files.reading import read_arrays

SCHEMA = 1
"""Of the configuration; a file of another one is refused."""


class Weights(NamedTuple):
    """What a file of weights holds."""

    arrays: dict[str, np.ndarray]
    """float32 and finite, by their paths."""
    config: dict[str, Any]


def save(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Any],
    config: dict[str, Any],
    card: dict[str, Any],
) -> None:
    """Writes weights and their card.

    Args:
      path: of the weights, ending in .npz; the card goes beside it.
      arrays: by their paths, as `flatten` names them; written as float32, float16 as it is.
      config: what it takes to build the networks, as JSON.
      card: what a reader should know, as JSON.

    Raises:
      InputError: a file cannot be written.
    """
    path = Path(path)
    config = json.loads(json.dumps({"schema": SCHEMA, **config}))
    stored = {name: np.asarray(array) for name, array in arrays.items()}
    stored = {
        name: array if array.dtype == np.float16 else array.astype(np.float32)
        for name, array in stored.items()
    }
    write_arrays(path, {**stored, "config": np.array(json.dumps(config, sort_keys=True))})
    write_card(path, {"sha256": _sha256(path), "config": config, **card})


def load(path: str | os.PathLike[str]) -> Weights:
    """Reads weights, checked against their card.

    Raises:
      InputError: a file is missing or damaged, the weights or their configuration are not those of
        the card, or a number is not finite.
    """
    path = Path(path)
    with naming(path):
        checks.require(path.suffix == ".npz", "must end in .npz")
        checks.require(path.is_file(), "there is no such file")
    card = read_card(path)
    with naming(path):
        checks.require(
            _sha256(path) == card.get("sha256"),
            f"the weights are damaged, or not those that {path.with_suffix('.json').name} tells of",
        )
        arrays = read_arrays(path, _names(path))
        try:
            config = json.loads(str(arrays.pop("config")))
        except (KeyError, ValueError):
            raise checks.InputError("the configuration is not one of jaxsec's") from None
        checks.require(
            isinstance(config, dict)
            and config == card.get("config")
            and config.get("schema") == SCHEMA,
            f"the configuration must be that of the card, of schema {SCHEMA}, but is {config}",
        )
        for name, array in arrays.items():
            checks.require(
                array.dtype in (np.float32, np.float16),
                f"`{name}` must be float32 or float16, but is {array.dtype}",
            )
            checks.check_finite(name, array)
        return Weights({name: x.astype(np.float32) for name, x in arrays.items()}, config)


def flatten(tree: Any, *prefix: str) -> dict[str, Any]:
    """The leaves of nested dicts by their paths, behind a prefix: `prefix/outer/inner`."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {"/".join([*prefix, *(str(key.key) for key in at)]): leaf for at, leaf in leaves}


def nest(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The nested dicts of arrays that `flatten` makes these paths of."""
    tree: dict[str, Any] = {}
    for name, array in arrays.items():
        *folders, leaf = name.split("/")
        at = tree
        for folder in folders:
            at = at.setdefault(folder, {})
        at[leaf] = array
    return jax.device_put(tree)  # `jnp.asarray` compiles a program for every shape


def check_fit(arrays: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """The arrays must be those that the networks make for themselves.

    Args:
      arrays: by their paths.
      wanted: arrays or their shapes (`jax.eval_shape`) by their paths.

    Raises:
      InputError: one is missing, one too many, or of another shape.
    """
    for name in sorted({*wanted, *arrays}):
        shapes = [given[name].shape if name in given else None for given in (wanted, arrays)]
        checks.require(
            shapes[0] == shapes[1],
            "the weights do not fit the networks that their configuration names: "
            f"`{name}` must have shape {shapes[0]}, but has {shapes[1]}",
        )


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The card beside the weights at `path`.

    Raises:
      InputError: it is missing or damaged.
    """
    path = Path(path).with_suffix(".json")
    with naming(path):
        checks.require(path.is_file(), "the card must lie beside the weights, but there is none")
        try:
            card = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise checks.InputError(f"is damaged: it is not JSON ({error})") from None
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


def _names(path: Path) -> list[str]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return file.files
    except Exception:
        raise checks.InputError("the file is damaged or no .npz archive") from None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

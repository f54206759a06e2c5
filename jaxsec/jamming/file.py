"""Trained jamming policies as files: weights in .npz, a card in JSON beside them.

`NAME.npz` holds the averaged actors (`actor/…`) and critics (`critic/…`) of all seeds, which lead,
and `config`, JSON of the scenario and the training. `NAME.json`, the card, has the SHA-256 of the
weights and what they reach.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsec import checks
from jaxsec.files.archive import atomic_write, naming, read_arrays, write_arrays
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.rl.learner import Config, Training

SCHEMA = 1
KINDS = ("actor", "critic")


class Trained(NamedTuple):
    """What a training leaves."""

    scenario: JammingScenario
    config: Config
    actor: Any
    """Parameters; seeds lead."""
    critic: Any
    """Parameters; seeds lead."""


def describe(scenario: JammingScenario, config: Config) -> dict[str, Any]:
    """Both as JSON.

    Raises:
      InputError: a metric is the user's own function, which no file can hold.
    """
    for metric, _ in scenario.metrics:
        checks.require(
            isinstance(metric, str),
            f"`metrics` must be named to be written to a file, but has {metric}",
        )
    return {
        "schema": SCHEMA,
        "scenario": dataclasses.asdict(scenario),
        "training": dataclasses.asdict(config),
    }


def save(path: Path, trained: Trained, card: dict[str, Any]) -> None:
    """Writes policies and their card.

    Raises:
      InputError: a file cannot be written, or a metric is the user's own.
    """
    config = describe(trained.scenario, trained.config)
    arrays: dict[str, Any] = {"config": np.asarray(json.dumps(config))}
    for kind in KINDS:
        for name, leaf in _named(kind, getattr(trained, kind)):
            arrays[name] = np.asarray(leaf, np.float32)
    write_arrays(path, arrays)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    text = json.dumps({"sha256": sha256, "config": config, **card}, indent=1)
    with atomic_write(path.with_suffix(".json")) as file:
        file.write(text.encode() + b"\n")


def load(path: Path) -> Trained:
    """Reads policies, checked against their card.

    Raises:
      InputError: a file is missing or damaged, or the weights do not fit their configuration.
    """
    beside = path.with_suffix(".json")
    with naming(path):
        checks.require(path.suffix == ".npz", "must end in .npz")
        checks.require(path.is_file(), "there is no such file")
        checks.require(beside.is_file(), f"{beside.name} must lie beside it")
        try:
            card = json.loads(beside.read_text())
        except ValueError:
            raise checks.InputError(f"{beside.name} is not JSON") from None
        given = hashlib.sha256(path.read_bytes()).hexdigest()
        checks.require(
            isinstance(card, dict) and card.get("sha256") == given,
            f"the weights are damaged, or not those that {beside.name} tells of",
        )
        arrays = _read(path)
        scenario, training = _configuration(arrays.pop("config", None))
        _check_fit(scenario, training, arrays)
        tree: dict[str, Any] = {}
        for name, array in arrays.items():
            checks.check_finite(name, array)
            *folders, leaf = name.split("/")
            at = tree
            for folder in folders:
                at = at.setdefault(folder, {})
            at[leaf] = jnp.asarray(array)
        return Trained(scenario, training, tree["actor"], tree["critic"])


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = file.files
    except Exception:
        raise checks.InputError("the file is damaged or no .npz archive") from None
    return read_arrays(path, names)


def _configuration(stored: np.ndarray | None) -> tuple[JammingScenario, Config]:
    try:
        config = json.loads(str(stored))
        checks.require(
            config["schema"] == SCHEMA,
            f"the configuration must be of schema {SCHEMA}, but is {config}",
        )
        return scenario_of(config["scenario"]), Config(**config["training"])
    except checks.InputError:
        raise
    except (KeyError, TypeError, ValueError):
        raise checks.InputError("the configuration is not one of jaxsec's") from None


def scenario_of(described: dict[str, Any]) -> JammingScenario:
    """The scenario that JSON describes."""
    values = dict(described)
    values["regimes"] = tuple(values["regimes"])
    values["metrics"] = tuple((name, weight) for name, weight in values["metrics"])
    return JammingScenario(**values)


def _check_fit(scenario: JammingScenario, config: Config, arrays: dict[str, np.ndarray]) -> None:
    """The parameters must be those that the networks make for themselves."""
    training = Training(config, Environment(scenario), devices=1)
    seeds = next((len(array) for array in arrays.values() if array.ndim), 0)
    wanted = jax.eval_shape(
        lambda: jax.vmap(training.networks)(jax.random.split(jax.random.key(0), seeds))
    )
    shapes = {
        name: leaf.shape
        for kind, tree in zip(KINDS, wanted, strict=True)
        for name, leaf in _named(kind, tree)
    }
    checks.require(
        {name: array.shape for name, array in arrays.items()} == shapes
        and all(array.dtype == np.float32 for array in arrays.values()),
        "the weights do not fit the networks that their configuration names",
    )


def _named(kind: str, tree: Any) -> list[tuple[str, Any]]:
    """Leaves with their names in a file."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [("/".join([kind, *(str(key.key) for key in at)]), leaf) for at, leaf in leaves]

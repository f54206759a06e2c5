"""Trained completers as files of weights (`jaxsec.learning.weights`).

The arrays are the averaged ones of the completer (`completer/…`) and of the classifier that labels
for it (`classifier/…`); the configuration is that of the scenario and the training.
"""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float

from jaxsec import checks
from jaxsec.files.archive import naming
from jaxsec.learning import weights
from jaxsec.spectrum import train
from jaxsec.spectrum.masks import complete
from jaxsec.spectrum.source import Scenario
from jaxsec.spectrum.train import Batch, Config, Game

FOLDER = Path(__file__).with_name("pretrained")
SHIPPED = FOLDER / "history.npz"
"""Trained by `jaxsec spectrum train` with its defaults."""


class Trained(NamedTuple):
    """What a training leaves."""

    scenario: Scenario
    config: Config
    completer: Any
    """Parameters."""
    classifier: Any
    """Parameters; None where no label is predicted."""

    def label(self, batch: Batch) -> Float[Array, "B P"]:
        """What the completer is told of the patterns."""
        return train.labels(self.config, self.scenario, self.classifier, batch)

    def complete(
        self, batch: Batch, label: Float[Array, "B P"] | None = None
    ) -> Float[Array, "B T F"]:
        """Completed waterfalls, dBm: what is sensed as it is, and the hole filled.

        Args:
          batch: waterfalls, those before them, and masks.
          label: probabilities of the patterns; the classifier's where left out.
        """
        label = self.label(batch) if label is None else label
        made = train.guess(self.config, self.scenario, self.completer, batch, label)
        power = train.RANGE_DB * made + self.scenario.noise_floor_dbm
        return complete(batch.waterfall.power, batch.mask, power)


def of_game(scenario: Scenario, config: Config, game: Game) -> Trained:
    """What is kept of a training."""
    classifier = None if game.classifier is None else game.classifier.ema
    return Trained(scenario, config, game.completer.ema, classifier)


def save(path: Path, trained: Trained, card: dict[str, Any]) -> None:
    """Writes weights and their card.

    Raises:
      InputError: a file cannot be written.
    """
    config = describe(trained.scenario, trained.config)
    weights.save(path, _arrays(trained.completer, trained.classifier), config, card)


def load(path: Path = SHIPPED) -> Trained:
    """Reads a trained completer, checked against its card.

    Args:
      path: of the weights, ending in .npz; the shipped ones where left out.

    Returns:
      The networks' parameters, and what they were trained on.

    Raises:
      InputError: a file is missing or damaged, or the weights do not fit their configuration.

    >>> load().config.label
    'history'
    """
    arrays, config = weights.load(path)
    with naming(path):
        try:
            scenario, training = _described(config)
        except checks.InputError:
            raise
        except (KeyError, TypeError, ValueError):
            raise checks.InputError("the configuration is not one of jaxsec's") from None
        wanted = jax.eval_shape(lambda: train.initial_state(training, scenario))
        fresh = of_game(scenario, training, wanted)
        weights.check_fit(arrays, _arrays(fresh.completer, fresh.classifier))
        tree = weights.nest(arrays)
        return Trained(scenario, training, tree["completer"], tree.get("classifier"))


def describe(scenario: Scenario, config: Config) -> dict[str, Any]:
    """Both as JSON."""
    return {"scenario": dataclasses.asdict(scenario), "training": dataclasses.asdict(config)}


def _described(config: dict[str, Any]) -> tuple[Scenario, Config]:
    scenario, training = dict(config["scenario"]), dict(config["training"])
    for name in ("user_dbm", "jammer_dbm"):
        scenario[name] = tuple(scenario[name])
    training["masks"] = tuple(training["masks"])
    return Scenario(**scenario), Config(**training)


def _arrays(completer: Any, classifier: Any) -> dict[str, Any]:
    return weights.flatten(completer, "completer") | weights.flatten(classifier, "classifier")

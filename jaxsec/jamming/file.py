"""Trained jamming policies as files of weights (`jaxsec.learning.weights`).

The arrays are those of the averaged actors (`actor/…`) and critics (`critic/…`) of all seeds, which
lead; the configuration is that of the scenario and the training, and the sizes that took turns.
"""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxsec import checks
from jaxsec.files.archive import naming
from jaxsec.jamming import sizes as jamming_sizes
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.jamming.sizes import Size
from jaxsec.learning import weights
from jaxsec.rl import learner
from jaxsec.rl.config import Config
from jaxsec.rl.learner import Agent


class Trained(NamedTuple):
    """What a training leaves."""

    scenario: JammingScenario
    config: Config
    actor: Any
    """Parameters; seeds lead."""
    critic: Any
    """Parameters; seeds lead."""
    sizes: tuple[Size, ...] = ()
    """Of the scenario, that took turns in training; none where it was trained on as it is."""

    @property
    def agent(self) -> Agent:
        """Whose parameters they are."""
        return learner.make_agent(self.config, Environment(self.scenario))

    @property
    def num_seeds(self) -> int:
        """Trainings side by side."""
        return jax.tree.leaves(self.actor)[0].shape[0]

    @property
    def num_parameters(self) -> int:
        """Of one seed's actor."""
        return sum(x.size for x in jax.tree.leaves(self.actor)) // self.num_seeds

    def at(self, size: Size) -> "Trained":
        """The same networks, to act in the scenario at another size.

        Raises:
          InputError: they serve one size only, or a number is out of its range.
        """
        own = jamming_sizes.of(self.scenario)
        for fits_one, must_not, but in (
            (self.config.network == "flat", "be flat", "are"),
            (self.agent.estimates, "estimate gains", "do"),
        ):
            checks.require(
                size == own or not fits_one,
                f"the networks must not {must_not} to act at size {size}, but {but}, and serve "
                f"{own} only",
            )
        return self._replace(scenario=jamming_sizes.resized(self.scenario, size))


def describe(
    scenario: JammingScenario, config: Config, sizes: tuple[Size, ...] = ()
) -> dict[str, Any]:
    """All as JSON; sizes only where there are several in turn.

    Raises:
      InputError: a metric is the user's own function, which no file can hold.
    """
    for metric, _ in scenario.metrics:
        checks.require(
            isinstance(metric, str),
            f"`metrics` must be named to be written to a file, but has {metric}",
        )
    told = {"scenario": dataclasses.asdict(scenario), "training": dataclasses.asdict(config)}
    return told | ({"sizes": [list(size) for size in sizes]} if sizes else {})


def save(path: Path, trained: Trained, card: dict[str, Any]) -> None:
    """Writes policies and their card.

    Raises:
      InputError: a file cannot be written, or a metric is the user's own.
    """
    config = describe(trained.scenario, trained.config, trained.sizes)
    weights.save(path, _arrays(trained.actor, trained.critic), config, card)


def load(path: Path) -> Trained:
    """Reads policies, checked against their card.

    Raises:
      InputError: a file is missing or damaged, or the weights do not fit their configuration.
    """
    arrays, config = weights.load(path)
    with naming(path):
        try:
            scenario, training = scenario_of(config["scenario"]), Config(**config["training"])
            sizes = tuple(Size(*size) for size in config.get("sizes", ()))
            for size in sizes:
                jamming_sizes.resized(scenario, size)
            checks.require(
                not sizes
                or (
                    len(sizes) > 1
                    and sizes[0] == jamming_sizes.of(scenario)
                    and training.network != "flat"
                ),
                "`sizes` must be several, the scenario's first, of networks that are not flat",
            )
        except checks.InputError:
            raise
        except (KeyError, TypeError, ValueError):
            raise checks.InputError("the configuration is not one of jaxsec's") from None
        agent = learner.make_agent(training, Environment(scenario))
        num_seeds = next((len(array) for array in arrays.values() if array.ndim), 0)
        wanted = jax.eval_shape(
            lambda keys: jax.vmap(lambda key: learner.networks(agent, key))(keys),
            jax.random.split(jax.random.key(0), num_seeds),
        )
        weights.check_fit(arrays, _arrays(*wanted))
        tree = weights.nest(arrays)
        return Trained(scenario, training, tree["actor"], tree["critic"], sizes)


def scenario_of(described: dict[str, Any]) -> JammingScenario:
    """The scenario that JSON describes."""
    values = dict(described)
    values["regimes"] = tuple(values["regimes"])
    values["metrics"] = tuple((name, weight) for name, weight in values["metrics"])
    return JammingScenario(**values)


def _arrays(actor: Any, critic: Any) -> dict[str, Any]:
    return weights.flatten(actor, "actor") | weights.flatten(critic, "critic")

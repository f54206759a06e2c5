"""Options that the jamming commands share: the task, and how policies learn."""

import dataclasses
from typing import Annotated, Any

import tyro

from jaxsec import checks
from jaxsec.jamming.metrics import METRICS
from jaxsec.jamming.scenario import SCENARIOS, Fading, JammingScenario, Knowledge, PowerSteps
from jaxsec.rl.config import Config


@dataclasses.dataclass(frozen=True)
class TaskOptions:
    """A standard scenario, and what differs from it."""

    scenario: Annotated[str, tyro.conf.arg(metavar="{" + ",".join(SCENARIOS) + "}")] = "paper"
    """paper: 3 access points, 3 users, 2 eavesdroppers. dense: 8, 8, 4, mixed regimes, outage;
    noisy, sensed and hidden are dense with less and less known of the eavesdroppers; battery is
    paper with batteries that last from slot to slot."""
    metrics: Annotated[
        tuple[str, ...] | None,
        tyro.conf.arg(metavar="{" + ",".join(METRICS) + "}=WEIGHT ..."),
    ] = None
    """What the reward is the sum of; a metric without a weight counts once."""
    preferences: bool = False
    """Each slot weighs the metrics anew, and policies see how."""
    num_access_points: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """A."""
    num_users: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """U; user u is served by access point u mod A."""
    num_eavesdroppers: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """E."""
    min_power_w: Annotated[float | None, tyro.conf.arg(metavar="W")] = None
    """Least transmit power of an access point."""
    max_power_w: Annotated[float | None, tyro.conf.arg(metavar="W")] = None
    """Most transmit power of an access point."""
    circuit_power_w: Annotated[float | None, tyro.conf.arg(metavar="W")] = None
    """What an access point needs beside it."""
    target_rate: Annotated[float | None, tyro.conf.arg(metavar="R")] = None
    """Secrecy rate below which a user is in outage, bit/s/Hz."""
    power_steps: PowerSteps | None = None
    """What even steps of an action are even steps in."""
    fading: Fading | None = None
    """Independent slots, or Gauss-Markov fading within episodes."""
    correlation: Annotated[float | None, tyro.conf.arg(metavar="RHO")] = None
    """Of Gauss-Markov fading from slot to slot."""

    knowledge: Knowledge | None = None
    """What is observed of eavesdroppers: their gains, those with an error, a detector's word on
    where they are, or nothing."""
    gain_error_db: Annotated[float | None, tyro.conf.arg(metavar="DB")] = None
    """Standard deviation of the levels that are observed with an error."""
    detection_probability: Annotated[float | None, tyro.conf.arg(metavar="P")] = None
    """Of the detector's being right."""

    def task(self) -> JammingScenario:
        """The scenario.

        Raises:
          InputError: it is unknown, or an option is out of its range.
        """
        checks.require(
            self.scenario in SCENARIOS,
            f"`--scenario` must be one of {', '.join(SCENARIOS)}, but is {self.scenario!r}",
        )
        given = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("scenario", "metrics", "preferences")
        }
        changes: dict[str, Any] = {name: x for name, x in given.items() if x is not None}
        if self.metrics is not None:
            changes["metrics"] = tuple(map(_weighted, self.metrics))
        if self.preferences:
            changes["preferences"] = True
        return dataclasses.replace(SCENARIOS[self.scenario], **changes)


@dataclasses.dataclass(frozen=True)
class LearningOptions(Config):
    """Networks and training."""

    def __post_init__(self) -> None:
        pass  # the fields are those of `Config`, checked by `config` and not while they are parsed

    def config(self, **changes: Any) -> Config:
        """The checked configuration.

        Raises:
          InputError: an option is out of its range.
        """
        return Config(**(dataclasses.asdict(self) | changes))


def _weighted(text: str) -> tuple[str, float]:
    name, equals, weight = text.partition("=")
    try:
        return name, float(weight) if equals else 1.0
    except ValueError:
        raise checks.InputError(
            f"`--metrics` must be NAME or NAME=WEIGHT, but has {text!r}"
        ) from None

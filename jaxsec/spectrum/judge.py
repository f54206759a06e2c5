"""Completed waterfalls judged where it counts: in the hole, and by whom a transmission meets.

Decided is whether a pixel is occupied: whether its completed power is above the threshold midway
between the noise floor and the weakest user. The mean over the four patterns of jammers is the
figure; waterfalls without a jammer are told apart, since they are easier.

Shapes: B waterfalls, T slots, F channels.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxsec import keys
from jaxsec.report import statistics
from jaxsec.report.statistics import Mean
from jaxsec.spectrum import baselines, selector, train
from jaxsec.spectrum.file import Trained
from jaxsec.spectrum.masks import MaskKind
from jaxsec.spectrum.source import PATTERNS, Scenario
from jaxsec.spectrum.train import Batch

CHUNK = 64
"""Waterfalls at a time."""


class Row(NamedTuple):
    """What one way to complete reaches under one kind of mask."""

    mask: MaskKind
    way: str
    accuracy: np.ndarray
    """[B] share of the hole's pixels of which it is decided rightly whether they are occupied."""
    error_db: np.ndarray
    """[B] mean absolute error of the hole's powers."""
    pattern: np.ndarray
    """[B] of the jammers."""

    @property
    def jammed(self) -> Mean:
        """Accuracy where there is a jammer; the four patterns count alike."""
        return self.over_patterns(self.accuracy)

    def over_patterns(self, values: np.ndarray) -> Mean:
        """The mean over the patterns of jammers of their waterfalls' means."""
        own = [statistics.mean_ci(values[self.pattern == i]) for i in range(1, len(PATTERNS))]
        return statistics.mean_of_independent(own)

    def plain(self) -> dict[str, Any]:
        """As JSON: means, and half widths of their 95% intervals over the waterfalls."""
        by_pattern = {
            name: statistics.mean_ci(self.accuracy[self.pattern == i])._asdict()
            for i, name in enumerate(PATTERNS)
        }
        return {
            "mask": self.mask,
            "way": self.way,
            "accuracy": self.jammed._asdict(),
            "accuracy_by_pattern": by_pattern,
            "error_db": self.over_patterns(self.error_db)._asdict(),
            "num_waterfalls": int(np.sum(self.pattern > 0)),
        }


def occupied(scenario: Scenario, power: Float[Array, "*B T F"]) -> Bool[Array, "*B T F"]:
    """The decision, from powers in dBm."""
    return power > scenario.threshold_dbm


def over_hole(mask: Bool[Array, "B T F"], values: Array) -> Float[Array, "B"]:
    """The mean over each waterfall's hole."""
    hole = ~mask
    return jnp.sum(values * hole, axis=(1, 2)) / jnp.sum(hole, axis=(1, 2))


def test_set(scenario: Scenario, kind: MaskKind, count: int, seed: int) -> list[Batch]:
    """Waterfalls of all patterns alike, in chunks; the same for all that are judged on them."""
    key = keys.stream(seed, f"spectrum/test/{kind}")
    sizes = [min(CHUNK, count - first) for first in range(0, count, CHUNK)]
    return [
        train.sample(keys.step(key, i), scenario, size, (kind,)) for i, size in enumerate(sizes)
    ]


def judge(
    way: str,
    kind: MaskKind,
    batches: list[Batch],
    scenario: Scenario,
    complete: Callable[[Batch], Float[Array, "B T F"]],
) -> Row:
    """One way to complete, on given waterfalls.

    Args:
      way: its name.
      kind: of the masks.
      batches: the waterfalls.
      scenario: that they are of.
      complete: gives completed powers, dBm.
    """
    accuracy, error, pattern = [], [], []
    for batch in batches:
        power = complete(batch)
        right = occupied(scenario, power) == batch.waterfall.occupied
        accuracy.append(over_hole(batch.mask, right))
        error.append(over_hole(batch.mask, jnp.abs(power - batch.waterfall.power)))
        pattern.append(batch.waterfall.pattern)
    return Row(kind, way, *(np.concatenate(x) for x in (accuracy, error, pattern)))


def label_accuracy(trained: Trained, batches: list[Batch]) -> float | None:
    """Share of the waterfalls whose pattern is the likeliest of a predicted label."""
    if not trained.config.predicts:
        return None
    name = jax.jit(trained.label)
    right = [np.argmax(name(b), axis=1) == np.asarray(b.waterfall.pattern) for b in batches]
    return float(np.mean(np.concatenate(right)))


def ways(trained: Trained) -> dict[str, Callable[[Batch], Float[Array, "B T F"]]]:
    """A trained completer with its own label and with the true one, and what needs no training."""
    truth = lambda batch: jax.nn.one_hot(batch.waterfall.pattern, len(PATTERNS))  # noqa: E731
    found: dict[str, Callable[[Batch], Float[Array, "B T F"]]] = {"completer": trained.complete}
    if trained.config.predicts:
        found["completer, true label"] = lambda batch: trained.complete(batch, truth(batch))
    found["nearest"] = lambda batch: baselines.nearest(batch.waterfall.power, batch.mask)
    found["soft-impute"] = lambda batch: baselines.soft_impute(batch.waterfall.power, batch.mask)
    return {name: jax.jit(way) for name, way in found.items()}


def table(trained: Trained, sets: dict[MaskKind, list[Batch]]) -> list[Row]:
    """All ways on waterfalls by their masks."""
    every = ways(trained)
    return [
        judge(name, kind, batches, trained.scenario, way)
        for kind, batches in sets.items()
        for name, way in every.items()
    ]


def selections(trained: Trained, batches: list[Batch], seed: int) -> dict[str, selector.Hits]:
    """Whom a transmission meets, by how its channel is selected, over jammed waterfalls.

    Args:
      trained: completes.
      batches: waterfalls of which slots are sensed as a whole.
      seed: of what is drawn.
    """
    complete = jax.jit(trained.complete)
    met: dict[str, list[selector.Hits]] = {}
    for i, batch in enumerate(batches):
        power, mask = batch.waterfall.power, batch.mask
        key = keys.step(keys.stream(seed, "spectrum/select"), i)
        chosen = {
            "random": selector.anywhere(keys.stream(key, "random"), power.shape),
            "last sensed": selector.held(
                keys.stream(key, "held"), power, mask, trained.scenario.threshold_dbm
            ),
            "completed": selector.least(complete(batch)),
            "oracle": selector.clear(keys.stream(key, "clear"), batch.waterfall),
        }
        counts = np.asarray(selector.ahead(mask).any(axis=1) & (batch.waterfall.pattern > 0))
        for name, channel in chosen.items():
            found = selector.hits(channel, batch.waterfall, mask)
            met.setdefault(name, []).append(
                selector.Hits(*(np.asarray(x)[counts] for x in found))  # pyright: ignore
            )
    return {
        name: selector.Hits(*(np.concatenate(x) for x in zip(*parts, strict=True)))  # pyright: ignore
        for name, parts in met.items()
    }

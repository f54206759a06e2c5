"""What detectors are worth: areas under the curve, and alarms where there is nothing."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxsec import checks
from jaxsec.anomaly import energy, train
from jaxsec.anomaly.auc import auc
from jaxsec.anomaly.detector import Detector
from jaxsec.anomaly.file import Trained
from jaxsec.anomaly.source import SOURCES, Trial
from jaxsec.report.statistics import Mean, mean_ci

At = tuple[str, float | None]
"""A kind of anomaly and its strength in dB, None where it has none."""


class Measured(NamedTuple):
    """Of one run."""

    areas: dict[At, dict[str, float]]
    """Area under the curve by what images are ranked by: the `score`, one of its parts alone,
    `reconstruction` or `latent`, and where pixels are powers the best `energy` detector."""
    detected: dict[At, float]
    """Share of anomalies that raise an alarm."""
    false_alarms: float
    """Share of fresh clean images that do."""
    load: Float[np.ndarray, "K"]
    """Share of fresh clean images that select each expert, the most used one first."""


class Row(NamedTuple):
    """One kind of anomaly at one strength, means over runs."""

    kind: str
    ratio_db: float | None
    areas: dict[str, Mean]
    detected: Mean


class Judgement(NamedTuple):
    """Of all runs of a training, means over them."""

    rows: list[Row]
    false_alarms: Mean
    load: list[float]


def judge(
    trained: Trained,
    n: int,
    seed: int,
    false_alarm: float,
    advance: Callable[[int], object] = lambda done: None,
) -> Judgement:
    """Judges every run on `n` fresh images of each kind, or as many as there are.

    Args:
      trained: runs; intervals are over them.
      n: images.
      seed: of radio data, beside the run's own; of digits every run has those of its split.
      false_alarm: probability that thresholds are for.
      advance: told when a run is judged.

    Raises:
      InputError: `n` is below 1, or there are too few held-out scores for `false_alarm`.
    """
    checks.check_at_least("n", n, 1)
    source, found = SOURCES[trained.config.data], []
    trained.detector().threshold(false_alarm)  # refuses before anything is drawn
    for i, run in enumerate(train.runs(trained.config)):
        trial = source.trial(run, seed, n)
        found.append(measure(trained.detector(i), trial, false_alarm, source.in_decibels))
        advance(1)
    rows = [
        Row(
            at[0],
            at[1],
            {name: _mean([one.areas[at][name] for one in found]) for name in areas},
            _mean([one.detected[at] for one in found]),
        )
        for at, areas in found[0].areas.items()
    ]
    load = np.mean([one.load for one in found], axis=0)
    return Judgement(rows, _mean([one.false_alarms for one in found]), load.tolist())


def measure(detector: Detector, trial: Trial, false_alarm: float, in_decibels: bool) -> Measured:
    """Judges one run."""
    threshold = detector.threshold(false_alarm)
    clean = detector.explain(trial.clean)
    areas: dict[At, dict[str, float]] = {}
    detected: dict[At, float] = {}
    for at, images in trial.attacked.items():
        bad = detector.explain(images)
        detected[at] = float(np.mean(bad.total > threshold))
        areas[at] = {"score": auc(clean.total, bad.total)}
        if detector.network.num_encodings == 2:
            areas[at]["reconstruction"] = auc(clean.reconstruction, bad.reconstruction)
            areas[at]["latent"] = auc(clean.latent, bad.latent)
        if in_decibels:
            areas[at]["energy"] = energy.best(trial.clean, images)
    counts = np.bincount(clean.expert, minlength=detector.network.num_experts)
    load = np.sort(counts)[::-1] / len(clean.expert)
    return Measured(areas, detected, float(np.mean(clean.total > threshold)), load)


def _mean(values: list[float]) -> Mean:
    return mean_ci(np.asarray(values))

"""Means, differences and ratios of samples, each with its 95% confidence interval.

Intervals are Student's t, since samples may be as few as two trainings. Samples are independent of
each other: channels, or seeds. Two methods on the same channels are compared in pairs, channel by
channel, which takes out what the channels have in common.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
REACHABLE = 1e-9
"""Rates below are none: nothing can be reached there, and everything reaches all of it."""


class Mean(NamedTuple):
    """A mean and the half width of its 95% confidence interval, None for one sample."""

    value: float
    ci95: float | None

    def __str__(self) -> str:
        return f"{self.value:.2f}" if self.ci95 is None else f"{self.value:.2f} ± {self.ci95:.2f}"


class Ratio(NamedTuple):
    """A ratio of means, the half width of its 95% interval, and the worst sample's own ratio."""

    value: float
    ci95: float | None
    worst: float
    worst_index: int

    def __str__(self) -> str:
        interval = "" if self.ci95 is None else f" ± {100 * self.ci95:.2f}"
        return f"{100 * self.value:.2f}{interval}%"


def mean_ci(samples: np.ndarray) -> Mean:
    """Mean of independent samples [n], with the interval of Student's t of n − 1 degrees."""
    samples = np.asarray(samples, np.float64)
    return Mean(float(np.mean(samples)), _half_width(samples))


def paired_difference(ours: np.ndarray, theirs: np.ndarray) -> Mean:
    """Mean of ours − theirs [n], both on the same samples."""
    return mean_ci(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64))


def ratio_of_means(values: np.ndarray, reference: np.ndarray) -> Ratio:
    """Mean of `values` over mean of `reference`, both [n] on the same samples.

    This is what "of best known" means everywhere. A mean of the samples' own ratios would let a
    channel on which almost nothing can be reached count as much as one of 40 bit/s/Hz, and a rate
    near 0 in its denominator would outweigh all others; the ratio of means says what share of all
    reachable bits is reached. What it hides, the worst sample's own ratio shows beside it.

    The interval is the delta method's: to first order the ratio's error is the mean of the
    residuals values − ratio·reference over the mean reference. Fieller's interval differs from it
    only where the mean reference is not many standard errors away from 0, which rates are.
    """
    values, reference = np.asarray(values, np.float64), np.asarray(reference, np.float64)
    own = ratios(values, reference)
    worst = int(np.argmin(own))
    mean = float(np.mean(reference))
    if abs(mean) <= REACHABLE:
        return Ratio(1.0, None, float(own[worst]), worst)
    value = float(np.mean(values)) / mean
    half = _half_width(values - value * reference)
    return Ratio(value, None if half is None else half / abs(mean), float(own[worst]), worst)


def ratios(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Each sample's own ratio [n]; 1 where the reference reaches nothing."""
    reachable = reference > REACHABLE
    return np.where(reachable, values / np.where(reachable, reference, 1.0), 1.0)


def mean_of_independent(parts: Sequence[Mean | Ratio]) -> Mean:
    """Mean of independent estimates, the squares of whose intervals add up."""
    widths = [part.ci95 for part in parts if part.ci95 is not None]
    value = sum(part.value for part in parts) / len(parts)
    if len(widths) < len(parts):
        return Mean(value, None)
    return Mean(value, math.sqrt(sum(width**2 for width in widths)) / len(parts))


def _half_width(samples: np.ndarray) -> float | None:
    from scipy.stats import t  # takes a moment to import

    n = samples.size
    if n < 2:
        return None
    quantile = float(t.ppf(0.5 + CONFIDENCE / 2, n - 1))
    return quantile * float(np.std(samples, ddof=1)) / math.sqrt(n)

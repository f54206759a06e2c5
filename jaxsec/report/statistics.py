"""Means of samples and how sure they are."""

import math
from typing import NamedTuple

import numpy as np


class Mean(NamedTuple):
    """A sample mean and the half width of its 95% confidence interval, None for one sample."""

    value: float
    ci95: float | None

    def __str__(self) -> str:
        return f"{self.value:.2f}" if self.ci95 is None else f"{self.value:.2f} ± {self.ci95:.2f}"


def mean_ci(samples: np.ndarray) -> Mean:
    """Mean of independent samples [n], its interval from the normal approximation."""
    n = samples.size
    half = 1.96 * float(np.std(samples, ddof=1)) / math.sqrt(n) if n > 1 else None
    return Mean(float(np.mean(samples)), half)

"""Energy detectors, the control of all others on radio data: no training, and tuned with hindsight.

A family of statistics of a table of powers, of which the classical detector (H. Urkowitz, 1967) is
one: power means of several exponents, from the weakest bins to the strongest, over the whole table
or over its worst row or column. Each may fire above or below. The one is taken that is best on the
very images that are judged, so that no choice of threshold, window or exponent does better.
"""

import numpy as np
from jaxtyping import Float

from jaxsec.anomaly.auc import auc

EXPONENTS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 4.0)
"""1 is the energy."""


def statistics(images: Float[np.ndarray, "n H W"]) -> dict[str, Float[np.ndarray, " n"]]:
    """The family, by name.

    Args:
      images: powers in dB.
    """
    power = 10 ** (np.asarray(images, np.float64) / 10)
    found = {"mean of dB": images.mean((1, 2)), "strongest bin": power.max((1, 2))}
    found["weakest bin"] = power.min((1, 2))
    for exponent in EXPONENTS:
        raised = power**exponent
        found[f"exponent {exponent:g}"] = raised.mean((1, 2))
        found[f"exponent {exponent:g}, strongest row"] = raised.mean(2).max(1)
        found[f"exponent {exponent:g}, strongest column"] = raised.mean(1).max(1)
        found[f"exponent {exponent:g}, weakest row"] = raised.mean(2).min(1)
        found[f"exponent {exponent:g}, weakest column"] = raised.mean(1).min(1)
    return found


def best(clean: Float[np.ndarray, "n H W"], attacked: Float[np.ndarray, "m H W"]) -> float:
    """The largest area under the curve that a statistic of the family has."""
    good, bad = statistics(clean), statistics(attacked)
    areas = [auc(good[name], bad[name]) for name in good]
    return max(max(areas), 1 - min(areas))

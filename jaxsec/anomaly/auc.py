"""Area under the receiver operating characteristic."""

import numpy as np
from jaxtyping import Float


def auc(clean: Float[np.ndarray, " n"], anomalous: Float[np.ndarray, " m"]) -> float:
    """Probability that an anomaly's score is above a clean one's; equal ones count half.

    Mann and Whitney's U over n·m (J. Hanley and B. McNeil, Radiology 143, 1982).
    """
    order = np.sort(clean)
    below = np.searchsorted(order, anomalous, side="left")
    up_to = np.searchsorted(order, anomalous, side="right")
    return float(np.mean(below + up_to) / (2 * len(clean)))

"""Digits as a source: 8 × 8 pixels."""

import numpy as np
from jaxtyping import Float

from jaxsec.learning import digits

SIDE = 8


def images(seed: int = 0) -> tuple[Float[np.ndarray, "N 64"], Float[np.ndarray, "N 64"]]:
    """Digits to train on and to judge on, flat; the split is that of the seed.

    Raises:
      MissingExtra: scikit-learn is not installed.
    """
    train, test = digits.load(seed)
    return train.images.reshape(-1, SIDE * SIDE), test.images.reshape(-1, SIDE * SIDE)

"""Handwritten digits as a source: scikit-learn's copy of the UCI optical digits, 8 x 8 pixels.

They come with scikit-learn (the extra `data`), so nothing is downloaded.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxsec import extras

TEST_SHARE = 0.25


class Digits(NamedTuple):
    """Images and what they show."""

    images: Float[np.ndarray, "N 8 8"]
    """float32, 0 (paper) to 1 (ink)."""
    labels: Int[np.ndarray, " N"]
    """0 to 9."""


def load(seed: int = 0) -> tuple[Digits, Digits]:
    """The 1,797 digits, split at random into three quarters to train on and a quarter to test on.

    Args:
      seed: of the split.

    Returns:
      Those to train on, and those to test on.

    Raises:
      MissingExtra: scikit-learn is not installed.
    """
    extras.require("sklearn")
    from sklearn.datasets import load_digits

    pixels, shown = load_digits(return_X_y=True)
    images = np.asarray(pixels, np.float32).reshape(-1, 8, 8) / 16.0
    labels = np.asarray(shown, np.int32)
    order = np.random.default_rng(seed).permutation(len(labels))
    cut = round(TEST_SHARE * len(labels))
    test, train = order[:cut], order[cut:]
    return Digits(images[train], labels[train]), Digits(images[test], labels[test])

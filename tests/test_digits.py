"""Digits to train on: all of them, each once, the split by its seed."""

import numpy as np

from jaxsec.learning import digits


def test_the_split_has_every_digit_once_and_is_its_seeds():
    train, test = digits.load(seed=3)
    assert (len(train.images), len(test.images)) == (1348, 449)
    images = np.concatenate([train.images, test.images])
    assert images.dtype == np.float32 and images.min() == 0.0 and images.max() == 1.0
    assert set(train.labels) == set(test.labels) == set(range(10))
    assert np.all(np.bincount(np.concatenate([train.labels, test.labels])) >= 174)
    again, other = digits.load(seed=3)[1], digits.load(seed=4)[1]
    np.testing.assert_array_equal(test.images, again.images)
    assert not np.array_equal(test.labels, other.labels)

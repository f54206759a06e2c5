"""Channel files that the file tests share, and what they expect of errors."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import settings
from hypothesis import strategies as st

from jaxsec.channels import Channels
from jaxsec.checks import InputError

QUICK = settings(deadline=None, derandomize=True, max_examples=60)
ENDINGS = st.sampled_from([".npz", ".mat"])


def complex_normal(rng, shape, dtype=np.complex64):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def make_channels(n=3, k=2, num_eves=4, m=5, noise=1e-3, dtype=np.complex64, seed=0):
    rng = np.random.default_rng(seed)
    h_user = complex_normal(rng, (n, k, m), dtype)
    return Channels(h_user, complex_normal(rng, (n, num_eves, m), dtype), np.asarray(noise))


def write(path: Path, arrays: dict) -> Path:
    """Writes a file as a user's own script would, without jaxsec's checks."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        scipy.io.savemat(path, arrays)
    return path


def same(left, right) -> bool:
    return left.dtype == right.dtype and np.array_equal(left, right)


def error_of(function, *args) -> str:
    """The message of the InputError that `function` must raise: one line."""
    with pytest.raises(InputError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)

"""Arrays of someone's file under the names that they have there, for `jaxsec convert`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxsec import checks
from jaxsec.files import parts
from jaxsec.files.archive import naming
from jaxsec.files.reading import read_array, read_arrays


def read_source(path: Path, keys: Sequence[str], num_axes: int) -> np.ndarray:
    """One array of a file.

    Args:
      path: ends in .npz, .mat, .h5, .hdf5 or .npy, or is a folder of .npy files.
      keys: its name, or those of its real and of its imaginary part; none for a .npy file.
      num_axes: how many it is known to have; MATLAB drops the last ones that have length one.

    Returns:
      The array, complex where it was of two names.

    Raises:
      InputError: the file cannot be read, or a name is missing, or the two do not fit.
    """
    if path.suffix.lower() == ".npy" and not path.is_dir():
        checks.require(
            not keys, f"{path}: a .npy file is one array, without a name: leave out {keys[:1]}"
        )
        return read_array(path)
    checks.require(len(keys) in (1, 2), f"{path}: an array has one name or two, not {len(keys)}")
    arrays = list(read_arrays(path, keys).values())
    if len(keys) == 2:
        with naming(path):
            arrays = [parts.from_pair(" ".join(keys), *arrays)]
    array = arrays[0]
    missing = num_axes - array.ndim
    if path.suffix.lower() == ".mat" and missing > 0:
        array = array.reshape(*array.shape, *[1] * missing)
    return array

"""Strategy files: what `jaxsec design` hands back.

Shapes: N channels, M antennas, K users, J noise beams. A file holds complex `w` (N, M, K) and `v`
(N, M, J), and in bit/s/Hz `secrecy_rate` (N, K) and `sum_secrecy_rate` (N,).
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxsec import checks
from jaxsec.files.archive import naming, write_arrays
from jaxsec.files.channels import checked_complex
from jaxsec.files.reading import read_arrays
from jaxsec.shapes import AnyArray
from jaxsec.strategy import Strategy


class StoredStrategy(NamedTuple):
    """A strategy file: NumPy arrays, rates in bit/s/Hz."""

    strategy: Strategy  # w [N, M, K], v [N, M, J]
    secrecy_rate: np.ndarray  # [N, K]
    sum_secrecy_rate: np.ndarray  # [N]


def save_strategy(
    path: str | os.PathLike[str],
    strategy: Strategy,
    secrecy_rate: Float[AnyArray, "N K"],
    sum_secrecy_rate: Float[AnyArray, "N"],
) -> None:
    """Writes a strategy file in complex64 and float32, whole or not at all.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 3)
    >>> strategy = jaxsec.design(channels, method="rzf-ns")
    >>> rate = jaxsec.secrecy_rates(strategy, channels)
    >>> save_strategy("strategy.npz", strategy, rate, rate.sum(axis=-1))

    Args:
      path: ends in .npz or .mat.
      strategy: w [N, M, K], v [N, M, J].
      secrecy_rate: [N, K], bit/s/Hz.
      sum_secrecy_rate: [N], bit/s/Hz.

    Raises:
      InputError: the file cannot be written.
    """
    arrays = {
        "w": np.asarray(strategy.w, np.complex64),
        "v": np.asarray(strategy.v, np.complex64),
        "secrecy_rate": np.asarray(secrecy_rate, np.float32),
        "sum_secrecy_rate": np.asarray(sum_secrecy_rate, np.float32),
    }
    write_arrays(path, arrays)


def load_strategy(path: str | os.PathLike[str]) -> StoredStrategy:
    """Reads a strategy file as `save_strategy` wrote it.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 3)
    >>> strategy = jaxsec.design(channels, method="rzf-ns")
    >>> rate = jaxsec.secrecy_rates(strategy, channels)
    >>> save_strategy("strategy.npz", strategy, rate, rate.sum(axis=-1))
    >>> load_strategy("strategy.npz").strategy.w.shape
    (3, 8, 2)

    Args:
      path: ends in .npz or .mat.

    Returns:
      Strategy and rates, NumPy arrays.

    Raises:
      InputError: the file cannot be read, or its fields do not fit each other.
    """
    names = ("w", "v", "secrecy_rate", "sum_secrecy_rate")
    w, v, rate, sum_rate = read_arrays(path, names).values()
    with naming(path):
        w, v = checked_complex("w", w, "(N, M, K)"), checked_complex("v", v, "(N, M, J)")
        n, num_antennas, num_users = w.shape
        if sum_rate.ndim == 2 and 1 in sum_rate.shape:  # MATLAB knows no vectors
            sum_rate = sum_rate.reshape(-1)
        for name, array, wanted in (
            ("v", v, (n, num_antennas, v.shape[2])),
            ("secrecy_rate", rate, (n, num_users)),
            ("sum_secrecy_rate", sum_rate, (n,)),
        ):
            checks.require(
                array.shape == wanted,
                f"`{name}` must have shape {wanted} beside `w` of shape {w.shape}, "
                f"but has shape {array.shape}",
            )
        for name, array in (("secrecy_rate", rate), ("sum_secrecy_rate", sum_rate)):
            checks.require(
                array.dtype.kind == "f", f"`{name}` must be real, but has dtype {array.dtype}"
            )
            checks.check_finite(name, array)
    return StoredStrategy(Strategy(w, v), rate, sum_rate)


def load_beams(path: str | os.PathLike[str]) -> Strategy:
    """Reads beams and artificial noise, whoever made them, as they are.

    >>> np.savez("beams.npz", w=np.ones((3, 8, 2), complex) / 4)
    >>> load_beams("beams.npz").v.shape  # no `v`, no artificial noise
    (3, 8, 0)

    Args:
      path: ends in .npz or .mat; holds `w` (N, M, K), complex, and unless there is no artificial
        noise `v` (N, M, J). A last axis of one, which MATLAB drops, may be missing in a .mat file.

    Returns:
      NumPy arrays w [N, M, K] and v [N, M, J].

    Raises:
      InputError: the file cannot be read, or its fields do not fit each other.
    """
    arrays = read_arrays(path, ("w",), ("v",))
    with naming(path):
        if Path(path).suffix.lower() == ".mat":
            arrays = {name: x[..., None] if x.ndim == 2 else x for name, x in arrays.items()}
        w = checked_complex("w", arrays["w"], "(N, M, K)")
        v = arrays.get("v")
        if v is None or v.shape == (0, 0, 1):  # MATLAB's [] is 0×0
            v = w[..., :0]
        v = checked_complex("v", v, "(N, M, J)")
        checks.require(
            v.shape[:2] == w.shape[:2],
            f"`w` and `v` must agree in channels N and antennas M, but have shapes {w.shape} and "
            f"{v.shape}",
        )
    return Strategy(w, v)

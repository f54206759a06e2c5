"""Channel and strategy files: what a user brings and what `jaxsec design` hands back.

Shapes: N channels, M antennas, K users, L eavesdroppers, J noise beams. The ending says the format:
NumPy .npz or MATLAB .mat (v5, `save(..., '-v7')`).

| file | holds |
|---|---|
| channels | `h_user` (N, K, M) and `h_eve` (N, L, M), complex; `noise_power`, a number or (N,) |
| known in part | the same, now means, and `error_user` (N, K), `error_eve` (N, L), variances; or |
| | instead of either `covariance_user` (N, K, M, M), `covariance_eve` (N, L, M, M), complex |
| strategy | complex `w` (N, M, K), `v` (N, M, J); `secrecy_rate` (N, K), `sum_secrecy_rate` (N,) |

Files are read strictly: what is not plainly right is an `InputError` naming file and field, and
values come back as they are. Only shapes that MATLAB changes on its own are changed back.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from jaxsec import checks
from jaxsec.channels import Channels, covariance
from jaxsec.channels.knowledge import Posterior
from jaxsec.files.archive import naming, read_arrays, write_arrays
from jaxsec.shapes import AnyArray
from jaxsec.strategy import Strategy

ERRORS = ("error_user", "error_eve", "covariance_user", "covariance_eve")
"""Fields that a channel file may have beside the channels."""


class StoredStrategy(NamedTuple):
    """A strategy file: NumPy arrays, rates in bit/s/Hz."""

    strategy: Strategy  # w [N, M, K], v [N, M, J]
    secrecy_rate: np.ndarray  # [N, K]
    sum_secrecy_rate: np.ndarray  # [N]


def load_channels(path: str | os.PathLike[str]) -> Channels:
    """Reads and checks a channel file.

    >>> drawn = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 3)
    >>> save_channels("channels.npz", drawn)
    >>> load_channels("channels.npz").h_user.shape
    (3, 2, 8)

    Args:
      path: ends in .npz or .mat.

    Returns:
      NumPy arrays `h_user` [N, K, M] and `h_eve` [N, L, M] in the file's own complex precision,
      and `noise_power`, of shape () or [N].

    Raises:
      InputError: the file cannot be read, or a field is missing, misshapen, real, not finite, or
        not positive where it must be.
    """
    arrays = read_arrays(path, Channels._fields)
    with naming(path):
        if Path(path).suffix.lower() == ".mat":
            arrays = _undo_matlab(arrays)
        return _checked_channels(**arrays)


def load_known(path: str | os.PathLike[str]) -> tuple[Posterior, Any]:
    """Reads and checks a channel file that may also hold the errors of its links.

    >>> drawn = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 3)
    >>> save_channels("channels.npz", drawn)
    >>> bool((load_known("channels.npz")[0].error_user == 0).all())  # holds none: known exactly
    True

    Args:
      path: ends in .npz or .mat. `error_user` (N, K) and `error_eve` (N, L) are variances of every
        antenna's entry around `h_user` and `h_eve`, in units of |h|²; zero where they are missing.
        Instead of them `covariance_user` (N, K, M, M) and `covariance_eve` (N, L, M, M).

    Returns:
      What is known, NumPy arrays, and `noise_power`, of shape () or [N].

    Raises:
      InputError: as `load_channels`; or errors are misshapen, not real, not finite or negative, or
        what is given as a covariance is none.
    """
    arrays = read_arrays(path, Channels._fields, ERRORS)
    errors = {name: arrays.pop(name) for name in ERRORS if name in arrays}
    with naming(path):
        if Path(path).suffix.lower() == ".mat":
            arrays = _undo_matlab(arrays)
        channels = _checked_channels(**arrays)
        for name in errors:
            errors[name] = _native(errors[name])
            if errors[name].size == 0 and channels.h_eve.shape[1] == 0 and name.endswith("eve"):
                del errors[name]  # MATLAB's [] is 0×0
        known = covariance.statistical(channels.h_user, channels.h_eve, **errors)
        return jax.tree.map(np.asarray, known), channels.noise_power


def save_channels(path: str | os.PathLike[str], channels: Channels) -> None:
    """Writes a channel file that `load_channels` reads back, whole or not at all.

    >>> drawn = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 3)
    >>> save_channels("channels.mat", drawn)
    >>> bool((load_channels("channels.mat").h_eve == drawn.h_eve).all())
    True

    Args:
      path: ends in .npz or .mat.
      channels: `h_user` [N, K, M], `h_eve` [N, L, M], `noise_power` () or [N].

    Raises:
      InputError: the file cannot be written, or `load_channels` would refuse it.
    """
    with naming(path):
        arrays = {name: np.asarray(array) for name, array in channels._asdict().items()}
        arrays = _checked_channels(**arrays)._asdict()
    write_arrays(path, arrays)


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
        w, v = _checked_complex("w", w, "(N, M, K)"), _checked_complex("v", v, "(N, M, J)")
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


def _checked_channels(h_user: Any, h_eve: Any, noise_power: Any) -> Channels:
    h_user = _checked_complex("h_user", h_user, "(N, K, M)")
    h_eve = _checked_complex("h_eve", h_eve, "(N, L, M)")
    for axis, what in enumerate(("channel", "user", "antenna")):
        checks.require(
            h_user.shape[axis] > 0,
            f"`h_user` must hold at least one {what}, but has shape {h_user.shape}",
        )
    for axis, what in ((0, "channels N (first axis)"), (2, "antennas M (last axis)")):
        checks.require(
            h_user.shape[axis] == h_eve.shape[axis],
            f"`h_user` and `h_eve` must agree in their number of {what}, "
            f"but have shapes {h_user.shape} and {h_eve.shape}",
        )
    return Channels(h_user, h_eve, _checked_noise_power(noise_power, h_user.shape[0]))


def _checked_complex(name: str, array: np.ndarray, wanted: str) -> Any:
    array = _native(array)
    if array.ndim == 3 and array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.complex64)  # an empty array has no imaginary part to lose
    lost = ": has its imaginary part been lost?" if array.dtype.kind in "fiu" else ""
    checks.require(
        array.dtype in (np.complex64, np.complex128),
        f"`{name}` must be complex64 or complex128, but has dtype {array.dtype}{lost}"
        + (" (MATLAB drops one that is all zero: save complex(h))" if lost else ""),
    )
    checks.require(
        array.ndim == 3, f"`{name}` must have shape {wanted}, but has shape {array.shape}"
    )
    checks.check_finite(name, array)
    return array


def _checked_noise_power(noise_power: np.ndarray, n: int) -> Any:
    checks.require(
        noise_power.dtype.kind in "fiu",
        f"`noise_power` must be real and numeric, but has dtype {noise_power.dtype}",
    )
    checks.require(
        noise_power.size == 1 or noise_power.shape in ((n,), (1, n), (n, 1)),
        f"`noise_power` must be one number or have shape ({n},), one for each channel, "
        f"but has shape {noise_power.shape}",
    )
    # MATLAB knows no vectors: (1, N) and (N, 1) are (N,).
    is_vector = noise_power.shape == (n,) or noise_power.size > 1
    noise_power = _native(noise_power).reshape(n if is_vector else ())
    if noise_power.dtype not in (np.float32, np.float64):
        with np.errstate(over="ignore"):
            noise_power = noise_power.astype(np.float64)
    checks.check_noise_power(noise_power, (n,))
    return noise_power


def _native(array: np.ndarray) -> np.ndarray:
    """The same values in this machine's byte order, the only one that JAX takes."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _undo_matlab(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Gives back the axes that MATLAB drops, where they can be told.

    `[]` is 0×0 and stands for no eavesdroppers. With one antenna the last axis is gone: (N, K) can
    be told from one channel saved as (K, M) by a noise power for each of N > 1 channels.
    """
    h_user, h_eve, noise_power = (arrays[name] for name in Channels._fields)
    if h_user.ndim == 2:
        n = h_user.shape[0]
        one_antenna = n > 1 and noise_power.shape in ((1, n), (n, 1)) and h_eve.ndim == 2
        checks.require(
            one_antenna,
            f"`h_user` must have shape (N, K, M), but has shape {h_user.shape}: save one channel "
            "as reshape(h, 1, K, M), or for one antenna a noise_power for each of the N channels",
        )
        h_user = h_user[..., None]
        h_eve = h_eve[..., None] if h_eve.shape != (0, 0) else h_eve
    if h_eve.shape == (0, 0) and h_user.ndim == 3:
        h_eve = np.zeros((h_user.shape[0], 0, h_user.shape[2]), h_user.dtype)
    return {"h_user": h_user, "h_eve": h_eve, "noise_power": noise_power}

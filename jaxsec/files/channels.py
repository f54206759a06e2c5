"""Channel files: what a user brings.

Shapes: N channels, M antennas, K users, L eavesdroppers. The ending says the format: NumPy .npz,
MATLAB .mat, or HDF5; a folder of .npy files is read too.

| file | holds |
|---|---|
| channels | `h_user` (N, K, M) and `h_eve` (N, L, M), complex; `noise_power`, a number or (N,) |
| of unequal receivers | the same, but `noise_power` (N, K + L), users first; or instead of it |
| | `noise_user` and `noise_eve`, each a number, (K,) or (N, K), and (L,) or (N, L) |
| known in part | the same, now means, and `error_user` (N, K), `error_eve` (N, L), variances; or |
| | instead of either `covariance_user` (N, K, M, M), `covariance_eve` (N, L, M, M), complex |

Files are read strictly: what is not plainly right is an `InputError` naming file and field, and
values come back as they are. Only shapes that MATLAB changes on its own are changed back.
"""

import os
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxsec import checks
from jaxsec.channels import Channels, covariance
from jaxsec.channels.knowledge import Posterior
from jaxsec.channels.noise import receiver_noise
from jaxsec.files import parts
from jaxsec.files.archive import naming, write_arrays
from jaxsec.files.reading import read_arrays

LINKS = ("h_user", "h_eve")
NOISES = ("noise_power", "noise_user", "noise_eve")
"""Receiver noise, the first or the other two."""
ERRORS = ("error_user", "error_eve", "covariance_user", "covariance_eve")
"""Fields that a channel file may have beside the channels."""


def load_channels(path: str | os.PathLike[str]) -> Channels:
    """Reads and checks a channel file.

    >>> drawn = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 3)
    >>> save_channels("channels.npz", drawn)
    >>> load_channels("channels.npz").h_user.shape
    (3, 2, 8)

    Args:
      path: ends in .npz, .mat, .h5 or .hdf5, or is a folder of .npy files.

    Returns:
      NumPy arrays `h_user` [N, K, M] and `h_eve` [N, L, M] in the file's own complex precision,
      and `noise_power`, of shape (), [N] or [N, K + L].

    Raises:
      InputError: the file cannot be read, or a field is missing, misshapen, real, not finite, or
        not positive where it must be.
    """
    arrays = _read(path, ())
    with naming(path):
        return _channels_of(path, arrays)


def load_known(path: str | os.PathLike[str]) -> tuple[Posterior, Any]:
    """Reads and checks a channel file that may also hold the errors of its links.

    >>> drawn = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 3)
    >>> save_channels("channels.npz", drawn)
    >>> bool((load_known("channels.npz")[0].error_user == 0).all())  # holds none: known exactly
    True

    Args:
      path: as of `load_channels`. `error_user` (N, K) and `error_eve` (N, L) are variances of every
        antenna's entry around `h_user` and `h_eve`, in units of |h|²; zero where they are missing.
        Instead of them `covariance_user` (N, K, M, M) and `covariance_eve` (N, L, M, M).

    Returns:
      What is known, NumPy arrays, and `noise_power`, of shape (), [N] or [N, K + L].

    Raises:
      InputError: as `load_channels`; or errors are misshapen, not real, not finite or negative, or
        what is given as a covariance is none.
    """
    arrays = _read(path, ERRORS)
    errors = {name: arrays.pop(name) for name in ERRORS if name in arrays}
    with naming(path):
        channels = _channels_of(path, arrays)
        for name in list(errors):
            errors[name] = native(errors[name])
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
      channels: `h_user` [N, K, M], `h_eve` [N, L, M], `noise_power` (), [N] or [N, K + L].

    Raises:
      InputError: the file cannot be written, or `load_channels` would refuse it.
    """
    with naming(path):
        arrays = {name: np.asarray(array) for name, array in channels._asdict().items()}
        arrays = _checked_channels(**arrays)._asdict()
    write_arrays(path, arrays)


def _read(path: str | os.PathLike[str], optional: tuple[str, ...]) -> dict[str, np.ndarray]:
    arrays = read_arrays(path, LINKS, (*NOISES, *optional))
    if not any(name in arrays for name in NOISES):
        read_arrays(path, NOISES[:1])  # says what is there instead
    return arrays


def _channels_of(path: str | os.PathLike[str], arrays: dict[str, np.ndarray]) -> Channels:
    """The channels of a file's fields, whichever way it holds the noise."""
    apart = [name for name in NOISES[1:] if name in arrays]
    checks.require(
        len(apart) != 1, f"`{''.join(apart)}` is alone: `noise_user` and `noise_eve` go together"
    )
    checks.require(
        not apart or "noise_power" not in arrays,
        "`noise_power` must be left out where `noise_user` and `noise_eve` are given",
    )
    if Path(path).suffix.lower() == ".mat":
        arrays = _undo_matlab(arrays)
    if not apart:
        return _checked_channels(**arrays)
    h_user, h_eve = _checked_links(arrays["h_user"], arrays["h_eve"])
    noises = [_checked_noise(name, arrays[name]) for name in NOISES[1:]]
    noises = [
        np.zeros(0) if not h.shape[1] and not x.size else x
        for h, x in zip((h_user, h_eve), noises, strict=True)  # MATLAB's [] is 0×0
    ]
    noise_power: Any = receiver_noise(h_user, h_eve, *noises).noise_power
    return _checked_channels(h_user, h_eve, noise_power)


def _checked_channels(h_user: Any, h_eve: Any, noise_power: Any) -> Channels:
    h_user, h_eve = _checked_links(h_user, h_eve)
    return Channels(h_user, h_eve, _checked_noise_power(noise_power, h_user, h_eve))


def _checked_links(h_user: Any, h_eve: Any) -> tuple[Any, Any]:
    h_user = checked_complex("h_user", h_user, "(N, K, M)")
    h_eve = checked_complex("h_eve", h_eve, "(N, L, M)")
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
    return h_user, h_eve


def checked_complex(name: str, array: np.ndarray, wanted: str) -> Any:
    """A field of three axes, complex and finite, in this machine's byte order."""
    array = native(array)
    if array.ndim == 3 and array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.complex64)  # an empty array has no imaginary part to lose
    checks.require(
        array.dtype in (np.complex64, np.complex128),
        f"`{name}` must be complex64 or complex128, but has dtype {array.dtype}"
        + _complex_hint(array),
    )
    checks.require(
        array.ndim == 3, f"`{name}` must have shape {wanted}, but has shape {array.shape}"
    )
    checks.check_finite(name, array)
    return array


def _complex_hint(array: np.ndarray) -> str:
    """How an array that is not complex may have come about, and what to do."""
    if parts.is_compound(array):
        fields = [array.dtype[field] for field in array.dtype.names or ()]
        single = all(field == np.float32 for field in fields)
        kind = "np.complex64" if single else "np.complex128"
        return f": pairs of real and imaginary parts, save h.view({kind}), or use `jaxsec convert`"
    if array.dtype.kind not in "fiu":
        return ""
    if array.ndim == 4 and array.shape[-1] == 2:
        return (
            f" and shape {array.shape}: if its last axis holds real and imaginary parts, save "
            "h[..., 0] + 1j * h[..., 1], or use `jaxsec convert` with its axis C"
        )
    return (
        ": has its imaginary part been lost? (MATLAB drops one that is all zero: save complex(h))"
    )


def _checked_noise_power(noise_power: np.ndarray, h_user: np.ndarray, h_eve: np.ndarray) -> Any:
    noise_power = _checked_noise("noise_power", noise_power)
    n, num_users = h_user.shape[:2]
    each = (n, num_users + h_eve.shape[1])
    shape = noise_power.shape
    checks.require(
        noise_power.size == 1 or shape in ((n,), (1, n), (n, 1), each),
        f"`noise_power` must be one number or have shape ({n},), one for each channel, or {each}, "
        f"one for each receiver, but has shape {shape}" + checks.noise_hint(shape, (n,), num_users),
    )
    # MATLAB knows no vectors: (1, N) and (N, 1) are (N,).
    if noise_power.size == 1:
        noise_power = noise_power.reshape(shape if shape == (n,) else ())
    elif shape in ((1, n), (n, 1)):
        noise_power = noise_power.reshape(n)
    checks.check_noise_power(noise_power, (n,), *(h.shape[1] for h in (h_user, h_eve)))
    return noise_power


def _checked_noise(name: str, noise: np.ndarray) -> Any:
    """Real, in this machine's byte order, of single or double precision."""
    checks.require(
        noise.dtype.kind in "fiu", f"`{name}` must be real and numeric, but has dtype {noise.dtype}"
    )
    noise = native(noise)
    if noise.dtype not in (np.float32, np.float64):
        with np.errstate(over="ignore"):
            noise = noise.astype(np.float64)
    return noise


def native(array: np.ndarray) -> np.ndarray:
    """The same values in this machine's byte order, the only one that JAX takes."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _undo_matlab(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Gives back the axes that MATLAB drops, where they can be told.

    `[]` is 0×0 and stands for no eavesdroppers. With one antenna the last axis is gone: (N, K) can
    be told from one channel saved as (K, M) by a noise power for each of N > 1 channels.
    """
    h_user, h_eve = arrays["h_user"], arrays["h_eve"]
    if h_user.ndim == 2:
        n = h_user.shape[0]
        vector = arrays.get("noise_power", np.zeros(0)).shape in ((1, n), (n, 1))
        checks.require(
            n > 1 and vector and h_eve.ndim == 2,
            f"`h_user` must have shape (N, K, M), but has shape {h_user.shape}: save one channel "
            "of K x M as reshape(h, 1, K, M), one of M x K as reshape(h.', 1, K, M) (h' would "
            "conjugate), or for one antenna a noise_power for each of the N channels",
        )
        h_user = h_user[..., None]
        h_eve = h_eve[..., None] if h_eve.shape != (0, 0) else h_eve
    if h_eve.shape == (0, 0) and h_user.ndim == 3:
        h_eve = np.zeros((h_user.shape[0], 0, h_user.shape[2]), h_user.dtype)
    return {**arrays, "h_user": h_user, "h_eve": h_eve}

"""Channels over the receiver noise, done once, before anything is designed.

Rates and designs depend on h/√noise_power alone. |h|² of about 1e-7 and noise of about 1e-12 leave
little of float32's range, and a user's units may leave none: the division is done in float64.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from jaxsec import checks
from jaxsec.channels.knowledge import Posterior
from jaxsec.channels.noise import by_rows
from jaxsec.channels.scenario import Channels

MAX_SNR = 1e30
"""Largest |h|²/noise_power that `normalise` lets through: sums and products of it fit float32."""


def normalise(channels: Channels) -> Channels:
    """The same channels over the noise amplitude, with noise power 1.

    Complex64, or complex128 where that is enabled and given. Entries below the smallest of that
    precision (1e-38 in complex64) become zero, as does their rate.

    Args:
      channels: concrete, checked arrays, `h_user` [..., K, M], `h_eve` [..., L, M], and
        `noise_power`, one number, [...], or [..., K + L], one for each receiver.

    Returns:
      NumPy arrays, `noise_power` [...].

    Raises:
      InputError: |h|²/noise_power is above `MAX_SNR` somewhere.
    """
    noise_user, noise_eve = by_rows(*channels)
    h_user = over_noise("h_user", channels.h_user, noise_user)
    h_eve = over_noise("h_eve", channels.h_eve, noise_eve)
    return Channels(h_user, h_eve, np.ones(h_user.shape[:-2], h_user.real.dtype))


class Errors(NamedTuple):
    """What a `Posterior` holds beside the means, over the noise."""

    error_user: Any
    error_eve: Any
    root_user: Any
    root_eve: Any


def errors_over_noise(known: Posterior, noise_power: Any) -> Errors:
    """How far off channels may be, over the noise, as `normalise` has the channels themselves.

    Args:
      known: concrete, checked arrays; errors are variances in units of |h|².
      noise_power: one number, [...] or [..., K + L].

    Returns:
      NumPy arrays; None for roots that there are not.

    Raises:
      InputError: an error over the noise is above `MAX_SNR` somewhere.
    """
    noises = by_rows(known.h_user, known.h_eve, np.asarray(noise_power, np.float64))

    def error_over_noise(error: Any, noise: Any) -> Any:
        dtype = jax.dtypes.canonicalize_dtype(error.dtype)
        return (np.asarray(error, np.float64) / noise).astype(dtype)

    def root_over_noise(name: str, root: Any, noise: Any) -> Any:
        if root is None:
            return None
        rows = np.reshape(root, (*root.shape[:-3], -1, root.shape[-1]))
        if noise.ndim and noise.shape[-1] > 1:
            noise = np.repeat(noise, root.shape[-2], axis=-1)
        return over_noise(name, rows, noise).reshape(root.shape)

    return Errors(
        error_over_noise(known.error_user, noises[0]),
        error_over_noise(known.error_eve, noises[1]),
        root_over_noise("covariance_user", known.root_user, noises[0]),
        root_over_noise("covariance_eve", known.root_eve, noises[1]),
    )


def over_noise(name: str, h: Any, noise_power: Any, max_snr: float = MAX_SNR) -> Any:
    """Concrete channels [..., R, M] over the noise amplitude of their rows, NumPy's.

    Args:
      name: of the argument, for the message.
      h: [..., R, M].
      noise_power: one number, [..., 1] or [..., R].
      max_snr: largest square of an entry that is let through.

    Raises:
      InputError: the square of an entry is above `max_snr`.
    """
    h = np.asarray(h)
    # Real and imaginary parts side by side: a complex division could overflow on the way.
    parts = np.ascontiguousarray(h).view(h.real.dtype)  # [..., R, 2M]
    with np.errstate(over="ignore", under="ignore"):
        parts = parts / np.sqrt(np.asarray(noise_power, np.float64))[..., None]
        peak = max(np.max(parts, initial=0.0), -np.min(parts, initial=0.0))
        if not peak**2 <= max_snr:
            _refuse(name, parts, max_snr)
        return parts.view(np.complex128).astype(jax.dtypes.canonicalize_dtype(h.dtype))


def _refuse(name: str, parts: np.ndarray, max_snr: float) -> None:
    snr = np.square(np.max(np.abs(parts), axis=(-2, -1), initial=0.0))
    worst = np.unravel_index(np.argmax(snr), snr.shape)
    where = f" at channel {', '.join(str(i) for i in worst)}" if worst else ""
    raise checks.InputError(
        f"`{name}`: |h|²/noise_power is {snr[worst]:.3g}{where}, "
        f"above the largest allowed {max_snr:.0e}: are both in the same linear units?"
    )

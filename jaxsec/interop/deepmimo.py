"""Channels of DeepMIMO 4: `dataset.channel`, [receivers, their antennas, antennas, subcarriers]."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.interop.arrays import from_arrays
from jaxsec.interop.indices import Indices
from jaxsec.interop.receivers import Draws

AXES = "K R M F"
"""Receivers, their antennas, antennas of the base station, subcarriers; then times, if several."""


def from_deepmimo(
    channel: Any,
    *,
    noise_power: Any,
    take: Mapping[str, Indices] | None = None,
    users: Indices | None = None,
    eavesdroppers: Indices | None = None,
    draws: Draws | None = None,
) -> Channels:
    """Channels out of a DeepMIMO dataset whose channels have been computed in frequency.

    Conjugated, since DeepMIMO's receivers hear hᵀw and this library's hᴴw. Receivers without a
    path are blank there: `Draws(..., skip_blank=True)` leaves them out.

    >>> channel = np.ones((7, 1, 8, 64), complex)  # dataset.channel
    >>> draws = jaxsec.interop.Draws(100, num_users=2, num_eavesdroppers=3)
    >>> found = from_deepmimo(channel, noise_power=1e-9, take={"F": 0}, draws=draws)
    >>> found.h_user.shape, found.h_eve.shape
    ((100, 2, 8), (100, 3, 8))

    Args:
      channel: [receivers, receive antennas, antennas, subcarriers], or with times behind these.
      noise_power: σ0²/P in units of |h|², one number, [N] or [N, K + L].
      take: entries of axes that are longer than one, by name: R receive antennas, F subcarriers, T
        times, as {"F": 0}; several, as {"F": "0:8"}, are that many channels.
      users: receivers that are users, as [0, 3] or "0,3,5:9".
      eavesdroppers: receivers that eavesdrop.
      draws: instead of those two, users and eavesdroppers drawn at random.

    Returns:
      NumPy arrays `h_user` [N, K, M], `h_eve` [N, L, M], and `noise_power`.

    Raises:
      InputError: the channel has other axes, or axes, indices or values do not fit.
    """
    array = np.asarray(channel)
    checks.require(
        array.ndim in (4, 5),
        "`channel` must have shape [receivers, receive antennas, antennas, subcarriers], or times "
        f"behind these, but has shape {array.shape}",
    )
    return from_arrays(
        array,
        noise_power=noise_power,
        axes=AXES if array.ndim == 4 else f"{AXES} T",
        take=take,
        conjugate=True,
        users=users,
        eavesdroppers=eavesdroppers,
        draws=draws,
    )

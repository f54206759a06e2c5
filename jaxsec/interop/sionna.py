"""Channels of Sionna: frequency responses of its ray tracer, and of its other channel models.

Sionna RT's `paths.cfr(...)` is [receivers, receive antennas, base stations, antennas, times,
frequencies], an array or, by default, a pair of real and imaginary part; other models of Sionna
have a batch axis before these. `paths.cir(...)` has paths in the place of frequencies, and
`paths.a` lacks the phase of the distance: neither is a frequency response.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.files import parts
from jaxsec.interop.arrays import from_arrays
from jaxsec.interop.indices import Indices
from jaxsec.interop.receivers import Draws

AXES = "K R B M T F"
"""Receivers, their antennas, base stations, their antennas, times, frequencies."""
CARRIER = {"frequencies": [0.0], "normalize_delays": False, "out_type": "numpy"}
"""What a ray tracer's paths are asked for: the response at the carrier."""


def from_sionna(
    response: Any,
    *,
    noise_power: Any,
    take: Mapping[str, Indices] | None = None,
    users: Indices | None = None,
    eavesdroppers: Indices | None = None,
    draws: Draws | None = None,
) -> Channels:
    """Channels out of Sionna's paths, or out of a frequency response of Sionna.

    Conjugated, since Sionna receives hᵀw and this library hᴴw.

    >>> response = np.ones((7, 1, 1, 4, 1, 1), complex)  # paths.cfr(frequencies=[0.0], ...)
    >>> found = from_sionna(response, noise_power=1e-9, users=[0, 3], eavesdroppers="4:7")
    >>> found.h_user.shape, found.h_eve.shape
    ((1, 2, 4), (1, 3, 4))

    Args:
      response: `Paths` of Sionna RT, which are asked for their response at the carrier; or
        [receivers, receive antennas, base stations, antennas, times, frequencies], with a batch
        axis before them or without, complex or a pair of real and imaginary part, of any library
        whose arrays NumPy can read.
      noise_power: σ0²/P in units of |h|², one number, [N] or [N, K + L].
      take: entries of axes that are longer than one, by name: R receive antennas, B base stations,
        T times, F frequencies, as {"F": 0}; several, as {"T": ":"}, are that many channels.
      users: receivers that are users, as [0, 3] or "0,3,5:9".
      eavesdroppers: receivers that eavesdrop.
      draws: instead of those two, users and eavesdroppers drawn at random.

    Returns:
      NumPy arrays `h_user` [N, K, M], `h_eve` [N, L, M], and `noise_power`.

    Raises:
      InputError: the response has other axes, or axes, indices or values do not fit.
    """
    if hasattr(response, "cfr"):
        response = response.cfr(**CARRIER)
    if isinstance(response, tuple | list) and len(response) == 2:
        response = parts.from_pair("response", *(np.asarray(part) for part in response))
    array = np.asarray(response)
    checks.require(
        array.ndim in (6, 7),
        "`response` must have shape [receivers, receive antennas, base stations, antennas, times, "
        f"frequencies], or a batch axis before these, but has shape {array.shape}",
    )
    return from_arrays(
        array,
        noise_power=noise_power,
        axes=AXES if array.ndim == 6 else f"N {AXES}",
        take=take,
        conjugate=True,
        users=users,
        eavesdroppers=eavesdroppers,
        draws=draws,
    )

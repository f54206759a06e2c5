"""Secrecy rates in double precision, in plain NumPy: the judge of what float32 has designed.

Written apart from `jaxsec.secrecy`, so that a design is not judged by the code that made it.
"""

from typing import Any

import numpy as np

from jaxsec.channels import Channels
from jaxsec.strategy import Strategy


def secrecy_rates(strategy: Strategy, channels: Channels) -> np.ndarray:
    """R_k^sec of P1 (5) in float64, bit/s/Hz.

    Args:
      strategy: w [N, M, K], v [N, M, J].
      channels: `h_user` [N, K, M], `h_eve` [N, L, M], `noise_power` () or [N], of any precision.

    Returns:
      [N, K].
    """
    user_sinr = _sinr(strategy, channels.h_user, channels.noise_power)  # [N, K, K]
    eve_sinr = _sinr(strategy, channels.h_eve, channels.noise_power)  # [N, L, K]
    user = np.log1p(np.diagonal(user_sinr, axis1=1, axis2=2))
    wiretap = np.log1p(np.max(eve_sinr, axis=1, initial=0.0))
    return np.maximum(user - wiretap, 0.0) / np.log(2.0)


def _sinr(strategy: Strategy, h: Any, noise_power: Any) -> np.ndarray:
    """At [n, r, k]: SINR of beam k at receiver r."""
    amplitude = np.sqrt(np.asarray(noise_power, np.float64))[..., None, None]
    h = np.asarray(h, np.complex128) / amplitude
    beams = np.abs(h.conj() @ np.asarray(strategy.w, np.complex128)) ** 2  # [N, R, K]
    noise = np.sum(np.abs(h.conj() @ np.asarray(strategy.v, np.complex128)) ** 2, axis=-1)
    # Interference is a sum over the other beams: total minus signal would cancel.
    others = beams @ (1.0 - np.eye(beams.shape[-1]))
    return beams / (others + noise[..., None] + 1.0)

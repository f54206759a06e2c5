"""What was understood of someone's channels, in numbers that they can check."""

from typing import Any

import numpy as np

from jaxsec.channels import Channels
from jaxsec.channels.noise import by_rows


def describe(channels: Channels) -> dict[str, str]:
    """Lines by their headings.

    Args:
      channels: `h_user` [N, K, M], `h_eve` [N, L, M], `noise_power` of any of its shapes, as
        `from_arrays` gives them.
    """
    h_user, h_eve = (np.asarray(h, np.complex128) for h in channels[:2])
    (n, k, m), l = h_user.shape, h_eve.shape[1]
    noises = by_rows(h_user, h_eve, np.asarray(channels.noise_power, np.float64))
    lines = {
        "channels": f"N = {n}, M = {m} antennas, K = {k} users, L = {l} eavesdroppers",
        "first entries": f"h_user[0, 0, :] = {_entries(h_user)}",
    }
    for name, h, noise in zip(("users", "eavesdroppers"), (h_user, h_eve), noises, strict=True):
        if not h.size:
            continue
        gain = np.mean(np.abs(h) ** 2, axis=-1)  # [N, R], of an antenna
        lines[name] = f"mean gain {_db(gain.mean()):.1f} dB, SNR an antenna {_range(gain / noise)}"
    pairs = {"user, eavesdropper": (h_user, h_eve), "user, user": (h_user, h_user)}
    for name, (left, right) in pairs.items():
        found = correlation(left, right, itself=left is right)
        if found.size:
            lines[name] = (
                f"correlation |hᴴg|²/(‖h‖²‖g‖²): median {np.median(found):.3f}, largest "
                f"{found.max():.3f} (of unrelated ones about 1/M = {1 / m:.3f})"
            )
    return lines


def correlation(left: np.ndarray, right: np.ndarray, *, itself: bool = False) -> np.ndarray:
    """|hᴴg|²/(‖h‖²‖g‖²) of all pairs that are not blank, once each where both lists are one.

    Args:
      left: [N, R, M].
      right: [N, S, M].
      itself: whether both are the same.
    """
    power = (
        np.sum(np.abs(left) ** 2, axis=-1)[..., None] * np.sum(np.abs(right) ** 2, axis=-1)[:, None]
    )  # [N, R, S]
    heard = np.abs(left.conj() @ np.swapaxes(right, -1, -2)) ** 2
    there = power > 0
    if itself:
        there &= np.triu(np.ones(power.shape[1:], bool), 1)
    return heard[there] / power[there]


def _db(ratio: Any) -> Any:
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(ratio)


def _range(snr: np.ndarray) -> str:
    heard = _db(snr[snr > 0])
    if not heard.size:
        return "none, all are blank"
    return f"{np.median(heard):.1f} dB (median; {heard.min():.1f} to {heard.max():.1f})"


def _entries(h_user: np.ndarray) -> str:
    shown = [f"{x:.4g}" for x in h_user[0, 0, :3]]
    return ", ".join(shown) + (", …" * (h_user.shape[-1] > 3))

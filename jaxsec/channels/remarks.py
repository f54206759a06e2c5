"""What is legal about channels but seldom meant: receivers that hear nothing, or the same."""

from typing import Any

import numpy as np

from jaxsec.channels.scenario import Channels


def remarks(channels: Channels) -> list[str]:
    """A line for each kind of oddity, with its number and where it is first; none as a rule.

    Args:
      channels: concrete, `h_user` [N, K, M], `h_eve` [N, L, M], `noise_power` of any of its shapes.
    """
    h_user, h_eve = (np.asarray(h) for h in channels[:2])
    lines = []
    for name, h in (("h_user", h_user), ("h_eve", h_eve)):
        blank = ~np.any(h != 0, axis=-1)
        lines += _line(f"of {blank.size} receivers in `{name}` are blank (all zero)", blank)
    rows = np.concatenate([h_user, h_eve], axis=1)
    again = repeated_receivers(rows)
    lines += _line(
        f"of {again.size} receivers are exact duplicates of another in their channel, users "
        "counted first",
        again,
    )
    lines += _line(f"of {len(rows)} channels are exact duplicates of an earlier", _repeated(rows))
    n, num_users = h_user.shape[:2]
    if np.shape(channels.noise_power) == (n,) == (num_users,) and np.ptp(channels.noise_power) > 0:
        lines.append(
            f"`noise_power` of shape ({n},) is one for each channel; one for each of the "
            f"{num_users} users is `noise_user`"
        )
    return lines


def repeated_receivers(rows: np.ndarray) -> np.ndarray:
    """Of receivers [N, R, M]: which, not blank, equal an earlier one of their channel, [N, R]."""
    again = np.zeros(rows.shape[:2], bool)
    for r in range(1, rows.shape[1]):
        # Nearly all differ at the first antenna: only the others are compared in full.
        alike = rows[:, :r, 0] == rows[:, r : r + 1, 0]
        n, earlier = np.nonzero(alike)
        same = np.all(rows[n, earlier] == rows[n, r], axis=-1) & np.any(rows[n, r] != 0, axis=-1)
        again[n[same], r] = True
    return again


def _repeated(rows: np.ndarray) -> np.ndarray:
    """Whether a channel [N, R, M] equals an earlier one, [N]."""
    again = np.zeros(len(rows), bool)
    order = np.argsort(rows[:, 0, 0], kind="stable")
    entry = rows[order, 0, 0]
    alike = np.flatnonzero(entry[1:] == entry[:-1])
    seen: set[bytes] = set()
    # As above: few channels share their first entry.
    for n in sorted({*order[alike].tolist(), *order[alike + 1].tolist()}):
        key = (rows[n] + 0.0).tobytes()  # −0 is 0
        again[n] = key in seen and bool(np.any(rows[n] != 0))
        seen.add(key)
    return again


def _line(text: str, found: Any) -> list[str]:
    if not found.any():
        return []
    first = ", ".join(str(i) for i in np.argwhere(found)[0])
    return [f"{int(found.sum())} {text}, the first at index ({first})"]

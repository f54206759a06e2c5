"""Users and eavesdroppers out of one list of receivers: named, or drawn at random."""

from typing import NamedTuple

import numpy as np

from jaxsec import checks, keys
from jaxsec.interop.indices import Indices, resolve


class Draws(NamedTuple):
    """Receivers that are drawn at random, others for every channel."""

    num_channels: int
    """N, how often."""
    num_users: int
    """K, users of each draw."""
    num_eavesdroppers: int
    """L, eavesdroppers of each draw."""
    seed: int = 0
    """Same seed, same draws."""
    skip_blank: bool = False
    """Leave out receivers whose channels are zero."""


def chosen(rows: np.ndarray, users: Indices, eves: Indices) -> tuple[np.ndarray, np.ndarray]:
    """Named receivers of every channel.

    Args:
      rows: all receivers, [N, R, M].
      users: which are users.
      eves: which are eavesdroppers; none may be a user.

    Returns:
      [N, K, M] and [N, L, M].

    Raises:
      InputError: an index is malformed or outside, or a receiver is both.
    """
    user = resolve("users", users, rows.shape[1])
    eve = resolve("eavesdroppers", eves, rows.shape[1])
    both = np.intersect1d(user, eve)
    if both.size:
        raise checks.InputError(
            f"`users` and `eavesdroppers` must not share receivers, but have {both[0]} in common"
        )
    return rows[:, user], rows[:, eve]


def drawn(rows: np.ndarray, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Receivers at random: of each draw one channel, all alike, and K + L of its receivers.

    Args:
      rows: all receivers, [N, R, M].
      draws: how many, and their seed.

    Returns:
      [draws, K, M] and [draws, L, M].

    Raises:
      InputError: a number is out of its range, or a channel has too few receivers.
    """
    checks.check_at_least("num_channels", draws.num_channels, 1)
    checks.check_at_least("num_users", draws.num_users, 1)
    checks.check_at_least("num_eavesdroppers", draws.num_eavesdroppers, 0)
    wanted = draws.num_users + draws.num_eavesdroppers
    there = np.any(rows != 0, axis=-1) | (not draws.skip_blank)  # [N, R]
    fewest = int(there.sum(axis=1).min(initial=rows.shape[1]))
    checks.require(
        fewest >= wanted,
        f"`num_users` and `num_eavesdroppers` must be at most {fewest} together, the receivers "
        f"{'that are not blank ' if draws.skip_blank else ''}of a channel, but are {wanted}",
    )
    generator = keys.generator(draws.seed, "interop/receivers")
    channel = generator.integers(rows.shape[0], size=draws.num_channels)
    receiver = np.stack(
        [generator.choice(np.flatnonzero(there[n]), wanted, replace=False) for n in channel]
    )
    found = rows[channel[:, None], receiver]
    return found[:, : draws.num_users], found[:, draws.num_users :]

"""Arrays of any program as channels: axes by name, receivers by choice."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsec import checks
from jaxsec.channels import Channels, receiver_noise
from jaxsec.interop.indices import Indices
from jaxsec.interop.layout import Layout
from jaxsec.interop.receivers import Draws, chosen, drawn


def from_arrays(
    h: Any,
    h_eve: Any = None,
    *,
    noise_power: Any = None,
    noise_user: Any = None,
    noise_eve: Any = None,
    axes: str = "N K M",
    eve_axes: str | None = None,
    take: Mapping[str, Indices] | None = None,
    conjugate: bool = False,
    users: Indices | None = None,
    eavesdroppers: Indices | None = None,
    draws: Draws | None = None,
) -> Channels:
    """Channels out of arrays whose axes come in any order.

    >>> h = np.ones((4, 7, 1, 64), complex)  # antennas, receivers, receive antennas, subcarriers
    >>> names, first = "M K R F", {"F": 0}
    >>> found = from_arrays(h, axes=names, take=first, users="0,3", eavesdroppers="4:7",
    ...                     noise_power=1e-9, conjugate=True)
    >>> found.h_user.shape, found.h_eve.shape
    ((1, 2, 4), (1, 3, 4))

    Args:
      h: channels of the users, or of all receivers where `users` or `draws` chooses among them.
        Complex, of pairs (real, imag), or real with an axis C of both parts.
      h_eve: channels of the eavesdroppers, where they are an array of their own.
      noise_power: σ0²/P in units of |h|², one number, [N] or [N, K + L].
      noise_user: instead of it, the noise of users, [N, K] or what broadcasts to it.
      noise_eve: the same of eavesdroppers, [N, L].
      axes: names of the axes in order: N channels, K receivers, M antennas, C real and imaginary
        part; one that is not named has length one. Any other name is an axis to `take` from.
      eve_axes: of `h_eve`, where they differ; K are the eavesdroppers there.
      take: entries of axes by name, as {"F": 0} or {"F": "0:8"}. Of axes other than N, K and M
        several entries are that many channels.
      conjugate: received amplitudes are hᵀw there; here they are hᴴw.
      users: receivers that are users, as [0, 3] or "0,3,5:9".
      eavesdroppers: receivers that eavesdrop.
      draws: instead of those two, users and eavesdroppers drawn at random.

    Returns:
      NumPy arrays `h_user` [N, K, M], `h_eve` [N, L, M], and `noise_power`.

    Raises:
      InputError: axes, indices, shapes or values do not fit, or arguments exclude each other.
    """
    by_index = users is not None or eavesdroppers is not None
    ways = {"h_eve": h_eve is not None, "users": by_index, "draws": draws is not None}
    given = [f"`{name}`" for name, is_given in ways.items() if is_given]
    checks.require(len(given) <= 1, f"{' and '.join(given)} exclude each other: give one")
    checks.require(eavesdroppers is None or users is not None, "`users` is missing")
    checks.require(
        eve_axes is None or h_eve is not None, "`eve_axes` must be left out without `h_eve`"
    )
    rows = Layout(axes, take or {}, conjugate).rows("h", h)
    if h_eve is not None:
        eve_axes = eve_axes or axes
        own = {name: x for name, x in (take or {}).items() if name in eve_axes.split()}
        own.pop("K", None)  # of the receivers, who are others there
        h_user, h_eve = rows, Layout(eve_axes, own, conjugate).rows("h_eve", h_eve)
    elif draws is not None:
        h_user, h_eve = drawn(rows, draws)
    elif users is not None:
        h_user, h_eve = chosen(rows, users, [] if eavesdroppers is None else eavesdroppers)
    else:
        h_user, h_eve = rows, rows[:, :0]
    return _with_noise(h_user, h_eve, noise_power, noise_user, noise_eve)


def _with_noise(h_user: Any, h_eve: Any, noise_power: Any, user: Any, eve: Any) -> Channels:
    checks.require(
        h_user.shape[0] == h_eve.shape[0],
        f"users and eavesdroppers must agree in their number of channels N, but have "
        f"{h_user.shape[0]} and {h_eve.shape[0]}",
    )
    checks.check_channels(h_user, h_eve)
    checks.require(
        (user is None) == (eve is None), "`noise_user` and `noise_eve` must be given together"
    )
    checks.require(
        (noise_power is None) != (user is None),
        "`noise_power`, or `noise_user` and `noise_eve`, must be given",
    )
    if user is not None:
        noise_power = receiver_noise(h_user, h_eve, user, eve).noise_power
    noise_power = np.asarray(noise_power)
    checks.check_noise_power(noise_power, h_user.shape[:1], h_user.shape[1], h_eve.shape[1])
    return Channels(h_user, h_eve, noise_power)

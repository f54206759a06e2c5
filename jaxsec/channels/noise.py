"""Receiver noise: one number, one for each channel, or one for each receiver.

Rates and designs depend on h/√noise alone. Where receivers differ, the rows of their channels are
divided by their own amplitude, which is exact, and the noise is 1 from there on.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.channels.scenario import Channels
from jaxsec.shapes import AnyArray, lift


def receiver_noise(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_user: Float[ArrayLike, "..."],
    noise_eve: Float[ArrayLike, "..."],
) -> Channels:
    """Channels whose receivers have noise of their own: `noise_power` [..., K + L], users first.

    >>> h, g = jnp.array([[1.0, 0.0]], complex), jnp.array([[0.6, 0.8]], complex)
    >>> channels = receiver_noise(h, g, 0.1, 0.4)
    >>> [round(float(x), 1) for x in channels.noise_power]
    [0.1, 0.4]

    Args:
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_user: σ0²/P at each user in units of |h|², [..., K] or what broadcasts to it, as (K,)
        for all channels or a number.
      noise_eve: the same at each eavesdropper, [..., L].

    Returns:
      The channels, which rates and designs take as they take others.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    checks.check_channels(h_user, h_eve)
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2])
    parts = []
    for name, noise, h in (("noise_user", noise_user, h_user), ("noise_eve", noise_eve, h_eve)):
        array: Any = noise if hasattr(noise, "dtype") else np.asarray(noise)
        wanted = (*batch, h.shape[-2])
        checks.check_broadcasts(name, array, wanted)
        of: Any = np if isinstance(array, np.ndarray | np.generic) else jnp
        parts.append(of.broadcast_to(array, wanted))
    both = np if all(isinstance(x, np.ndarray) for x in parts) else jnp
    return Channels(h_user, h_eve, both.concatenate(parts, axis=-1))


def has_receiver_noise(h_user: Any, h_eve: Any, noise_power: Any) -> bool:
    """Whether `noise_power` has an axis of K + L receivers beyond the channels' batch axes."""
    shape = np.shape(noise_power)
    if len(shape) != max(np.ndim(h_user), np.ndim(h_eve)) - 1:
        return False
    return shape[-1] == np.shape(h_user)[-2] + np.shape(h_eve)[-2]


def by_rows(h_user: Any, h_eve: Any, noise_power: Any) -> tuple[Any, Any]:
    """Noise of the users' rows and of the eavesdroppers': [..., 1], or [..., K] and [..., L]."""
    if not has_receiver_noise(h_user, h_eve, noise_power):
        rows = noise_power[..., None] if np.ndim(noise_power) else noise_power
        return rows, rows
    num_users = np.shape(h_user)[-2]
    return noise_power[..., :num_users], noise_power[..., num_users:]


def whiten(channels: Channels) -> Channels:
    """Rows over the amplitude of their own noise; channels of one noise are left as they are.

    Traced or not, in the precision of the channels. `normalise` does the same in float64.

    Args:
      channels: `h_user` [..., K, M], `h_eve` [..., L, M], `noise_power` a scalar, [...] or
        [..., K + L].

    Returns:
      Channels with noise power 1 where it was one for each receiver.
    """
    if not has_receiver_noise(*channels):
        return channels
    noise_user, noise_eve = by_rows(*channels)
    one: Any = 1.0
    return Channels(_over(channels.h_user, noise_user), _over(channels.h_eve, noise_eve), one)


def _over(h: Any, noise: Any) -> Array:
    h = jnp.asarray(h)
    scale = (1.0 / jnp.sqrt(jnp.asarray(noise, h.real.dtype)))[..., None]
    ndim = max(h.ndim, scale.ndim)
    return lift(h, ndim) * lift(scale, ndim)

"""Secrecy rates of users served by access points that jam for each other, P2, Section V-B.

Shapes: A access points, U users, E eavesdroppers; batch dimensions lead. `power` [..., A] in watt,
`gain_user` [..., U, A] and `gain_eve` [..., E, A] in 1/watt: received power over receiver noise for
a watt. User u is served by access point u mod A; the users of one access point take turns, each an
equal share of the time. Access points without a user jam only.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

LN2 = 0.6931471805599453


def serving(num_users: int, num_access_points: int) -> np.ndarray:
    """[U] which access point serves each user."""
    return np.arange(num_users) % num_access_points


def time_shares(num_users: int, num_access_points: int) -> np.ndarray:
    """[U] share of the time in which a user is served."""
    served_by = serving(num_users, num_access_points)
    return (1.0 / np.bincount(served_by, minlength=num_access_points)[served_by]).astype(np.float32)


def sinr(power: Float[Array, "... A"], gain: Float[Array, "... R A"]) -> Float[Array, "... R A"]:
    """Of every access point's signal at every receiver: all other access points are interference.

    Interference is a masked sum: total minus signal would cancel to nothing in float32.
    """
    received = gain * power[..., None, :]
    others = 1.0 - jnp.eye(power.shape[-1], dtype=received.dtype)
    return received / (jnp.matmul(received, others, precision="highest") + 1.0)


def secrecy_rates(
    power: Float[Array, "... A"],
    gain_user: Float[Array, "... U A"],
    gain_eve: Float[Array, "... E A"],
) -> Float[Array, "... U"]:
    """C_s of P2: rate of each user above that of the strongest eavesdropper on its signal, or 0.

    In bit/s/Hz. Differentiable; at or below zero the gradient is zero.
    """
    num_users, num_access_points = gain_user.shape[-2:]
    served_by = serving(num_users, num_access_points)
    own = sinr(power, gain_user)[..., np.arange(num_users), served_by]
    overheard = jnp.max(sinr(power, gain_eve), axis=-2, initial=0.0)[..., served_by]
    difference = (jnp.log1p(own) - jnp.log1p(overheard)) / LN2
    share = jnp.asarray(time_shares(num_users, num_access_points), difference.dtype)
    return jnp.maximum(difference, 0.0) * share.reshape((1,) * (difference.ndim - 1) + (-1,))

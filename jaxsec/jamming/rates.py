"""Secrecy rates of users served by access points that jam for each other, P2, Section V-B.

Shapes: A access points, U users, E eavesdroppers; batch dimensions lead. `power` [..., A] in watt,
`gain_user` [..., U, A] and `gain_eve` [..., E, A] in 1/watt: received power over receiver noise for
a watt. User u is served by access point u mod A; the users of one access point take turns, each an
equal share of the time. Access points without a user jam only.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.compiled import compiled

LN2 = 0.6931471805599453


def serving(num_users: int, num_access_points: int) -> np.ndarray:
    """[U] which access point serves each user."""
    return np.arange(num_users) % num_access_points


def time_shares(num_users: int, num_access_points: int) -> np.ndarray:
    """[U] share of the time in which a user is served."""
    served_by = serving(num_users, num_access_points)
    return (1.0 / np.bincount(served_by, minlength=num_access_points)[served_by]).astype(np.float32)


@compiled()
def secrecy_rates(
    power: Float[Array, "... A"],
    gain_user: Float[Array, "... U A"],
    gain_eve: Float[Array, "... E A"],
) -> Float[Array, "... U"]:
    """C_s of P2: rate of each user above that of the strongest eavesdropper on its signal, or 0.

    In bit/s/Hz. Differentiable; at or below zero the gradient is zero.
    """
    return jnp.maximum(signed_secrecy_rates(power, gain_user, gain_eve), 0.0)


@compiled()
def signed_secrecy_rates(
    power: Float[Array, "... A"],
    gain_user: Float[Array, "... U A"],
    gain_eve: Float[Array, "... E A"],
) -> Float[Array, "... U"]:
    """Rate of each user less that of the strongest eavesdropper on its signal, bit/s/Hz.

    Interference is a masked sum: total minus signal would cancel to nothing in float32.
    """
    num_users, num_access_points = gain_user.shape[-2:]
    served_by = serving(num_users, num_access_points)
    lead = (1,) * (gain_user.ndim - 2)
    own = np.eye(num_access_points, dtype=gain_user.dtype)[served_by]
    own_user = own.reshape(*lead, *own.shape)
    power = power[..., None, :]

    # γ_u = p_s g_us / (1 + Σ_{a≠s} p_a g_ua), s the access point that serves u.
    heard = power * gain_user
    snr_user = jnp.sum(heard * own_user, axis=-1) / (
        jnp.sum(heard * (1.0 - own_user), axis=-1) + 1.0
    )
    # γ_eu, the same at eavesdropper e, and the largest over e.
    heard = power * gain_eve
    jammed = jnp.matmul(heard, 1.0 - own.T, precision="highest")
    snr_eve = heard[..., served_by] / (jammed + 1.0)
    strongest = jnp.max(snr_eve, axis=-2, initial=0.0)

    difference = (jnp.log1p(snr_user) - jnp.log1p(strongest)) / LN2
    share = jnp.asarray(time_shares(num_users, num_access_points), difference.dtype)
    return difference * share.reshape(*lead, -1)

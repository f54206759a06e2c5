"""Secrecy rates of users served by access points that jam for each other, P2, Section V-B.

Shapes: A access points, U users, E eavesdroppers; batch dimensions lead. `power` [..., A] in watt,
`gain_user` [..., U, A] and `gain_eve` [..., E, A] in 1/watt: received power over receiver noise for
a watt. User u is served by access point u mod A; the users of one access point take turns, each an
equal share of the time. Access points without a user jam only.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.batch_last import batch_last, with_batch
from jaxsec.compiled import compiled
from jaxsec.jamming import sums
from jaxsec.precoding.batched import kernels

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
    """Rate of each user less that of the strongest eavesdropper on its signal, bit/s/Hz."""
    lead = jnp.broadcast_shapes(power.shape[:-1], gain_user.shape[:-2], gain_eve.shape[:-2])
    power = jnp.broadcast_to(power, lead + power.shape[-1:])
    gain_user = jnp.broadcast_to(gain_user, lead + gain_user.shape[-2:])
    gain_eve = jnp.broadcast_to(gain_eve, lead + gain_eve.shape[-2:])
    of_all = _signed
    for _ in lead:
        of_all = jax.vmap(of_all)
    return of_all(power, gain_user, gain_eve)


@batch_last
@kernels.no_inline
def _signed(
    power: Float[Array, "A *batch"],
    gain_user: Float[Array, "U A *batch"],
    gain_eve: Float[Array, "E A *batch"],
) -> Float[Array, "U *batch"]:
    """The same with the batch behind."""
    num_users, num_access_points = gain_user.shape[:2]
    served_by = serving(num_users, num_access_points)
    num_batch = power.ndim - 1
    other = (np.arange(num_access_points)[:, None] != served_by).astype(np.float32)
    other = with_batch(other, num_batch)

    # γ_u = p_s g_us / (1 + Σ_{a≠s} p_a g_ua), s the access point that serves u. A masked sum: total
    # minus signal would cancel to nothing in float32.
    heard = power[:, None] * jnp.swapaxes(gain_user, 0, 1)
    snr_user = sums.over_first(heard * (1.0 - other)) / (1.0 + sums.over_first(heard * other))
    # γ_ea, the same at eavesdropper e, and the largest over e.
    heard = power[:, None] * jnp.swapaxes(gain_eve, 0, 1)
    snr_eve = heard / (1.0 + sums.over_others(heard))
    strongest = jnp.max(snr_eve, axis=1, initial=0.0)[served_by]

    difference = (jnp.log1p(snr_user) - jnp.log1p(strongest)) / LN2
    return difference * with_batch(time_shares(num_users, num_access_points), num_batch)

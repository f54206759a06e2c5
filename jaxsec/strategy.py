"""A secrecy strategy, what every designer returns, and its real coordinates of P1 (10)–(17)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from jaxsec import checks
from jaxsec.shapes import AnyArray


class Strategy(NamedTuple):
    """Beams and artificial noise as columns, with ‖w‖² + ‖v‖² ≤ 1 in units of P (P1 (8))."""

    w: Complex[Array, "... M K"]
    v: Complex[Array, "... M J"]


class Size(NamedTuple):
    """Size of a channel."""

    num_antennas: int
    num_users: int
    num_eavesdroppers: int


def pack_real(
    w: Complex[AnyArray, "... M K"], v: Complex[AnyArray, "... M J"]
) -> Float[Array, "... D"]:
    """Real coordinates [Re u; Im u] of a strategy, P1 (10) and (12), D = 2M(K+J)."""
    u = jnp.swapaxes(jnp.concatenate([w, v], axis=-1), -1, -2)
    u = u.reshape(*u.shape[:-2], -1)
    return jnp.concatenate([u.real, u.imag], axis=-1)


def unpack_real(
    z: Float[Array, "... D"], num_antennas: int, num_users: int
) -> tuple[Complex[Array, "... M K"], Complex[Array, "... M J"]]:
    """Beams and noise from the real coordinates of P1 (12), D = 2M(K+J), as in (17).

    Raises:
      InputError: D fits no number of noise beams.
    """
    size = z.shape[-1]
    num_beams, rest = divmod(size, 2 * num_antennas)
    checks.require(
        rest == 0 and num_beams >= num_users,
        f"`z` must have 2M(K+J) real coordinates with M = {num_antennas} and K = {num_users}, "
        f"but has shape {z.shape}",
    )
    u = jax.lax.complex(z[..., : size // 2], z[..., size // 2 :])
    u = jnp.swapaxes(u.reshape(*z.shape[:-1], num_beams, num_antennas), -1, -2)
    return u[..., :num_users], u[..., num_users:]

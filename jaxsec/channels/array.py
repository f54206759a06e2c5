"""What an array of antennas makes of a direction: half-wavelength, in the plane x = 0.

Azimuth is counted from the x axis, the broadside, towards y; elevation from the horizontal plane
upwards (D. Tse and P. Viswanath, Fundamentals of Wireless Communication, 7.2.2).
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from jaxsec.channels.scenario import Antennas
from jaxsec.compiled import compiled
from jaxsec.shapes import lift


@compiled("num_antennas", "array")
def steering_vector(
    azimuth: Float[Array, "..."],
    elevation: Float[Array, "..."],
    num_antennas: int,
    array: Antennas = "linear",
) -> Complex[Array, "... M"]:
    """exp(jπ(c·cos ε·sin φ + r·sin ε)) at column c and row r of the array, entry r·columns + c.

    Args:
      azimuth, elevation: φ and ε, in radians.
      num_antennas: M. A linear array is one row, along y; a planar one has as many rows, along z,
        as the largest divisor of M that is at most √M.
      array: linear or planar.

    Returns:
      [..., M], entries of absolute value 1.
    """
    columns = num_antennas // num_rows(num_antennas, array)
    row, column = jnp.divmod(jnp.arange(num_antennas), columns)
    along_y = (jnp.cos(elevation) * jnp.sin(azimuth))[..., None]
    along_z = jnp.sin(elevation)[..., None]
    ndim = azimuth.ndim + 1
    phase = jnp.pi * (along_y * lift(column, ndim) + along_z * lift(row, ndim))
    return jax.lax.complex(jnp.cos(phase), jnp.sin(phase))


def num_rows(num_antennas: int, array: Antennas) -> int:
    """Rows of the array: 1, or the most that divide the antennas and are no more than columns."""
    if array == "linear":
        return 1
    return max(r for r in range(1, math.isqrt(num_antennas) + 1) if num_antennas % r == 0)


def direction(
    position_m: Float[Array, "... 2"], base_height_m: float | Float[Array, ""]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Azimuth and elevation from the base station to a position, in radians.

    At the origin, where an angle has no gradient, the azimuth is 0; the elevation within 1 m is
    that at 1 m.
    """
    x_m, y_m = position_m[..., 0], position_m[..., 1]
    azimuth = jnp.arctan2(y_m, jnp.where((x_m == 0) & (y_m == 0), 1.0, x_m))
    return azimuth, -jnp.arctan2(base_height_m, distance(position_m))


def distance(position_m: Float[Array, "... 2"]) -> Float[Array, "..."]:
    """Horizontal metres from the base station, 1 within 1 m."""
    return jnp.sqrt(jnp.maximum(jnp.sum(jnp.square(position_m), axis=-1), 1.0))

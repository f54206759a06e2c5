"""Points of the unit circle, as polynomials.

XLA on CPU calls the C library for every sine and cosine, one by one, which takes several times as
long as the rest of a link's fading. Here an angle is counted in turns, so that reducing it to a
quarter is exact.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

QUARTER = np.pi / 2.0
"""In radian."""


def cos_sin(turn: Float[Array, "*any"]) -> tuple[Float[Array, "*any"], Float[Array, "*any"]]:
    """Cosine and sine of 2π·turn for 0 ≤ turn ≤ 1, to 5e-7.

    Taylor series around the middle of each quarter, at most π/4 away, to the eighth power.
    """
    quarter = jnp.minimum(jnp.floor(4.0 * turn), 3.0)
    angle = QUARTER * (4.0 * turn - quarter - 0.5)
    square = angle * angle
    sin = angle * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0)))
    cos = 1.0 - square / 2.0 * (1.0 - square / 12.0 * (1.0 - square / 30.0 * (1.0 - square / 56.0)))
    # From the middle of the quarter to its beginning, which is an eighth of a turn.
    less, more = np.sqrt(0.5) * (cos - sin), np.sqrt(0.5) * (cos + sin)
    second, lower = (quarter == 1.0) | (quarter == 3.0), quarter >= 2.0
    left = (quarter == 1.0) | (quarter == 2.0)
    cos, sin = jnp.where(second, more, less), jnp.where(second, less, more)
    return jnp.where(left, -cos, cos), jnp.where(lower, -sin, sin)

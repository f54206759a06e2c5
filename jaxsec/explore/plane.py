"""The channel of every point of a plane: a direct path, and one by each of a few scatterers.

For a receiver at x, of range ‖x‖, and scatterers at p_s (D. Tse and P. Viswanath, Fundamentals of
Wireless Communication, 7.2 and 7.3)

    h(x) = g(x)/√(1+κ)·[√κ·e(‖x‖)·a(φ(x)) + √(1/S)·Σ_s e(‖p_s‖ + ‖x − p_s‖)·a(φ(p_s))]

with g the amplitude of P1's path loss, κ the Rician factor, e(d) = exp(−j2πd/λ) and a the response
of a linear array: E|h|² = g² at every antenna. Phases turn within a wavelength, far below what a
map can show; maps show the mean power over them, the sum of the paths' powers.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from jaxsec.channels.array import direction, distance, steering_vector
from jaxsec.channels.geometry import large_scale_gain
from jaxsec.channels.scenario import Scenario
from jaxsec.shapes import abs2

WAVELENGTH_M = 0.1
"""λ of 3 GHz."""
NUM_SCATTERERS = 6
RANGE_M = 120.0
"""Side of the plane along x, and half of that along y: what the map shows."""
SEED = 5
"""Of the scatterers' places."""


class Paths(NamedTuple):
    """What of an array's power arrives at R places, path by path, the direct one first."""

    amplitude: Complex[Array, "R P"]
    response: Complex[Array, "R P M"]


def scatterers() -> Float[Array, "S 2"]:
    """Places of the scatterers, metres from the base station at the origin."""
    low, high = jnp.array([0.2, -0.5]), jnp.array([1.0, 0.5])
    return RANGE_M * jax.random.uniform(
        jax.random.key(SEED), (NUM_SCATTERERS, 2), minval=low, maxval=high
    )


def paths_to(positions_m: Float[Array, "R 2"], scenario: Scenario) -> Paths:
    """Paths from the base station to places on the plane.

    Args:
      positions_m: metres from the base station, [R, 2]; broadside is the x axis.
      scenario: antennas, path loss and Rician factor κ.
    """
    places = scatterers()
    direct = distance(positions_m)[:, None]
    beyond = jnp.linalg.norm(positions_m[:, None] - places[None], axis=-1)
    length = jnp.concatenate([direct, distance(places)[None] + beyond], axis=1)
    kappa = scenario.rician_factor
    share = jnp.concatenate(
        [jnp.full((1,), kappa), jnp.full(NUM_SCATTERERS, 1.0 / NUM_SCATTERERS)]
    ) / (1.0 + kappa)
    turn = 2.0 * jnp.pi * jnp.mod(length / WAVELENGTH_M, 1.0)
    size = large_scale_gain(positions_m, scenario)[:, None] * jnp.sqrt(share)[None]
    azimuths = [direction(x, 0.0)[0] for x in (positions_m, places)]
    azimuth = jnp.concatenate(
        [azimuths[0][:, None], jnp.broadcast_to(azimuths[1][None], beyond.shape)], axis=1
    )
    response = steering_vector(azimuth, jnp.zeros_like(azimuth), scenario.num_antennas)
    return Paths(jax.lax.complex(size * jnp.cos(turn), -size * jnp.sin(turn)), response)


def channels_at(positions_m: Float[Array, "R 2"], scenario: Scenario) -> Complex[Array, "R M"]:
    """h(x) of receivers on the plane.

    Args:
      positions_m: metres from the base station, [R, 2].
      scenario: antennas, path loss and Rician factor.

    Returns:
      Rows of channels, [R, M].
    """
    paths = paths_to(positions_m, scenario)
    return jnp.einsum("rp,rpm->rm", paths.amplitude, paths.response, precision="highest")


def mean_powers(
    u: Complex[Array, "M N"], positions_m: Float[Array, "R 2"], scenario: Scenario
) -> Float[Array, "R"]:
    """Mean of ‖hᴴu‖² over the phases of the paths: what a map shows.

    Args:
      u: beams as columns, [M, N].
      positions_m: metres from the base station, [R, 2].
      scenario: antennas, path loss and Rician factor.

    Returns:
      [R], in units of the transmit power.
    """
    paths = paths_to(positions_m, scenario)
    heard = jnp.einsum("rpm,mn->rpn", paths.response.conj(), u, precision="highest")
    return jnp.sum(abs2(paths.amplitude) * jnp.sum(abs2(heard), axis=-1), axis=-1)

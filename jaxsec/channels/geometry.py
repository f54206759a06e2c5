"""Where receivers stand, and how much of the power reaches them there: P1, Section IV."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec.channels.scenario import Geometry, Scenario
from jaxsec.compiled import compiled


def sample_geometry(key: Key[Array, ""], scenario: Scenario, n: int) -> Geometry:
    """Users uniform (by area) on the ring, eavesdroppers uniform in a disc around a random user.

    P1, Section IV.

    >>> places = sample_geometry(jax.random.key(0), jaxsec.Scenario(), 100)
    >>> distance = jnp.hypot(*jnp.moveaxis(places.users, -1, 0))
    >>> bool(((distance >= 50) & (distance <= 80)).all())
    True

    Args:
      key: consumed once.
      scenario: numbers and distances.
      n: number of geometries.

    Returns:
      Positions in metres, users [n, K, 2] and eavesdroppers [n, L, 2].
    """
    return _places(
        key,
        n,
        scenario.num_users,
        scenario.num_eavesdroppers,
        (scenario.min_distance_m, scenario.max_distance_m),
        scenario.eavesdropper_radius_m,
    )


@compiled("n", "num_users", "num_eves")
def _places(
    key: Key[Array, ""], n: int, num_users: int, num_eves: int, ring_m: Any, radius_m: Any
) -> Geometry:
    key_place, key_target = jax.random.split(key)
    # One draw for all, so that little is compiled: squared radius and angle, each uniform.
    place = jax.random.uniform(key_place, (n, num_users + num_eves, 2))
    users = _uniform_ring(place[:, :num_users], *ring_m)
    offsets = _uniform_ring(place[:, num_users:], 0.0, radius_m)
    target = jax.random.randint(key_target, (n, num_eves), 0, num_users)
    return Geometry(users, jnp.take_along_axis(users, target[..., None], axis=1) + offsets)


def large_scale_gain(positions_m: Float[Array, "... 2"], scenario: Scenario) -> Float[Array, "..."]:
    """Amplitude gain of a link, P1's path loss law; E‖h‖² is M times its square.

    Receivers closer than the law's reference distance of 1 m count as standing at 1 m.

    >>> gain = large_scale_gain(jnp.array([10.0, 0.0]), jaxsec.Scenario())
    >>> round(20 * float(jnp.log10(gain)), 3)  # −30 − 22·log10(10 m / 1 m) dB
    -52.0

    Args:
      positions_m: [..., 2], metres from the base station.
      scenario: gain at 1 m and path loss exponent.

    Returns:
      [...], linear amplitude.
    """
    return _gain(positions_m, scenario.reference_gain_db, scenario.path_loss_exponent)


@compiled()
def _gain(positions_m: Float[Array, "... 2"], reference_gain_db: Any, exponent: Any) -> Array:
    # By the square: a distance has no gradient at the origin, where NaN would come of it.
    square_m2 = jnp.maximum(jnp.sum(jnp.square(positions_m), axis=-1), 1.0)
    # L = L0 − 10 ξ log10(d / 1 m), in dB of power.
    gain_db = reference_gain_db - 5.0 * exponent * jnp.log10(square_m2)
    return 10.0 ** (gain_db / 20.0)


def _uniform_ring(
    place: Float[Array, "n R 2"], inner_m: Any, outer_m: Any
) -> Float[Array, "n R 2"]:
    """Points uniform by area between two radii, from uniform variates in [0, 1)."""
    radius_m = jnp.sqrt(inner_m**2 + (outer_m**2 - inner_m**2) * place[..., 0])
    angle = 2.0 * jnp.pi * place[..., 1]
    return radius_m[..., None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)

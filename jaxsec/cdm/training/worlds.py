"""The channels that models are fine-tuned on: Rayleigh fading in P1's geometry, and streets.

Streets are clustered multipath (`channels.clustered`) of all kinds: ranges of 10 to 300 m, users
spread over all directions or crowded into a few degrees, eavesdroppers 0.3 to 30 m from a user,
line of sight from 10 dB below the scattered power to 20 dB above, 1 to 8 clusters, and shadowing.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Key

from jaxsec.channels import Scenario, fade, fade_clustered, large_scale_gain, sample_geometry
from jaxsec.channels.scenario import Geometry
from jaxsec.strategy import Size

MAX_CLUSTERS = 8
RANGE_M = (10.0, 300.0)
"""Of a channel's users in the mean, log-uniform."""
RANGE_SPREAD = 0.5
"""Users stand within this of it, in nepers, uniform."""
SECTOR = (0.05, 1.0)
"""Share of the circle that users are spread over, log-uniform."""
APART_M = (0.3, 30.0)
"""Of an eavesdropper from its user, log-uniform."""
RICIAN_DB = (-10.0, 20.0)
SPREAD_DEG = (1.0, 15.0)
"""Angular spread of clusters, log-uniform."""
SHADOWING_DB = 6.0
"""Standard deviation of a user's gain; what stands between it and an eavesdropper adds half."""


class Links(NamedTuple):
    """Channels of users and eavesdroppers, and the amplitudes that each has in the mean."""

    h: Complex[Array, "n R M"]
    gain: Float[Array, "n R"]


def sample(key: Key[Array, ""], size: Size, n: int, clustered: float) -> Links:
    """Channels in the mixture of both worlds, users first; `clustered` of them are streets."""
    key_rayleigh, key_street, key_which = jax.random.split(key, 3)
    if clustered == 0.0:
        return _rayleigh(key_rayleigh, size, n)
    which = jax.random.bernoulli(key_which, clustered, (n,))
    both = _rayleigh(key_rayleigh, size, n), _street(key_street, size, n)
    return jax.tree.map(lambda a, b: jnp.where(which.reshape(n, *(1,) * (a.ndim - 1)), b, a), *both)


def _rayleigh(key: Key[Array, ""], size: Size, n: int) -> Links:
    key_place, key_fade = jax.random.split(key)
    scenario = Scenario(**size._asdict())
    geometry = sample_geometry(key_place, scenario, n)
    channels = fade(key_fade, scenario, geometry)
    positions = jnp.concatenate(geometry, axis=1)
    return Links(
        jnp.concatenate([channels.h_user, channels.h_eve], axis=1),
        large_scale_gain(positions, scenario),
    )


def _street(key: Key[Array, ""], size: Size, n: int) -> Links:
    key_place, key_kind, key_shadow, key_fade = jax.random.split(key, 4)
    scenario = Scenario(**size._asdict(), fading="clustered", num_clusters=MAX_CLUSTERS)
    geometry, near = _places(key_place, size, n)
    kind = jax.random.uniform(key_kind, (3, n))
    channels = fade_clustered(
        key_fade,
        scenario,
        geometry,
        rician_factor=10.0 ** (_between(kind[0], *RICIAN_DB) / 10.0),
        num_clusters=1 + jnp.floor(MAX_CLUSTERS * kind[1]).astype(jnp.int32),
        angular_spread_deg=_log_between(kind[2], *SPREAD_DEG),
    )
    normal = SHADOWING_DB * jax.random.normal(key_shadow, (n, sum(size[1:])))
    at_users = normal[:, : size.num_users]
    at_eves = jnp.take_along_axis(at_users, near, axis=1) + 0.5 * normal[:, size.num_users :]
    shadow = 10.0 ** (jnp.concatenate([at_users, at_eves], axis=1) / 20.0)
    gain = shadow * large_scale_gain(jnp.concatenate(geometry, axis=1), scenario)
    h = jnp.concatenate([channels.h_user, channels.h_eve], axis=1)
    return Links(shadow[..., None] * h, gain)


def _places(key: Key[Array, ""], size: Size, n: int) -> tuple[Geometry, Array]:
    """Positions, and the user that each eavesdropper is near to, [n, L]."""
    key_channel, key_users, key_eves, key_near = jax.random.split(key, 4)
    channel = jax.random.uniform(key_channel, (3, n, 1))
    user = jax.random.uniform(key_users, (2, n, size.num_users))
    eve = jax.random.uniform(key_eves, (2, n, size.num_eavesdroppers))
    near = jax.random.randint(key_near, eve.shape[1:], 0, size.num_users)
    range_m = _log_between(channel[0], *RANGE_M) * jnp.exp(
        _between(user[0], -RANGE_SPREAD, RANGE_SPREAD)
    )
    sector = _log_between(channel[1], *SECTOR)
    users = _polar(range_m, 2.0 * jnp.pi * (channel[2] + sector * (user[1] - 0.5)))
    offsets = _polar(_log_between(eve[0], *APART_M), 2.0 * jnp.pi * eve[1])
    return Geometry(users, jnp.take_along_axis(users, near[..., None], axis=1) + offsets), near


def _polar(radius: Array, angle: Array) -> Array:
    return radius[..., None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)


def _between(uniform: Array, low: float, high: float) -> Array:
    return low + (high - low) * uniform


def _log_between(uniform: Array, low: float, high: float) -> Array:
    return jnp.exp(_between(uniform, np.log(low), np.log(high)))

"""Clustered multipath: receivers near one another share angles of departure, but no phases.

The channel of receiver i, over its large-scale gain and for Rician factor κ, is

    h_i = √(κ/(1+κ))·exp(jψ_i)·a(φ_i, ε_i) + √(1/(1+κ))·Σ_c √(p_c/S)·Σ_s g_ics·a(φ_ics, ε_ics)

with a the array's response (`array.steering_vector`), φ_i and ε_i the azimuth and elevation of the
receiver itself, ψ_i uniform, S = 20 rays a cluster and independent gains g ~ CN(0, 1): E|h|² = 1 at
every antenna, whatever the clusters. These belong to a user k and what stands around it:

    φ_ics = φ_k + Φ_c + Δ_cs + ⟨e_c, x_i − x_k⟩/‖x_k‖     ε_ics = ε_k + Ε_c + Δ'_cs

Φ_c is uniform within ±45°, Δ_cs normal of standard deviation `angular_spread_deg`; those of the
elevation are a quarter as wide. For linear arrays ε_i = ε_k = 0. The last term moves a cluster with
the receiver: a wall mirrors the receiver into an image that moves as far as it does, in a direction
e_c that hangs on the wall, and is seen from at least the same distance. So receivers within metres
of one another share their angles up to distance over range; a wavelength is centimetres, so ψ and g
they never share.

Powers are p_c ∝ exp(−(r−1)·τ_c)·10^(−Z_c/10), of exponential delays τ_c over their mean, r = 2.1,
and a shadowing Z_c ~ N(0, 3 dB), with Σ p_c = 1.

An eavesdropper has the clusters of the nearest user, and a user those of the first user within
12 m, which may be itself.

Powers, rays a cluster and the 12 m are those of 3GPP TR 38.901 for street canyons (clause 7.5 and
Table 7.6.3.1-2). Clusters go back to A. Saleh and R. Valenzuela, IEEE JSAC 5(2), 1987; the sum over
angles is D. Tse and P. Viswanath, Fundamentals of Wireless Communication, 7.3.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Int, Key

from jaxsec import checks
from jaxsec.channels.array import direction, distance, steering_vector
from jaxsec.channels.geometry import large_scale_gain
from jaxsec.channels.scenario import Antennas, Channels, Geometry, Scenario
from jaxsec.compiled import compiled

NUM_RAYS = 20
"""S, rays of a cluster."""
FAN_DEG = 45.0
"""Clusters lie within this azimuth of their user's."""
ELEVATION_SHARE = 0.25
"""Angles of the elevation over those of the azimuth."""
DELAY_SCALING = 2.1
"""r, by which delays make powers."""
SHADOWING_DB = 3.0
"""Standard deviation of a cluster's shadowing."""
SHARED_WITHIN_M = 12.0
"""Users this near to one another have the same clusters."""


class Clusters(NamedTuple):
    """Scatterers around every user, as the base station sees them: C clusters of S rays."""

    power: Float[Array, "n K C"]
    """Shares of the scattered power; zero is no cluster."""
    azimuth: Float[Array, "n K C S"]
    """Of the rays, from that of the user, in radians."""
    elevation: Float[Array, "n K C S"]
    """Of the rays, from that of the user, in radians."""
    drift: Float[Array, "n K C 2"]
    """Unit vector; a receiver that moves along it by x metres sees the azimuth move by x/range."""


def fade_clustered(
    key: Key[Array, ""],
    scenario: Scenario,
    geometry: Geometry,
    *,
    rician_factor: Float[ArrayLike, "..."] | None = None,
    num_clusters: Int[ArrayLike, "..."] | None = None,
    angular_spread_deg: Float[ArrayLike, "..."] | None = None,
) -> Channels:
    """Clustered multipath fading on top of the large-scale gains of a geometry.

    Receivers near one another share angles of departure, not phases: user and eavesdropper
    correlate from 0, many wide clusters, to 1, line of sight or one narrow cluster. Formulas and
    sources: at the top of `jaxsec/channels/clustered.py`.

    What the scenario says of the clusters holds for all channels unless it is given here, one
    number for all or one a channel, which may be traced: many kinds of channels in one program.

    >>> scenario = jaxsec.Scenario(fading="clustered", num_clusters=8)
    >>> places = jaxsec.channels.sample_geometry(jax.random.key(0), scenario, 3)
    >>> factor, count = jnp.array([0.1, 1.0, 100.0]), jnp.array([8, 4, 1])
    >>> key = jax.random.key(1)
    >>> fade_clustered(key, scenario, places, rician_factor=factor, num_clusters=count).h_eve.shape
    (3, 4, 8)

    Args:
      key: consumed once.
      scenario: path loss, fading, array, power and noise.
      geometry: positions in metres.
      rician_factor: κ, linear, a number or [n].
      num_clusters: a number or [n], up to the scenario's.
      angular_spread_deg: degrees, a number or [n].

    Returns:
      `h_user` [n, K, M], `h_eve` [n, L, M] and `noise_power` [n], σ0²/P.

    Raises:
      InputError: the scenario's fading is not clustered, a number of clusters is above the
        scenario's, or an array is not [n].
    """
    checks.require(
        scenario.fading == "clustered", f"`fading` must be clustered, but is {scenario.fading}"
    )
    key_clusters, key_links = jax.random.split(key)
    n, num_users = geometry.users.shape[:2]
    clusters = sample_clusters(
        key_clusters,
        (n, num_users),
        scenario.num_clusters,
        scenario.angular_spread_deg if angular_spread_deg is None else angular_spread_deg,
        num_active=num_clusters,
        dtype=geometry.users.dtype,
    )
    links = clustered_links(
        key_links,
        geometry,
        clusters,
        scenario.num_antennas,
        scenario.rician_factor if rician_factor is None else rician_factor,
        scenario.array,
        scenario.base_height_m,
    )
    positions = jnp.concatenate(geometry, axis=1)
    h = large_scale_gain(positions, scenario)[..., None] * links
    noise_power = jnp.full(n, scenario.noise_power, positions.dtype)
    return Channels(h[:, :num_users], h[:, num_users:], noise_power)


def sample_clusters(
    key: Key[Array, ""],
    shape: tuple[int, int],
    num_clusters: int,
    angular_spread_deg: Float[ArrayLike, "..."],
    *,
    num_active: Int[ArrayLike, "..."] | None = None,
    dtype: jax.typing.DTypeLike = float,
) -> Clusters:
    """Draws the scatterers around every user (3GPP TR 38.901, 7.5, steps 5 to 7).

    >>> clusters = sample_clusters(jax.random.key(0), (5, 2), 8, 5.0, num_active=jnp.arange(1, 6))
    >>> clusters.azimuth.shape, [int(x) for x in (clusters.power[:, 0] > 0).sum(axis=-1)]
    ((5, 2, 8, 20), [1, 2, 3, 4, 5])

    Args:
      key: consumed once.
      shape: (n, K), channels and users.
      num_clusters: C.
      angular_spread_deg: standard deviation of the azimuths in a cluster, degrees, a number or [n].
      num_active: clusters with power, at least 1, a number or [n]; without, all.
      dtype: of the result, real.

    Returns:
      Azimuths [n, K, C, S] and so on; powers sum to 1 over the clusters.

    Raises:
      InputError: `num_active` is a Python number that is not in 1..C, or an array is not [n].
    """
    if isinstance(num_active, int):
        checks.require(
            1 <= num_active <= num_clusters,
            f"`num_clusters` must lie between 1 and the {num_clusters} of the scenario, "
            f"but is {num_active}",
        )
    dtype = jnp.dtype(jax.dtypes.canonicalize_dtype(dtype))
    return _clusters(key, shape, num_clusters, angular_spread_deg, num_active, dtype)


@compiled("shape", "num_clusters", "dtype")
def _clusters(
    key: Key[Array, ""],
    shape: tuple[int, int],
    num_clusters: int,
    angular_spread_deg: Any,
    num_active: Any,
    dtype: jnp.dtype,
) -> Clusters:
    n, _ = shape
    key_uniform, key_normal = jax.random.split(key)
    each = (*shape, num_clusters)
    # Two draws for all, so that little is compiled.
    uniform = jax.random.uniform(key_uniform, (4, *each), dtype)
    normal = jax.random.normal(key_normal, (*each, 2 * NUM_RAYS + 1), dtype)

    delay = -jnp.log1p(-uniform[0])
    power = jnp.exp((1.0 - DELAY_SCALING) * delay) * 10.0 ** (-SHADOWING_DB / 10 * normal[..., -1])
    if num_active is not None:
        count = _a_channel("num_clusters", num_active, n, jnp.dtype("int32"))[:, None, None]
        power = jnp.where(jnp.arange(num_clusters)[None, None] < count, power, 0.0)
    power = power / jnp.sum(power, axis=-1, keepdims=True)

    spread = jnp.deg2rad(_a_channel("angular_spread_deg", angular_spread_deg, n, dtype))
    fan = jnp.deg2rad(FAN_DEG) * (2.0 * uniform[1:3] - 1.0)[..., None]
    rays = spread[:, None, None, None] * normal[..., :-1]
    azimuth, elevation = fan[0] + rays[..., :NUM_RAYS], fan[1] + rays[..., NUM_RAYS:]
    heading = 2.0 * jnp.pi * uniform[3]
    drift = jnp.stack([jnp.cos(heading), jnp.sin(heading)], axis=-1)
    return Clusters(power, azimuth, ELEVATION_SHARE * elevation, drift)


@compiled("num_antennas", "array")
def clustered_links(
    key: Key[Array, ""],
    geometry: Geometry,
    clusters: Clusters,
    num_antennas: int,
    rician_factor: Float[ArrayLike, "..."],
    array: Antennas = "linear",
    base_height_m: float | Float[Array, ""] = 10.0,
) -> Complex[Array, "n R M"]:
    """Links of unit mean power an antenna, through given scatterers.

    The sum over rays, line of sight included, at the top of `jaxsec/channels/clustered.py`
    (D. Tse and P. Viswanath, Fundamentals of Wireless Communication, 7.3).

    >>> places = jaxsec.channels.sample_geometry(jax.random.key(0), jaxsec.Scenario(), 5)
    >>> clusters = sample_clusters(jax.random.key(1), (5, 2), 3, angular_spread_deg=2.0)
    >>> clustered_links(jax.random.key(2), places, clusters, 16, 10.0, "planar").shape
    (5, 6, 16)

    Args:
      key: consumed once.
      geometry: positions in metres, K users and L eavesdroppers.
      clusters: of every user; powers that sum to 1 give links of unit power.
      num_antennas: M.
      rician_factor: κ, linear, a number or [n].
      array: linear or planar.
      base_height_m: height over the receivers, for planar arrays.

    Returns:
      [n, K + L, M], users first.

    Raises:
      InputError: `rician_factor` is neither a number nor [n].
    """
    height_m = base_height_m if array == "planar" else 0.0
    position_m = jnp.concatenate(geometry, axis=1)
    n, dtype = position_m.shape[0], position_m.dtype
    owner = _owners(geometry)
    around_users = (geometry.users, clusters)
    home_m, own = jax.tree.map(
        lambda x: jax.vmap(jnp.take, (0, 0, None))(x, owner, 0), around_users
    )

    # Gains of all rays and, by its phase, of the line of sight: one draw.
    shape = own.azimuth.shape
    draw = (*shape[:2], shape[2] * shape[3] + 1)
    gain = jax.random.normal(key, draw, jnp.result_type(dtype, jnp.complex64))
    gain, phase = gain[..., :-1].reshape(shape), jnp.angle(gain[..., -1:])
    gain = jnp.sqrt(own.power / shape[3])[..., None] * gain

    phase = jax.lax.complex(jnp.cos(phase), jnp.sin(phase))
    line_of_sight = phase * steering_vector(*direction(position_m, height_m), num_antennas, array)

    azimuth, elevation = direction(home_m, height_m)
    moved = jnp.einsum("nrcx,nrx->nrc", own.drift, position_m - home_m)
    azimuth = (azimuth[..., None] + moved / distance(home_m)[..., None])[..., None] + own.azimuth
    elevation = elevation[..., None, None] + own.elevation

    def add(h, cluster):
        gain, azimuth, elevation = cluster
        response = steering_vector(azimuth, elevation, num_antennas, array)
        return h + jnp.sum(gain[..., None] * response, axis=-2), None

    # Clusters in turn, so that memory is that of one: [n, R, S, M].
    rays = jax.tree.map(lambda x: jnp.moveaxis(x, 2, 0), (gain, azimuth, elevation))
    scattered, _ = jax.lax.scan(add, jnp.zeros_like(line_of_sight), rays)
    factor = _a_channel("rician_factor", rician_factor, n, dtype)[:, None, None]
    return (jnp.sqrt(factor) * line_of_sight + scattered) / jnp.sqrt(1.0 + factor)


def _owners(geometry: Geometry) -> Int[Array, "n R"]:
    """The user whose clusters each receiver has, users first."""

    def apart(one, other):
        return jnp.sum(jnp.square(one[:, :, None] - other[:, None]), axis=-1)

    # The first within reach, argmax of booleans: at the latest a user itself.
    first = jnp.argmax(apart(geometry.users, geometry.users) <= SHARED_WITHIN_M**2, axis=-1)
    nearest = jnp.argmin(apart(geometry.eavesdroppers, geometry.users), axis=-1)
    return jnp.concatenate([first, jnp.take_along_axis(first, nearest, axis=1)], axis=1)


def _a_channel(name: str, value: ArrayLike, n: int, dtype: jnp.dtype) -> Array:
    """A number for all channels, or one for each, as [n]."""
    shape = jnp.shape(value)
    checks.require(
        shape in ((), (n,)),
        f"`{name}` must be a number or have shape [n] = {(n,)}, but has shape {shape}",
    )
    return jnp.broadcast_to(jnp.asarray(value, dtype), (n,))

"""Clustered multipath: against explicit loops, statistics, shared angles, transformations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import channels as model
from jaxsec.channels.array import num_rows, steering_vector
from jaxsec.channels.clustered import _owners

pytestmark = pytest.mark.slow


def clustered(**options):
    return jaxsec.Scenario(fading="clustered", **options)


def pairs(n, range_m, apart_m, num_users=2):
    """Users at a range in any direction, each with one eavesdropper at a distance from it."""
    angle, bearing = jax.random.uniform(jax.random.key(9), (2, n, num_users), maxval=2 * np.pi)
    users = range_m * jnp.stack([jnp.cos(angle), jnp.sin(angle)], -1)
    moved = apart_m * jnp.stack([jnp.cos(bearing), jnp.sin(bearing)], -1)
    return model.Geometry(users, users + moved)


def correlations(scenario, geometry):
    """|hᴴg|²/(‖h‖²‖g‖²) of each user with its own eavesdropper and with that of the other."""
    h, g, _ = jax.jit(lambda key: model.fade(key, scenario, geometry))(jax.random.key(2))

    def between(one, other):
        inner = jnp.abs(jnp.sum(one.conj() * other, -1)) / jnp.linalg.norm(one, axis=-1)
        return np.asarray(inner / jnp.linalg.norm(other, axis=-1)) ** 2

    return between(h, g), between(h, g[:, ::-1])


def response(azimuth, elevation, num_antennas, rows):
    """A steering vector, antenna by antenna."""
    columns = num_antennas // rows
    out = np.zeros(num_antennas, complex)
    for r in range(rows):
        for c in range(columns):
            along_y, along_z = np.cos(elevation) * np.sin(azimuth), np.sin(elevation)
            out[r * columns + c] = np.exp(1j * np.pi * (c * along_y + r * along_z))
    return out


@pytest.mark.parametrize(
    ("array", "num_antennas", "rows"),
    [("linear", 12, 1), ("planar", 12, 3), ("planar", 16, 4), ("planar", 7, 1), ("planar", 1, 1)],
)
def test_steering_vectors(array, num_antennas, rows):
    assert num_rows(num_antennas, array) == rows
    azimuth, elevation = jnp.array([0.3, -2.0]), jnp.array([-0.2, 0.1])
    found = steering_vector(azimuth, elevation, num_antennas, array)
    for vector, angles in zip(found, zip(azimuth, elevation, strict=True), strict=True):
        np.testing.assert_allclose(vector, response(*angles, num_antennas, rows), atol=1e-5)


@pytest.mark.parametrize("array", ["linear", "planar"])
def test_the_line_of_sight_has_the_angles_of_the_geometry(array):
    scenario = clustered(num_antennas=6, rician_factor=1e8, array=array)
    users = jnp.array([[[60.0, 30.0], [-50.0, 20.0]]])
    geometry = model.Geometry(users, jnp.array([[[10.0, -70.0]]]))
    channels = model.fade(jax.random.key(0), scenario, geometry)
    positions = np.concatenate(geometry, axis=1)[0]
    for h, (x, y) in zip(np.concatenate(channels[:2], axis=1)[0], positions, strict=True):
        planar = array == "planar"
        elevation = -np.arctan(10.0 / np.hypot(x, y)) if planar else 0.0
        a = response(np.arctan2(y, x), elevation, 6, 2 if planar else 1)
        np.testing.assert_allclose(abs(a.conj() @ h) / np.linalg.norm(h), np.sqrt(6), rtol=1e-3)
        gain = 10 ** (-1.5) * np.hypot(x, y) ** -1.1
        np.testing.assert_allclose(np.abs(h), gain, rtol=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("array", ["linear", "planar"])
def test_the_covariance_is_that_of_the_clusters(array):
    """At the user and, of moved angles, at its eavesdropper; the phases of both independent."""
    n, m, rows = 20000, 4, 1 if array == "linear" else 2
    one = model.sample_clusters(jax.random.key(3), (1, 1), 2, 8.0)
    clusters = jax.tree.map(lambda x: jnp.repeat(x, n, 0), one)
    user, eve = np.array([30.0, 10.0]), np.array([33.0, 14.0])
    geometry = model.Geometry(*(jnp.tile(jnp.array(x)[None, None], (n, 1, 1)) for x in (user, eve)))
    links = model.clustered_links(jax.random.key(4), geometry, clusters, m, 0.0, array, 10.0)
    distance = np.hypot(*user)
    downwards = -np.arctan(10.0 / distance) if array == "planar" else 0.0
    for receiver, place in enumerate((user, eve)):
        wanted = np.zeros((m, m), complex)
        for c in range(2):
            power, azimuth, elevation, drift = (np.asarray(x[0, 0, c], float) for x in one)
            moved = np.arctan2(user[1], user[0]) + drift @ (place - user) / distance
            for ray in range(20):
                a = response(moved + azimuth[ray], downwards + elevation[ray], m, rows)
                wanted += power / 20 * np.outer(a, a.conj())
        h = np.asarray(links[:, receiver])
        np.testing.assert_allclose(h.T @ h.conj() / n, wanted, atol=0.03)
    across = np.asarray(links[:, 0]).T @ np.asarray(links[:, 1]).conj() / n
    np.testing.assert_allclose(across, 0.0, atol=0.03)


@pytest.mark.long
def test_one_cluster_without_spread_is_rank_one():
    geometry = pairs(50, 80.0, 0.0)
    clusters = model.sample_clusters(jax.random.key(0), (50, 2), 1, 0.0)
    links = model.clustered_links(jax.random.key(1), geometry, clusters, 8, 0.0)
    owner = _owners(geometry)[:, :2]  # users that stand together share clusters

    def of_owner(x):
        return jnp.take_along_axis(x, owner, axis=1)

    users = geometry.users
    home = jnp.take_along_axis(users, owner[..., None], axis=1)
    moved = users - home
    range_m = jnp.hypot(home[..., 0], home[..., 1])
    drift = jnp.take_along_axis(clusters.drift[:, :, 0], owner[..., None], axis=1)
    azimuth = jnp.arctan2(home[..., 1], home[..., 0]) + jnp.sum(drift * moved, axis=-1) / range_m
    a = steering_vector(
        azimuth + of_owner(clusters.azimuth[..., 0, 0]), of_owner(clusters.elevation[..., 0, 0]), 8
    )
    h = links[:, :2]
    along = jnp.abs(jnp.sum(a.conj() * h, -1)) ** 2 / 8
    np.testing.assert_allclose(along, jnp.sum(jnp.abs(h) ** 2, -1), rtol=1e-3)
    eve = links[:, 2:]  # at the same place as its user: the same angles
    across = jnp.abs(jnp.sum(h.conj() * eve, -1)) ** 2
    wanted = jnp.sum(jnp.abs(h) ** 2, -1) * jnp.sum(jnp.abs(eve) ** 2, -1)
    np.testing.assert_allclose(across, wanted, rtol=1e-3)


@pytest.mark.parametrize("options", [{}, {"rician_factor": 3.0, "array": "planar"}])
def test_mean_power_is_the_large_scale_gain(options):
    scenario = clustered(num_antennas=4, angular_spread_deg=2.0, num_clusters=2, **options)
    geometry = model.sample_geometry(jax.random.key(0), scenario, 20000)
    channels = jax.jit(lambda key: model.fade(key, scenario, geometry))(jax.random.key(1))
    for h, place in zip(channels[:2], geometry, strict=True):
        unit = h / model.large_scale_gain(place, scenario)[..., None]
        np.testing.assert_allclose(jnp.mean(jnp.abs(unit) ** 2, axis=(0, 1)), 1.0, atol=0.02)
        power = jnp.mean(jnp.abs(unit) ** 4)
        factor = scenario.rician_factor  # given the angles, Gaussian around the line of sight
        fourth = (2 + 4 * factor + factor**2) / (1 + factor) ** 2
        np.testing.assert_allclose(power, fourth, rtol=0.05)


def test_user_and_eavesdropper_correlate_from_one_to_nothing():
    near = pairs(1000, 200.0, 1.0)
    own, other = correlations(clustered(rician_factor=100.0), near)
    assert np.median(own) > 0.98 and np.quantile(own, 0.05) > 0.95
    assert np.median(other) < 0.05
    own, other = correlations(
        clustered(rician_factor=0.0, num_clusters=1, angular_spread_deg=0.5), near
    )
    assert np.median(own) > 0.98 and np.median(other) < 0.05
    own, _ = correlations(
        clustered(rician_factor=0.1, num_clusters=1, angular_spread_deg=0.5), near
    )
    assert np.median(own) > 0.8  # line of sight and cluster, two directions
    own, other = correlations(
        clustered(rician_factor=0.1, num_clusters=8, angular_spread_deg=60.0), near
    )
    assert np.median(own) < 0.2 and np.median(other) < 0.15
    assert 0.05 < np.mean(other) < 0.2  # about 1/M
    # The same eavesdropper at half the range away sees other angles.
    own, _ = correlations(clustered(rician_factor=100.0), pairs(1000, 10.0, 5.0))
    assert np.median(own) < 0.3


@pytest.mark.long
def test_receivers_near_one_another_share_clusters():
    """Users within 12 m too, and what they share is smooth in the position."""
    scenario = clustered(num_clusters=1, angular_spread_deg=0.2)
    users = jnp.tile(jnp.array([[[200.0, 0.0], [200.0, 0.5], [200.0, 30.0]]]), (500, 1, 1))
    geometry = model.Geometry(users, users + jnp.array([0.0, 0.3])[None, None])
    h, g, _ = model.fade(jax.random.key(0), scenario, geometry)

    def between(one, other):
        inner = jnp.abs(jnp.sum(one.conj() * other, -1)) / jnp.linalg.norm(one, axis=-1)
        return float(jnp.median(inner / jnp.linalg.norm(other, axis=-1)) ** 2)

    assert between(h[:, 0], h[:, 1]) > 0.98
    assert between(h[:, 0], g[:, 1]) > 0.98
    assert between(h[:, 2], g[:, 2]) > 0.98
    assert between(h[:, 0], h[:, 2]) < 0.5


def test_one_program_for_many_kinds_of_channels():
    scenario, n = clustered(num_clusters=8), 4000
    geometry = pairs(n, 200.0, 1.0)
    kind = jnp.arange(n) % 2  # line of sight, and one narrow cluster against eight wide ones

    @jax.jit
    def fade(key, rician_factor, num_clusters, spread):
        return model.fade_clustered(
            key,
            scenario,
            geometry,
            rician_factor=rician_factor,
            num_clusters=num_clusters,
            angular_spread_deg=spread,
        )

    of_kind = [jnp.array(x)[kind] for x in ([0.0, 0.1], [1, 8], [0.5, 60.0])]
    h, g, _ = fade(jax.random.key(1), *of_kind)
    inner = jnp.abs(jnp.sum(h.conj() * g, -1)) / jnp.linalg.norm(h, axis=-1)
    own = np.asarray(inner / jnp.linalg.norm(g, axis=-1)) ** 2
    assert np.median(own[0::2]) > 0.98 and np.median(own[1::2]) < 0.2
    unit = h / model.large_scale_gain(geometry.users, scenario)[..., None]
    np.testing.assert_allclose(jnp.mean(jnp.abs(unit) ** 2), 1.0, atol=0.03)


@pytest.mark.long
def test_a_number_for_all_is_that_of_the_scenario():
    scenario = clustered(rician_factor=2.0, angular_spread_deg=7.0)
    geometry = pairs(3, 50.0, 5.0)
    wanted = model.fade(jax.random.key(0), scenario, geometry)
    for given in ((2.0, 4, 7.0), (jnp.full(3, 2.0), jnp.full(3, 4), jnp.full(3, 7.0))):
        found = model.fade_clustered(
            jax.random.key(0),
            clustered(),
            geometry,
            **dict(
                zip(("rician_factor", "num_clusters", "angular_spread_deg"), given, strict=True)
            ),
        )
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.long
def test_jit_vmap_and_the_same_key_agree():
    scenario = clustered(rician_factor=1.0, array="planar")

    def sample(key):
        return jaxsec.sample_channels(key, scenario, 3)

    keys = jax.random.split(jax.random.key(0), 3)
    eager, jitted = sample(keys[1]), jax.jit(sample)(keys[1])
    mapped = jax.jit(jax.vmap(sample))(keys)
    for a, b, c in zip(eager, jitted, mapped, strict=True):
        # Phases of several turns, rounded in one order or another.
        tolerance = 1e-4 * float(jnp.abs(a).max())
        np.testing.assert_allclose(a, b, atol=tolerance)
        np.testing.assert_allclose(a, c[1], atol=tolerance)
    with jax.debug_key_reuse(True):
        jax.eval_shape(jax.jit(sample), keys[0])


@pytest.mark.parametrize("array", ["linear", "planar"])
def test_gradients_are_those_of_finite_differences(float64, array):
    scenario = clustered(num_antennas=6, rician_factor=1.0, array=array)
    geometry = model.sample_geometry(jax.random.key(0), scenario, 1)
    direction = jax.random.normal(jax.random.key(1), (1, 6, 2))
    weight = jax.random.normal(jax.random.key(2), (1, 6, 6), jnp.complex128)

    @jax.jit
    def heard(users, eavesdroppers):
        places = model.Geometry(users, eavesdroppers)
        h_user, h_eve, _ = model.fade(jax.random.key(3), scenario, places)
        return 1e4 * jnp.sum((weight * jnp.concatenate([h_user, h_eve], 1)).real)

    def along(step):
        return heard(
            geometry.users + step * direction[:, :2], geometry[1] + step * direction[:, 2:]
        )

    slopes = jax.jit(jax.grad(heard, (0, 1)))
    gradient = jnp.concatenate(slopes(*geometry), axis=1)
    slope = (along(1e-4) - along(-1e-4)) / 2e-4
    np.testing.assert_allclose(jnp.sum(gradient * direction), slope, rtol=1e-5)
    at_origin = slopes(jnp.zeros((1, 2, 2)), jnp.zeros((1, 4, 2)))
    assert all(bool(jnp.isfinite(x).all()) for x in at_origin)


@pytest.mark.long
@pytest.mark.parametrize("double", [False, True])
def test_extreme_sizes(double):
    with jax.enable_x64(double):
        for m, array, eavesdroppers in ((1, "planar", 0), (256, "planar", 3), (1, "linear", 2)):
            scenario = clustered(num_antennas=m, array=array, num_eavesdroppers=eavesdroppers)
            channels = jaxsec.sample_channels(jax.random.key(0), scenario, 2)
            assert channels.h_user.shape == (2, 2, m)
            assert channels.h_eve.shape == (2, eavesdroppers, m)
            assert channels.h_user.dtype == (jnp.complex128 if double else jnp.complex64)
            assert all(bool(jnp.isfinite(x).all()) for x in channels)


def test_other_fadings_are_what_they_were():
    """Numbers drawn before clustered multipath was there."""
    wanted = {
        (0.0, 0.0): [-0.3756368 - 48.31605j, -51.880592 + 36.320446j, 36.90273 - 8.860382j],
        (3.0, 0.0): [1.9991862 + 7.9028964j, -28.078249 - 13.90401j, -15.268607 - 12.241779j],
        (0.0, 0.5): [-0.3756368 - 48.31605j, -45.117725 + 7.296401j, 36.90273 - 8.860382j],
        (2.0, 0.3): [1.8450539 + 2.332045j, -30.654346 - 18.595295j, -10.485696 - 12.480382j],
    }
    for (factor, correlation), numbers in wanted.items():
        scenario = jaxsec.Scenario(
            num_antennas=2,
            num_eavesdroppers=1,
            rician_factor=factor,
            antenna_correlation=correlation,
        )
        h, g, _ = jaxsec.sample_channels(jax.random.key(7), scenario, 1)
        found = 1e5 * np.concatenate([h[0, 0], g[0, 0, :1]])
        np.testing.assert_allclose(found, numbers, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fading": "ricean"}, "`fading` must be one of rayleigh, clustered, but is 'ricean'"),
        ({"fading": "clustered", "array": "round"}, "`array` must be one of linear, planar"),
        ({"fading": "clustered", "num_clusters": 0}, "`num_clusters` must be at least 1"),
        ({"fading": "clustered", "angular_spread_deg": -1.0}, "`angular_spread_deg` must lie in"),
        (
            {"fading": "clustered", "array": "planar", "base_height_m": float("inf")},
            "`base_height_m` must not be negative",
        ),
        ({"num_clusters": 2}, "`num_clusters` is not heeded by rayleigh fading: leave it at 4"),
        ({"array": "planar"}, "`array` is not heeded by rayleigh fading"),
        (
            {"fading": "clustered", "antenna_correlation": 0.5},
            r"`antenna_correlation` is not heeded by clustered fading: leave it at 0.0, .* is 0.5",
        ),
        (
            {"fading": "clustered", "base_height_m": 5.0},
            "`base_height_m` is not heeded by a linear array",
        ),
    ],
)
def test_bad_scenarios_are_named(change, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        jaxsec.Scenario(**change)


def test_bad_arguments_are_named():
    geometry, key = pairs(3, 50.0, 5.0), jax.random.key(0)
    with pytest.raises(jaxsec.InputError, match="`fading` must be clustered, but is rayleigh"):
        model.fade_clustered(key, jaxsec.Scenario(), geometry)
    with pytest.raises(jaxsec.InputError, match="`num_clusters` must lie between 1 and the 4"):
        model.fade_clustered(key, clustered(), geometry, num_clusters=5)
    with pytest.raises(jaxsec.InputError, match=r"`rician_factor` must be a number or have shape"):
        model.fade_clustered(key, clustered(), geometry, rician_factor=jnp.ones(2))


def test_scenarios_stay_values():
    assert clustered() == clustered() and len({clustered(), clustered()}) == 1
    assert hash(clustered()) != hash(jaxsec.Scenario())

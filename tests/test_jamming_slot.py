"""The map of a jamming slot says what the environment says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.figures import jamming_slot
from jaxsec.checks import InputError
from jaxsec.jamming import SCENARIOS, Environment, slots

ENVIRONMENT = Environment(SCENARIOS["paper"])
APS = slots.access_points(ENVIRONMENT.scenario)
WHERE = jamming_slot.Place(
    jnp.asarray((APS + np.array([10.0, 0.0])).T, jnp.float32),
    jnp.asarray((APS[1:] + np.array([12.0, 1.0])).T, jnp.float32),
)
"""Every user ten metres beside its access point, and an eavesdropper behind the last two."""


@pytest.fixture(autouse=True)
def numpy_promotion():
    with jax.numpy_rank_promotion("allow"):
        yield


def test_rates_are_the_environments_and_the_loudest_other_one_jams():
    action = jnp.array([1.0, -1.0, 0.5])
    found = jamming_slot.choice(ENVIRONMENT, WHERE, action)
    state = jax.tree.map(lambda x: x[0], jamming_slot.slot_of(ENVIRONMENT, WHERE))
    outcome = jax.jit(ENVIRONMENT.outcome)(state, action, ENVIRONMENT.default_params)
    np.testing.assert_allclose(found.secrecy_rate, outcome.secrecy_rate, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.power, [0.1, 0.001, 0.001 * 100**0.75], rtol=1e-5)
    assert found.secrecy_rate.max() > 1.0
    np.testing.assert_array_equal(found.jammer, [0, 0])
    quiet = jamming_slot.choice(ENVIRONMENT, WHERE, jnp.array([-1.0, 1.0, 1.0]))
    np.testing.assert_array_equal(quiet.jammer, [2, 1])


def test_the_map_is_of_what_a_point_can_tell_best():
    power = np.array([0.1, 0.0, 0.0])
    x, y = APS[0][:1] + np.array([0.0, 50.0, 100.0]), APS[0][1:]
    rate = jamming_slot.overheard(ENVIRONMENT.scenario, power, x, y)
    assert rate.shape == (1, 3)
    snr = np.asarray(slots.path_gains(ENVIRONMENT.scenario, jnp.stack((x, y.repeat(3)))))[:, 0]
    np.testing.assert_allclose(rate[0], np.log2(1.0 + 0.1 * snr), rtol=1e-5)
    both = jamming_slot.overheard(ENVIRONMENT.scenario, np.array([0.1, 0.1, 0.0]), x, y)
    assert both[0, 0] < rate[0, 0]


def test_eavesdroppers_stand_where_the_regime_says():
    scenario = SCENARIOS["dense"]
    for regime, anchors in (("near-users", "users"), ("near-access-points", "access points")):
        where = jamming_slot.place(jax.random.key(1), scenario, regime)
        around = np.asarray(where.users) if anchors == "users" else slots.access_points(scenario).T
        apart = np.asarray(where.eavesdroppers)[:, :, None] - around[:, None]
        distance = np.sqrt(np.sum(apart**2, axis=0)).min(axis=1)
        assert distance.max() <= scenario.eavesdropper_radius_m


@pytest.mark.long
def test_a_slot_is_drawn_and_powers_for_secrecy_are_better(tmp_path, capsys):
    path = tmp_path / "slot.png"
    jamming_slot.main(jamming_slot.Arguments(path, "paper", "far", seed=1))
    assert path.read_bytes().startswith(b"\x89PNG")
    lines = capsys.readouterr().out.strip().splitlines()
    full, found = (float(line.split(": ")[1].split()[0]) for line in lines)
    assert found > full


def test_only_known_scenarios_have_a_map(tmp_path):
    with pytest.raises(InputError, match="`--scenario` must be one of paper, dense, but is 'hid"):
        jamming_slot.main(jamming_slot.Arguments(tmp_path / "x.png", "hidden"))

"""Functions of arrays are one program by themselves, and none inside another."""

import jax
import numpy as np
import pytest

import jaxsec
from jaxsec import secrecy
from jaxsec.compiled import compiled
from jaxsec.jamming import SCENARIOS, Environment
from tests import cases

CALLS = {
    "rates": lambda w, v, channels: jaxsec.secrecy_rates(w, v, *channels),
    "objective": lambda w, v, channels: secrecy.objective_value(
        w, v, *channels, objective=secrecy.WorstUser()
    ),
    "power": lambda w, v, channels: secrecy.limit_power(w, v, secrecy.AntennaPower()),
}


def programs(call, *args):
    """How many programs a call compiles."""
    found = []

    def listen(event, seconds, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            found.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        jax.block_until_ready(call(*args))
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return len(found)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_compiles_one_program_and_another_none(name):
    num_antennas = 5 + list(CALLS).index(name)  # a shape that no other test has
    channels = cases.channels(0, 7, num_antennas=num_antennas)
    w, v = (cases.gaussian(np.random.default_rng(i), (7, num_antennas, 2)) for i in range(2))
    assert programs(CALLS[name], w, v, channels) == 1
    assert programs(CALLS[name], w + 1, v, channels) == 0


@pytest.mark.parametrize("name", CALLS)
def test_inside_another_program_it_is_written_out(name):
    channels = cases.channels(0, 3)
    w, v = (cases.gaussian(np.random.default_rng(i), (3, 8, 2)) for i in range(2))
    inside = str(jax.make_jaxpr(CALLS[name])(w, v, channels))
    assert "dot_general" in inside
    for function in ("secrecy_rates", "user_rates", "objective_value", "limit_power"):
        assert f"name={function}" not in inside


OTHER_NUMBERS = (
    {"rician_factor": 3.0, "antenna_correlation": 0.5, "num_antennas": 13},
    {"fading": "clustered", "array": "planar", "num_antennas": 12, "rician_factor": 2.0},
)


@pytest.mark.parametrize("options", OTHER_NUMBERS, ids=["rician", "clustered"])
def test_numbers_of_a_scenario_decide_nothing_that_is_compiled(options):
    """A sweep over powers, distances or factors compiles once."""

    def sample(**numbers):
        scenario = jaxsec.Scenario(**(options | numbers))
        return jaxsec.sample_channels(jax.random.key(0), scenario, 3)

    assert programs(sample) > 0
    moved = {"transmit_power_dbm": 3.0, "max_distance_m": 99.0, "rician_factor": 0.7}
    moved |= {"path_loss_exponent": 3.0, "reference_gain_db": -20.0, "eavesdropper_radius_m": 1.0}
    if options.get("array"):
        moved |= {"base_height_m": 4.0, "angular_spread_deg": 9.0}
    else:
        moved |= {"antenna_correlation": 0.1}
    assert programs(lambda: sample(**moved)) == 0


def test_it_keeps_its_name_and_says_what_does_not_fit():
    @compiled("times")
    def repeat(x, *, times):
        """Some times over."""
        jaxsec.checks.check_at_least("times", times, 1)
        return jax.numpy.tile(x, times)

    assert repeat.__name__ == "repeat" and repeat.__doc__ == "Some times over."
    np.testing.assert_array_equal(repeat(np.ones(2), times=3), np.ones(6))
    with pytest.raises(jaxsec.InputError, match="`times` must be at least 1"):
        repeat(np.ones(2), times=0)


def test_a_jamming_slot_that_is_drawn_again_compiles_nothing():
    environment, key = Environment(SCENARIOS["paper"]), jax.random.key(0)
    mapped = jax.vmap(environment.reset)
    for one, alone in zip(
        jax.tree.leaves(environment.reset(key)), jax.tree.leaves(mapped(key[None])), strict=True
    ):
        np.testing.assert_allclose(one, alone[0], rtol=1e-5, atol=1e-5)
    assert programs(environment.reset, key) == 0
    assert programs(mapped, key[None]) == 0

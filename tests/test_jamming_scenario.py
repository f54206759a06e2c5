"""Jamming scenarios: which are refused, and how their metrics are named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import InputError
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import JammingScenario


@pytest.mark.usefixtures("no_type_checks")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_access_points": 0}, "`num_access_points` must be at least 1, but is 0"),
        ({"num_users": 0}, "`num_users` must be at least 1, but is 0"),
        ({"num_eavesdroppers": -1}, "`num_eavesdroppers` must be at least 0, but is -1"),
        ({"episode_length": 0}, "`episode_length` must be at least 1, but is 0"),
        ({"spacing_m": -1.0}, "`spacing_m` must be finite and not negative, but is -1.0"),
        ({"user_radius_m": np.inf}, "`user_radius_m` must be finite and not negative"),
        ({"circuit_power_w": np.nan}, "`circuit_power_w` must be finite and not negative"),
        ({"rician_factor": -1.0}, "`rician_factor` must be finite and not negative"),
        ({"target_rate": -1.0}, "`target_rate` must be finite and not negative"),
        ({"noise_power_dbm": np.nan}, "`noise_power_dbm` must be finite, but is nan"),
        ({"reference_gain_db": np.inf}, "`reference_gain_db` must be finite, or -inf"),
        ({"noise_power_dbm": -400.0}, "must give an SNR at 1 m of at most 200 dB, but give 390 dB"),
        ({"min_power_w": -0.1}, "`min_power_w` must be finite and not negative, but is -0.1"),
        ({"min_power_w": 0.0}, "must be positive where power steps are in decibel, but is 0"),
        ({"power_steps": "bel"}, "`power_steps` must be decibel or watt, but is 'bel'"),
        ({"min_power_w": 0.1}, "`max_power_w` must be above `min_power_w` = 0.1, but is 0.1"),
        ({"max_power_w": np.inf}, "`max_power_w` must be above `min_power_w` = 0.001, but is inf"),
        (
            {"min_power_w": 0.0, "circuit_power_w": 0.0, "power_steps": "watt"},
            "`min_power_w` or `circuit_power_w` must be above 0, but both are 0",
        ),
        ({"regimes": (0.0, 0.0, 0.0)}, "`regimes` must be three shares, one above 0"),
        ({"regimes": (1.0, 1.0)}, "`regimes` must be three shares"),
        ({"line_of_sight": 1.5}, "`line_of_sight` must lie between 0 and 1, but is 1.5"),
        ({"correlation": -0.1}, "`correlation` must lie between 0 and 1"),
        ({"fading": "slow"}, "`fading` must be block or gauss-markov, but is 'slow'"),
        ({"knowledge": "vague"}, "`knowledge` must be one of exact, noisy, hidden, sensed, but is"),
        ({"gain_error_db": -1.0}, "`gain_error_db` must be finite and not negative, but is -1.0"),
        ({"detection_probability": 2.0}, "`detection_probability` must lie between 0 and 1"),
        ({"battery": 0.0}, "`battery` must be positive, but is 0.0"),
        ({"battery": np.inf}, "`battery` must be positive, but is inf"),
        ({"harvest": -0.1}, "`harvest` must be finite and not negative, but is -0.1"),
        ({"harvest_probability": 0.0}, "`harvest_probability` must be positive, but is 0.0"),
        ({"harvest_probability": 1.5}, "`harvest_probability` must lie between 0 and 1"),
        ({"metrics": ()}, "`metrics` must name at least one metric"),
        ({"metrics": (("rate", 1.0),)}, "`metrics` must name one of secrecy_rate, .*has 'rate'"),
        (
            {"metrics": ((lambda o: o.power[0], 1.0), (lambda o: o.power[1], 2.0))},
            "`metrics` must have names of their own, but 2 are called '<lambda>'; name a function",
        ),
        (
            {"metrics": (("power", 1.0), (("power", lambda o: o.power[0]), 1.0))},
            "`metrics` must have names of their own, but 2 are called 'power'",
        ),
        ({"metrics": ((("truncated", len), 1.0),)}, "`metrics` must not be called terminated, tr"),
        ({"metrics": (("power", np.nan),)}, "`metrics` must have finite weights, .*power=nan"),
    ],
)
def test_bad_scenarios_are_named_in_one_line(change, message):
    with pytest.raises(InputError, match=message) as error:
        JammingScenario(**change)
    assert "\n" not in str(error.value)


def test_metrics_are_named_with_their_functions():
    """Each goes by its name: neither takes the other's place."""
    pair = (
        (("first", lambda o: o.power[..., 0]), 1.0),
        (("last", lambda o: o.power[..., -1]), 2.0),
    )
    environment = Environment(JammingScenario(metrics=pair))
    state = jax.jit(environment.reset)(jax.random.key(0))[1]
    action = jnp.array([-1.0, 0.0, 1.0])
    _, _, reward, *_, info = jax.jit(environment.step)(jax.random.key(1), state, action)
    np.testing.assert_allclose([info["first"], info["last"]], [0.001, 0.1], rtol=1e-5)
    np.testing.assert_allclose(reward, 0.201, rtol=1e-5)


@pytest.mark.usefixtures("no_type_checks")
def test_a_scenario_of_lists_is_that_of_tuples():
    listed = JammingScenario(metrics=[["power", 1.0]], regimes=[1.0, 0.0, 0.0])
    assert listed == JammingScenario(metrics=(("power", 1.0),))
    assert hash(listed) == hash(JammingScenario(metrics=(("power", 1.0),)))

"""The jamming environment stays finite: no gain, receivers on top of an access point, far away."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.jamming.environment import Environment
from jaxsec.jamming.metrics import METRICS
from jaxsec.jamming.scenario import SCENARIOS, JammingScenario

ALL_METRICS = tuple((name, 1.0 + i) for i, name in enumerate(METRICS))
EXTREMES = {
    "no gain": {"reference_gain_db": -np.inf},
    "on top": {
        "user_radius_m": 0.0,
        "eavesdropper_radius_m": 0.0,
        "spacing_m": 0.0,
        "noise_power_dbm": -190.0,
        "line_of_sight": 1.0,
        "rician_factor": 1e6,
    },
    "loud": {"max_power_w": 1e11, "min_power_w": 0.0, "power_steps": "watt"},
    "far": {"path_loss_exponent": 12.0, "spacing_m": 1e4, "far_radius_m": 1e6},
    "alone": {"num_access_points": 1, "num_users": 2, "num_eavesdroppers": 1},
    "dense": dataclasses.asdict(SCENARIOS["dense"]),
}


def not_finite(name, num_steps, num_environments=4096):
    """How many entries of rewards, observations and gradients are not finite."""
    changes = EXTREMES[name] | {"metrics": ALL_METRICS, "fading": "gauss-markov"}
    env = Environment(JammingScenario(**(changes | {"regimes": (1.0, 1.0, 1.0)})))
    reward = jax.vmap(jax.value_and_grad(env.reward, argnums=1))

    def step(carry, key):
        states, bad = carry
        key_step, key_action, key_corner = jax.random.split(key, 3)
        shape = (num_environments, env.action_size)
        action = jax.random.uniform(key_action, shape, minval=-1.0, maxval=1.0)
        corner = jax.random.randint(key_corner, shape, 0, 4)
        action = jnp.where(corner == 0, -1.0, jnp.where(corner == 1, 1.0, action))
        keys = jax.random.split(key_step, num_environments)
        both = reward(states, action)
        observation, states, given, *_, info = jax.vmap(env.step)(keys, states, action)
        leaves = (*both, observation, given, info["final_observation"])
        return (states, bad + sum(jnp.sum(~jnp.isfinite(x)) for x in leaves)), None

    @jax.jit
    def roll(key):
        key_reset, key = jax.random.split(key)
        _, states = jax.vmap(env.reset)(jax.random.split(key_reset, num_environments))
        keys = jax.random.split(key, -(-num_steps // num_environments))
        return jax.lax.scan(step, (states, jnp.zeros((), jnp.int32)), keys)[0][1]

    return int(roll(jax.random.key(0)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no gain", "on top"])
def test_extremes_are_finite(name):
    assert not_finite(name, 8000, 1000) == 0


@pytest.mark.long
def test_ten_million_extreme_steps_are_finite():
    for name in EXTREMES:
        number = 500_000 if name == "dense" else 1_900_000
        assert not_finite(name, number) == 0, name

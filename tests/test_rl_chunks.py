"""Policies in many states: some at a time, and what all at once would give."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.jamming import SCENARIOS, Environment
from jaxsec.rl import evaluation, learner
from jaxsec.rl.chunks import CHUNK, by_chunks
from jaxsec.rl.config import Config


@pytest.mark.parametrize("num_states", [1, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("width", [0, 2])
def test_every_state_gets_its_own_action(num_states, width):
    seen = []

    def act(noise, state):
        seen.append(len(state))
        total = jnp.sum(noise, axis=(0, 2))[:, None]
        return jnp.stack((state + total, 2.0 * state - total))

    key = jax.random.key(0)
    noise = jax.random.normal(key, (3, num_states, width))
    state = jax.random.normal(key, (num_states, 4))
    found = by_chunks(act, noise, state)
    assert max(seen) <= CHUNK
    np.testing.assert_allclose(found, act(noise, state), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("policy", ["mlp", "moe-gdm"])
def test_an_agent_acts_as_its_policy_does(policy):
    environment = Environment(SCENARIOS["paper"])
    config = Config(policy=policy, network="interference", width=8, num_steps=2)
    agent = learner.make_agent(config, environment)
    actor = learner.init(agent, jax.random.key(1)).actor
    slots = evaluation.sample(environment, 3, CHUNK + 5)
    key = jax.random.key(2)
    noise = agent.policy.noise(key, len(slots.observation))
    wanted = jax.jit(agent.policy.act)(actor, noise, slots.observation)
    found = jax.jit(agent.act)(actor, key, slots.observation)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.std(found) > 1e-3
    if policy == "moe-gdm":
        each = jax.jit(lambda *args: evaluation.experts(agent.policy, *args))(
            actor, noise, slots.observation
        )
        wanted = agent.policy.propose(
            actor, noise, agent.policy.gated(actor, slots.observation).features
        )
        np.testing.assert_allclose(each, wanted, atol=1e-5)

"""Mixtures of experts: routing, load, balance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.learning import experts


def test_the_largest_weights_are_selected_and_renormalised():
    logits = jnp.log(jnp.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]))
    weight, selected = experts.route(logits, 2)
    np.testing.assert_allclose(weight, jnp.exp(logits), rtol=1e-5)
    wanted = [[0.5 / 0.8, 0.3 / 0.8, 0.0], [0.0, 0.2 / 0.9, 0.7 / 0.9]]
    np.testing.assert_allclose(selected, wanted, rtol=1e-5)
    np.testing.assert_allclose(experts.expert_load(selected), [0.5, 1.0, 0.5])
    alike = experts.route(jnp.zeros((1, 3)), 1).selected
    np.testing.assert_array_equal(alike, [[1.0, 0.0, 0.0]])  # of equal ones the first


def test_outputs_are_combined_by_who_is_selected():
    outputs = jnp.arange(6.0).reshape(3, 1, 2)
    found = experts.combine(jnp.array([[0.0, 0.25, 0.75]]), outputs)
    np.testing.assert_allclose(found, [[0.25 * 2 + 0.75 * 4, 0.25 * 3 + 0.75 * 5]])


def test_the_balance_is_one_for_experts_used_alike_and_more_elsewhere():
    even, odd = jnp.full((3, 3), 1 / 3), jnp.tile(jnp.array([[0.8, 0.1, 0.1]]), (3, 1))
    assert float(experts.load_balance(jnp.full(3, 1 / 3), even, 1)) == pytest.approx(1.0)
    assert float(experts.load_balance(jnp.array([1.0, 0, 0]), odd, 1)) == pytest.approx(2.4)
    assert float(experts.load_balance(jnp.full(3, 2 / 3), even, 2)) == pytest.approx(1.0)


def test_a_fresh_gate_prefers_no_expert():
    gate, features = experts.gate(4), jax.random.normal(jax.random.key(0), (50, 16))
    logits = gate.apply(gate.init(jax.random.key(1), features), features)
    weight = experts.route(logits, 1).weight
    np.testing.assert_allclose(weight, 0.25, atol=0.05)
    assert float(experts.entropy(weight)) == pytest.approx(np.log(4), rel=1e-2)
    assert float(experts.entropy(jnp.eye(4))) == pytest.approx(0.0, abs=1e-6)

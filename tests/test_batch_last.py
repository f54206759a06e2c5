"""What is computed with the batch as last axis, and the random numbers that it starts from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import threefry
from jaxsec.batch_last import batch_last, with_batch
from jaxsec.jamming import circle, rates

WEIGHTS = np.array([1.0, -2.0, 0.5], np.float32)


def plain(x, y):
    """An item's axes first: [3, 2] and [3] to [2] and a number."""
    weights = with_batch(WEIGHTS, y.ndim - 1)
    total = jnp.sum(jnp.sin(x) * (weights * y)[:, None], axis=0)
    return total, jnp.prod(y, axis=0)


def drawn(*lead):
    key_x, key_y = jax.random.split(jax.random.key(3))
    return jax.random.normal(key_x, (*lead, 3, 2)), jax.random.normal(key_y, (*lead, 3))


def test_the_batch_is_behind_whatever_vmap_says():
    seen = []

    @batch_last
    def watched(x, y):
        seen.append((x.shape, y.shape))
        return plain(x, y)

    x, y = drawn(5, 4)
    both = jax.vmap(jax.vmap(watched))(x, y)
    assert seen[-1] == ((3, 2, 4, 5), (3, 4, 5))
    shared = jax.vmap(watched, in_axes=(1, None), out_axes=-1)(x[:, 0].swapaxes(0, 1), y[0, 0])
    wanted = jax.vmap(jax.vmap(plain))(x, y)
    for found, value in zip(both, wanted, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)
    for i in range(5):
        one = plain(x[i, 0], y[0, 0])
        np.testing.assert_allclose(shared[0][:, i], one[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(shared[1][i], one[1], rtol=1e-5)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("outside", [True, False])
def test_derivatives_of_any_order(order, outside):
    def total(fn):
        mapped = jax.vmap(fn) if outside else fn

        def value(x, y):
            first, second = mapped(x, y)
            return jnp.sum(first**2) + jnp.sum(second**3)

        for _ in range(order):
            value = jax.grad(lambda x, y, inner=value: jnp.sum(jnp.asarray(inner(x, y)) ** 2))
        return value if outside else jax.vmap(value)

    x, y = drawn(4)
    np.testing.assert_allclose(
        total(batch_last(plain))(x, y), total(plain)(x, y), rtol=2e-4, atol=1e-4
    )


def test_forward_mode():
    x, y = drawn(4)
    found, wanted = (
        jax.jvp(jax.vmap(fn), (x, y), (y[..., None] * x, x[..., 0]))
        for fn in (batch_last(plain), plain)
    )
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_complex_numbers_keep_their_parts():
    double = batch_last(lambda z: 2.0 * z)
    z = jax.lax.complex(*drawn(4)[0].reshape(2, 4, 3))
    np.testing.assert_array_equal(jax.vmap(double)(z), 2.0 * z)


def test_a_secrecy_rate_has_the_gradient_of_finite_differences():
    """Through the batched rates, in powers and in gains."""
    key = jax.random.key(0)
    power = jax.random.uniform(key, (4, 3), minval=0.2)
    user = jax.random.exponential(jax.random.fold_in(key, 1), (4, 5, 3))
    eve = jax.random.exponential(jax.random.fold_in(key, 2), (4, 2, 3))

    def total(*args):
        return jnp.sum(rates.signed_secrecy_rates(*args) ** 2)

    with jax.enable_x64(True):
        args = [np.asarray(x, np.float64) for x in (power, user, eve)]
        slopes = jax.grad(total, argnums=(0, 1, 2))(*map(jnp.asarray, args))
        for i, slope in enumerate(slopes):
            for spot in ((0, 0), (3, 1)):
                moved = [[x.copy() for x in args] for _ in range(2)]
                moved[0][i][spot] += 1e-5
                moved[1][i][spot] -= 1e-5
                up, down = (float(total(*map(jnp.asarray, m))) for m in moved)
                wanted = (up - down) / 2e-5
                np.testing.assert_allclose(np.sum(slope[spot]), wanted, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("lead", [(), (3,), (3, 2)])
def test_words_are_those_of_jax(lead):
    key = jax.random.split(jax.random.key(7), lead) if lead else jax.random.key(7)

    def draw(key):
        return jax.random.bits(key, (11,))

    for _ in lead:
        draw = jax.vmap(draw, in_axes=-1, out_axes=-1)
    words = threefry.bits(key, 11)
    assert words.dtype == jnp.uint32
    np.testing.assert_array_equal(words, draw(key))


def test_words_of_another_generator_are_its_own():
    key = jax.random.key(7, impl="rbg")
    np.testing.assert_array_equal(threefry.bits(key, 5), jax.random.bits(key, (5,)))
    with jax.threefry_partitionable(False):
        key = jax.random.key(7)
        np.testing.assert_array_equal(threefry.bits(key, 5), jax.random.bits(key, (5,)))


def test_the_circle():
    turn = np.linspace(0.0, 1.0, 4097, dtype=np.float32)
    cos, sin = circle.cos_sin(jnp.asarray(turn))
    np.testing.assert_allclose(cos, np.cos(2.0 * np.pi * np.float64(turn)), atol=5e-7)
    np.testing.assert_allclose(sin, np.sin(2.0 * np.pi * np.float64(turn)), atol=5e-7)

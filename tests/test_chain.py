"""The denoising chain's bounds."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsec.policy import chain


def test_hold_cuts_and_lets_only_those_gradients_pass_that_lead_back():
    x = jnp.array([-2.0, -2.0, -0.5, 0.5, 2.0, 2.0])
    np.testing.assert_array_equal(chain.hold(x), jnp.clip(x, -1.0, 1.0))
    # Descent goes against the slope: at -2, one of -1 leads back up to -1.
    slope = jnp.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
    passed = jax.vjp(chain.hold, x)[1](slope)[0]
    np.testing.assert_array_equal(passed, [-1.0, 0.0, -1.0, 1.0, 0.0, 1.0])


def test_a_chain_that_has_left_the_range_comes_back_only_where_it_is_held():
    schedule = chain.variance_preserving(6)
    noise = jax.random.normal(jax.random.key(0), (6, 8, 2))

    def loss(shift, bound):
        predict = lambda x, t: 0.1 * x + shift  # noqa: E731
        return jnp.mean(chain.denoise(schedule, predict, noise, bound=bound))

    for bound in ("clip", "hold"):
        assert loss(5.0, bound) == 1.0
    assert jax.grad(loss)(5.0, "clip") == 0.0
    assert jax.grad(loss)(5.0, "hold") > 0.5

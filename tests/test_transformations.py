"""Every designer under `jit`, `vmap` and `grad`, on one channel and on a batch for several cores.

The traced argument is not always the channels: a key, a smoothing or a weight that a function
closes over must be seen by whatever cuts batches and deals them to threads.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import cdm
from jaxsec.cdm import robust
from jaxsec.cdm.training import finetune
from jaxsec.channels import knowledge
from jaxsec.precoding import gpip, linear
from jaxsec.precoding.closed_form import closed_form
from tests import cases, models

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("tiny_model")]


@pytest.fixture(scope="module")
def tiny_model():
    """Made before anything is traced: it is kept, and would be kept as tracers."""
    return models.tiny()


KEY = jax.random.key(3)
STEPS = np.array([0.5, 0.2])
MANY = 200
"""Channels that are cut, filled up and dealt to cores; traced, several starts of them in chunks."""
POINTS = np.array([1.1, 0.8], np.float32)
"""Where the traced number is."""


def bend(x, channels):
    """Channels whose directions and strength depend on the number x."""
    h_user = channels.h_user.at[..., 0, 0].multiply(x)
    return channels._replace(h_user=h_user, h_eve=channels.h_eve * x)


def data_only(w):
    return jaxsec.Strategy(w, w[..., :0])


def noise_only(h_user, v):
    return jaxsec.Strategy(0.7 * linear.mrt(h_user), 0.7 * v)


def opt(h_user, h_eve, noise_power, **options):
    options = {"smoothing": STEPS, "num_noise_beams": 1} | options
    return gpip.opt(h_user, h_eve, noise_power, **options).strategy


def plain(x, c):
    return gpip.plain_gpip(*bend(x, c), num_noise_beams=1, num_steps=2).strategy


def refine(x, c):
    w, v = cases.random_strategy(0, len(c.h_user), 3, 2, 1)
    return gpip.refine(jaxsec.Strategy(w * x, v), *c)


def robustly(x, c):
    known = knowledge.estimated(*bend(x, c)[:2], 0.1)
    return robust.design(KEY, finetune.into(models.tiny(), "known"), known, 1e-12, num_steps=2)


LINEAR = {
    "mrt": lambda x, c: data_only(linear.mrt(bend(x, c).h_user)),
    "zf": lambda x, c: data_only(linear.zf(bend(x, c).h_user)),
    "rzf": lambda x, c: data_only(linear.rzf(bend(x, c).h_user, c.noise_power * x)),
    "rzf_ns": lambda x, c: linear.rzf_ns(*bend(x, c)),
    "null_space_noise": lambda x, c: noise_only(
        c.h_user, linear.null_space_noise(*bend(x, c)[:2], 1)
    ),
    "closed_form": lambda x, c: closed_form(*bend(x, c), num_noise_beams=1),
}
"""Pure functions, op by op unless `jit` compiles them."""
COMPILED = {
    "opt": lambda x, c: opt(*bend(x, c)),
    "opt, noise": lambda x, c: opt(*c[:2], c.noise_power * x),
    "opt, smoothing": lambda x, c: opt(*c, smoothing=x * jnp.asarray(STEPS, jnp.float32)),
    "opt, weights": lambda x, c: opt(*c, user_weights=jnp.stack([x, 1 / x])),
    "opt, starts": lambda x, c: opt(*bend(x, c), num_starts=3, key=KEY),
    "plain_gpip": plain,
    "refine": refine,
    "cdm": lambda x, c: cdm.design(KEY, models.tiny(), *bend(x, c), num_steps=2),
    "robust": robustly,
}
"""Functions with programs of their own, which cut and deal concrete batches."""


def small(batch):
    """Where two step lengths of OPT are worth the same, as on seed 0's first channel, rounding
    chooses, and differently in different programs: by 0.4% of the rate there."""
    return cases.channels(seed=1, n=batch, num_antennas=3, num_eavesdroppers=2)


def totals(designer, channels):
    """The summed smooth rate of a design, as a function of x."""

    @jax.jit
    def rate(strategy):
        return jnp.mean(jaxsec.smooth_secrecy_rates(*strategy, *channels, 1.0))

    return lambda x: rate(designer(x, channels))


def check_together(total, points):
    """All transformations at once, against calls one by one."""
    value, gradient = jax.jit(jax.vmap(jax.value_and_grad(total)))(points)
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).max(axis=0) > 0).all()
    np.testing.assert_allclose(value, [total(x) for x in points], rtol=2e-3)


@pytest.mark.parametrize("name", LINEAR)
def test_pure_functions(name):
    """No batch of theirs is cut."""
    check_together(totals(LINEAR[name], small(4)), POINTS)


# XLA's CPU backend of jaxlib 0.10.2 segfaults in what it compiles of a batch of gradients through
# a sampler in chunks, of many channels; each transformation of it alone is `test_without_jit`.
@pytest.mark.parametrize("name", ["plain_gpip", "refine", "cdm", "robust"])
def test_all_transformations_at_once(name):
    check_together(totals(COMPILED[name], small(1)), POINTS)


def test_all_that_opt_takes_at_once():
    """Channels, noise, smoothing and weights are traced; each has a gradient."""

    def design(x, c):
        options = {"smoothing": x[2] * jnp.asarray(STEPS, jnp.float32), "num_starts": 3}
        options |= {"user_weights": jnp.stack([x[3], 1 / x[3]]), "key": KEY}
        return opt(*bend(x[0], c)[:2], c.noise_power * x[1], **options)

    check_together(totals(design, small(1)), np.stack([POINTS] * 4, axis=1))


@pytest.mark.parametrize("name", COMPILED)
def test_without_jit(name):
    """The number is traced, the channels may be not."""
    total = totals(COMPILED[name], small(MANY))
    each = [total(jnp.float32(x)) for x in POINTS]
    np.testing.assert_allclose(jax.vmap(total)(POINTS), each, rtol=2e-3)


@pytest.mark.parametrize("name", ["opt, starts", "cdm", "robust"])
def test_gradients_without_jit(name):
    """Through all that computes in chunks."""
    total, x = totals(COMPILED[name], small(MANY)), jnp.float32(POINTS[0])
    value, gradient = jax.value_and_grad(total)(x)
    assert np.isfinite(gradient) and gradient != 0
    np.testing.assert_allclose(value, total(x), rtol=2e-3)


@pytest.mark.parametrize("batch", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_one_batch_under_many_keys(batch):
    """Channels are concrete and closed over: enough of them would go to other threads."""
    channels = small(batch)
    keys = jax.random.split(KEY, 2)

    def design(key):
        return opt(*channels, num_starts=3, key=key)

    together = jax.vmap(design)(keys)
    for i, key in enumerate(keys):
        alone = design(key)
        found = jaxsec.sum_secrecy_rate(together.w[i], together.v[i], *channels)
        wanted = jaxsec.sum_secrecy_rate(*alone, *channels)
        np.testing.assert_allclose(found.mean(), wanted.mean(), rtol=1e-4)
        # One channel of 200 may be such a tie as `small` avoids.
        assert np.sum(~np.isclose(found, wanted, rtol=2e-3)) <= batch // 200
        np.testing.assert_allclose(found, wanted, rtol=1e-2)


@pytest.mark.slow
def test_a_design_inside_jit_of_nothing_traced_is_a_constant():
    channels = small(200)
    inside = jax.jit(lambda x: x * opt(*channels).w)(1.0)
    np.testing.assert_allclose(inside, opt(*channels).w, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mrt", "rzf-ns", "opt"])
def test_the_facade_is_traced_too(method):
    channels = small(4)
    designed = jax.jit(lambda c: jaxsec.design(*c, method=method))(channels)
    rates = [
        jaxsec.sum_secrecy_rate(*strategy, *channels)
        for strategy in (designed, jaxsec.design(*channels, method=method))
    ]
    np.testing.assert_allclose(rates[0], rates[1], rtol=2e-3)

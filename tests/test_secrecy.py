"""Rates against plain loops, closed forms and finite differences; gradients where they are hard."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsec
from jaxsec import secrecy
from jaxsec.precoding import gpip, linear
from jaxsec.precoding.closed_form import closed_form
from jaxsec.strategy import pack_real, unpack_real
from tests import cases, reference

pytestmark = pytest.mark.usefixtures("full_compilation")

SIZES = [(8, 2, 4, 2), (4, 4, 8, 1), (2, 1, 1, 0), (3, 5, 2, 3), (1, 1, 3, 1)]


@pytest.mark.slow
@pytest.mark.parametrize(("m", "k", "l", "j"), SIZES)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_rates_agree_with_plain_loops(m, k, l, j, precision):
    with jax.enable_x64(precision == "float64"):
        channels = cases.channels(num_antennas=m, num_users=k, num_eavesdroppers=l)
        w, v = cases.random_strategy(1, 3, m, k, j)
        tolerance = 1e-10 if precision == "float64" else 3e-4
        hard = jaxsec.secrecy_rates(w, v, *channels)
        smooth = jaxsec.smooth_secrecy_rates(w, v, *channels, 0.1)
        colluding = secrecy.colluding_wiretap_rates(w, v, channels.h_eve, channels.noise_power)
        for n in range(3):
            one = [np.asarray(x[n], np.complex128) for x in (w, v, *channels[:2])]
            noise = float(channels.noise_power[n])
            np.testing.assert_allclose(
                hard[n], reference.secrecy_rates(*one, noise), rtol=tolerance, atol=tolerance
            )
            np.testing.assert_allclose(
                smooth[n],
                reference.smooth_secrecy_rates(*one, noise, 0.1),
                rtol=tolerance,
                atol=tolerance,
            )
            expected = [
                reference.colluding_rate(one[0], one[1], one[3], noise, i) for i in range(k)
            ]
            # At 50 dB the covariance of what eavesdroppers hear has a condition number of 1e5.
            np.testing.assert_allclose(colluding[n], expected, rtol=10 * tolerance, atol=tolerance)


@pytest.mark.slow
def test_float32_resolves_zero_forced_users_at_70_db():
    """`total − signal` would round the interference away and return an infinite rate."""
    channels = cases.at_snr(0, 64, 8, 4, 2, 70.0)
    w = jaxsec.design(*channels, method="zf").w
    rates = jaxsec.user_rates(w, w[..., :0], channels.h_user, channels.noise_power)
    assert bool(jnp.isfinite(rates).all())
    assert float(rates.max()) < np.log2(1 + 8 * 10 * 1e7)


def test_without_eavesdroppers_secrecy_is_rate():
    channels = cases.channels(num_eavesdroppers=0)
    w, v = cases.random_strategy(0, 3, 8, 2, 2)
    rate = jaxsec.user_rates(w, v, channels.h_user, channels.noise_power)
    for colluding in (False, True):
        hard = jaxsec.secrecy_rates(w, v, *channels, colluding=colluding)
        np.testing.assert_array_equal(hard, rate)
    np.testing.assert_array_equal(jaxsec.smooth_secrecy_rates(w, v, *channels), rate)


@pytest.mark.parametrize("smoothing", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("num_eves", [1, 4, 7])
def test_smooth_rate_brackets_the_hard_one(smoothing, num_eves):
    channels = cases.channels(num_eavesdroppers=num_eves, n=20)
    w, v = cases.random_strategy(0, 20, 8, 2, 2)
    wiretap = secrecy.wiretap_rates(w, v, channels.h_eve, channels.noise_power)
    hard = jaxsec.user_rates(w, v, channels.h_user, channels.noise_power) - wiretap.max(-2)
    smooth = jaxsec.smooth_secrecy_rates(w, v, *channels, smoothing)
    assert bool((smooth <= hard + 1e-4).all())
    assert bool((smooth >= hard - smoothing * np.log(num_eves) - 1e-4).all())


def test_colluding_eavesdroppers_are_at_least_as_strong_as_the_best_alone():
    channels = cases.channels(n=50)
    w, v = cases.random_strategy(0, 50, 8, 2, 2)
    alone = secrecy.wiretap_rates(w, v, channels.h_eve, channels.noise_power).max(-2)
    together = secrecy.colluding_wiretap_rates(w, v, channels.h_eve, channels.noise_power)
    assert bool((together >= alone - 1e-3).all())
    assert float((together - alone).mean()) > 0.1


@pytest.mark.slow
def test_metrics_are_what_they_say(quick_compilation_here):
    channels = cases.channels(n=64)
    w, v = jaxsec.design(*channels, method="rzf-ns")
    rates = jaxsec.secrecy_rates(w, v, *channels)
    np.testing.assert_allclose(jaxsec.sum_secrecy_rate(w, v, *channels), rates.sum(-1), rtol=1e-6)
    weighted = jaxsec.sum_secrecy_rate(w, v, *channels, user_weights=jnp.array([[2.0, 0.5]]))
    np.testing.assert_allclose(weighted, rates @ jnp.array([2.0, 0.5]), rtol=1e-5)
    np.testing.assert_array_equal(
        jaxsec.worst_user_secrecy_rate(w, v, *channels), rates.min(axis=-1)
    )
    target = float(jnp.median(rates))
    outage = jaxsec.secrecy_outage_probability(rates, target)
    np.testing.assert_allclose(outage, np.mean(np.asarray(rates) < target, axis=0), rtol=1e-6)
    efficiency = jaxsec.secure_energy_efficiency(
        w, v, *channels, transmit_power_w=0.1, circuit_power_w=0.4
    )
    np.testing.assert_allclose(efficiency, rates.sum(-1) / 0.5, rtol=1e-5)


def beams_and_channels(k=2, l=3):
    return cases.random_strategy(2, 2, 4, k, 1), cases.at_snr(3, 2, 4, k, l, 10.0)


@pytest.mark.slow
def test_gradients_agree_with_finite_differences(float64, quick_compilation_here):
    (w, v), channels = beams_and_channels()
    z = pack_real(w, v)

    def hard_sum(z):
        return jnp.sum(jaxsec.sum_secrecy_rate(*unpack_real(z, 4, 2), *channels))

    def loss(z):
        return jaxsec.secrecy_loss(z, *channels, smoothing=0.1)

    def colluding_sum(z):
        beams = unpack_real(z, 4, 2)
        return jnp.sum(jaxsec.sum_secrecy_rate(*beams, *channels, colluding=True))

    for function in map(jax.jit, (hard_sum, loss, colluding_sum)):
        grad = jax.jit(jax.grad(function))(z)
        direction = jax.random.normal(jax.random.key(9), z.shape)
        # Central differences with one Richardson step: errors of order eps⁴.
        slopes = [
            (function(z + e * direction) - function(z - e * direction)) / (2 * e)
            for e in (2e-4, 1e-4)
        ]
        expected = (4 * slopes[1] - slopes[0]) / 3
        np.testing.assert_allclose(jnp.sum(grad * direction), expected, rtol=1e-6)


def test_complex_gradient_is_the_conjugate_of_the_real_one(float64):
    (w, v), channels = beams_and_channels()

    def total(w):
        return jnp.sum(jaxsec.sum_secrecy_rate(w, v, *channels))

    def total_real(re, im):
        return total(jax.lax.complex(re, im))

    by_re, by_im = jax.jit(jax.grad(total_real, argnums=(0, 1)))(w.real, w.imag)
    np.testing.assert_allclose(jnp.conj(jax.jit(jax.grad(total))(w)), by_re + 1j * by_im, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("coordinates", ["complex", "real"])
def test_one_plain_optax_step_raises_the_secrecy_rate(coordinates):
    channels = cases.at_snr(3, 8, 4, 2, 3, 10.0)
    w, v = cases.random_strategy(2, 8, 4, 2, 1)
    optimiser = optax.sgd(1e-3)
    if coordinates == "complex":
        params = (w, v)

        @jax.jit
        def loss(beams):
            return -jnp.sum(jaxsec.smooth_secrecy_rates(*beams, *channels, 0.1))

        grads = jax.tree.map(jnp.conj, jax.jit(jax.grad(loss))(params))
    else:
        params = pack_real(w, v)

        @jax.jit
        def loss(z):
            return jaxsec.secrecy_loss(z, *channels, smoothing=0.1, penalty=0.0)

        grads = jax.jit(jax.grad(loss))(params)
    updates, _ = optimiser.update(grads, optimiser.init(params))
    assert float(loss(optax.apply_updates(params, updates))) < float(loss(params)) - 1e-6


def hard_places():
    channels = cases.channels(n=2)
    strategy = cases.random_strategy(0, 2, 8, 2, 2)
    zero = jax.tree.map(jnp.zeros_like, strategy)
    at_eve = strategy._replace(w=jnp.swapaxes(channels.h_eve[:, :2], -1, -2))
    return {
        "zero beams": (zero, channels),
        "zero eavesdroppers": (strategy, channels._replace(h_eve=0 * channels.h_eve)),
        "zero users": (strategy, channels._replace(h_user=0 * channels.h_user)),
        "all zero": (
            zero,
            jax.tree.map(jnp.zeros_like, channels)._replace(noise_power=jnp.ones(2)),
        ),
        "negative secrecy": (at_eve, channels),
        "equal eavesdroppers": (
            strategy,
            channels._replace(h_eve=jnp.repeat(channels.h_eve[:, :1], 4, axis=1)),
        ),
    }


@jax.jit
def all_gradients(w, v, channels):
    """Of the loss, of both hard rates, and of the projection, by whatever they take."""

    def total(colluding):
        return lambda w, v, h_user, h_eve: jnp.sum(
            jaxsec.sum_secrecy_rate(w, v, h_user, h_eve, channels.noise_power, colluding=colluding)
        )

    def projected(w):
        return jnp.sum(jnp.abs(jaxsec.normalise_power(w, v)[0].real))

    return (
        jax.grad(jaxsec.secrecy_loss)(pack_real(w, v), *channels),
        [jax.grad(total(c), argnums=(0, 1, 2, 3))(w, v, *channels[:2]) for c in (False, True)],
        jax.grad(projected)(w),
    )


@pytest.mark.slow
@pytest.mark.parametrize("place", list(hard_places()))
def test_gradients_are_finite_in_hard_places(place):
    (w, v), channels = hard_places()[place]
    gradients = jax.tree.leaves(all_gradients(w, v, channels))
    assert len(gradients) == 10
    assert all(bool(jnp.isfinite(g).all()) for g in gradients)


@pytest.mark.slow
def test_negative_secrecy_still_has_a_training_gradient():
    (w, v), channels = hard_places()["negative secrecy"]
    assert float(jaxsec.sum_secrecy_rate(w, v, *channels).max()) == 0.0
    grad = jax.jit(jax.grad(jaxsec.secrecy_loss))(pack_real(w, v), *channels)
    assert float(jnp.abs(grad).max()) > 1e-3


def test_real_coordinates_round_trip_in_the_papers_order():
    w, v = cases.random_strategy(0, 2, 3, 2, 1)
    z = pack_real(w, v)
    u = jnp.concatenate([w[:, :, 0], w[:, :, 1], v[:, :, 0]], axis=-1)  # P1 (10)
    np.testing.assert_array_equal(z, jnp.concatenate([u.real, u.imag], axis=-1))  # P1 (12)
    for got, wanted in zip(unpack_real(z, 3, 2), (w, v), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_loss_is_the_papers_scalar():
    channels = cases.channels(n=3)
    w, v = cases.random_strategy(0, 3, 8, 2, 2)
    rate = jaxsec.smooth_secrecy_rates(w, v, *channels, 0.2).sum(-1)
    expected = -rate.mean() + 0.5 * jnp.mean((jnp.sqrt(secrecy.power(w, v)) - 3.0) ** 2)
    got = jaxsec.secrecy_loss(
        pack_real(w, v), *channels, smoothing=0.2, penalty=0.5, target_norm=3.0
    )
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": jnp.ones((8, 3), jnp.complex64)}, "`w` must have one column for each of the K = 2"),
        ({"w": jnp.ones((7, 2), jnp.complex64)}, "`w` must have M = 8 rows"),
        ({"v": jnp.ones((7, 2), jnp.complex64)}, "`v` must have M = 8 rows"),
        ({"w": jnp.ones((8, 2))}, "`w` must be complex"),
        ({"h_user": jnp.ones((2, 8))}, "`h_user` must be complex"),
        ({"h_eve": jnp.ones(8, jnp.complex64)}, "`h_eve` must have shape"),
    ],
)
def test_bad_shapes_are_named(change, message, no_type_checks):
    arguments = {
        "w": jnp.ones((8, 2), jnp.complex64),
        "v": jnp.ones((8, 1), jnp.complex64),
        "h_user": jnp.ones((2, 8), jnp.complex64),
        "h_eve": jnp.ones((4, 8), jnp.complex64),
        "noise_power": 1.0,
    }
    with pytest.raises(jaxsec.InputError, match=message):
        jaxsec.sum_secrecy_rate(**{**arguments, **change})


BATCHES = [
    ({"h_eve": 3}, r"`h_eve` .* must agree in their batch axes .* \(2, 2, 8\), \(3, 4, 8\)"),
    ({"h_eve": 2, "noise_power": 3}, r"`h_user`, `h_eve` and `noise_power` must agree .*, \(3,\)"),
]  # fmt: skip


@pytest.mark.parametrize(("lengths", "message"), BATCHES)
@pytest.mark.parametrize(
    "function",
    [
        jaxsec.secrecy_rates, jaxsec.smooth_secrecy_rates, jaxsec.sum_secrecy_rate,
        jaxsec.worst_user_secrecy_rate, gpip.opt, gpip.plain_gpip, linear.rzf_ns, closed_form,
        jaxsec.design,
    ],
)  # fmt: skip
def test_batches_that_do_not_agree_are_named(function, lengths, message, no_type_checks):
    lengths = {"h_user": 2, "h_eve": 2, "noise_power": 2} | lengths
    tails = {"h_user": (2, 8), "h_eve": (4, 8), "noise_power": ()}
    arguments = [
        jnp.ones((n, *tails[name]), jnp.float32 if name == "noise_power" else jnp.complex64)
        for name, n in lengths.items()
    ]
    if function in (gpip.opt, gpip.plain_gpip, linear.rzf_ns, closed_form, jaxsec.design):
        beams = ()
    else:
        beams = jnp.ones((2, 8, 2), jnp.complex64), jnp.ones((2, 8, 1), jnp.complex64)
    with pytest.raises(jaxsec.InputError, match=message):
        function(*beams, *arguments)


def test_beams_of_another_batch_are_named(no_type_checks):
    h = jnp.ones((2, 2, 8), jnp.complex64)
    beams = jnp.ones((3, 8, 2), jnp.complex64)
    with pytest.raises(jaxsec.InputError, match=r"`w`, `v` and `h_user` must agree in their batch"):
        jaxsec.user_rates(beams, beams, h, 1.0)
    with pytest.raises(jaxsec.InputError, match="`h_user` and `noise_power` must agree"):
        linear.rzf(h, jnp.ones(3))


def test_real_coordinates_of_the_wrong_length_are_refused():
    channels = cases.channels(n=1)
    with pytest.raises(jaxsec.InputError, match=r"`z` must have 2M\(K\+J\) real coordinates"):
        jaxsec.secrecy_loss(jnp.ones((1, 30)), *channels)

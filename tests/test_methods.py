"""Every method of the table meets every property; then what is special to the linear ones."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import methods, secrecy
from jaxsec.precoding import gpip, linear
from tests import cases

pytestmark = pytest.mark.slow

METHODS = list(jaxsec.METHODS)
TWINS = ("cdm-mlp", "cdm-f-rayleigh", "cdm-f", "setnet-robust", "opt-loaded", "cdm-antenna")
TWINS += ("opt-robust",)
"""Code of cdm or opt, but for the weights, for an error that is zero here, or for coordinates that
know the antennas apart (`test_coordinates`); opt on draws has tests of its own (`test_robust`)."""


def slow_to_compile(method):
    """A method as a parameter; those that sample from a diffusion model in the long suite only."""
    return pytest.param(method, marks=pytest.mark.long) if method.startswith("cdm") else method


DISTINCT = [method for method in METHODS if method not in TWINS]
CHECKED = [slow_to_compile(method) for method in DISTINCT]
OTHERS = ((8, 3, 0), (4, 4, 2))
"""(M, K, L) without eavesdroppers, and with as many users as antennas."""
N = 64
"""Channels of a batch, wherever the number does not matter: the same programs serve all tests."""
SMALL = {"n": 4, "num_antennas": 4, "num_eavesdroppers": 1}
"""What programs that serve one test only are compiled for."""
ALONE = ("cdm-f", "setnet-robust")
"""Methods whose programs do, of any size."""

compiled_linear = SimpleNamespace(
    mrt=jax.jit(linear.mrt),
    zf=jax.jit(linear.zf),
    rzf=jax.jit(linear.rzf),
    null_space_noise=jax.jit(linear.null_space_noise, static_argnums=2),
)
"""The closed forms inside a compiled program; call by call each operation is compiled alone."""


@pytest.mark.parametrize("method", METHODS)
def test_power_budget_and_shapes(method):
    channels = cases.channels(**SMALL if method in ALONE else {"n": N})
    w, v = jaxsec.design(*channels, method=method)
    n, _, m = channels.h_user.shape
    assert w.shape == (n, m, 2)
    assert v.shape[:2] == (n, m)
    assert w.dtype == v.dtype == jnp.complex64
    np.testing.assert_allclose(secrecy.power(w, v), 1.0, rtol=1e-5)


@pytest.mark.parametrize("method", CHECKED)
def test_common_rotation_of_all_channels_changes_no_rate(method):
    channels = cases.channels(n=N)
    rotation = jnp.asarray(cases.unitary(4, 8))
    rotated = channels._replace(h_user=channels.h_user @ rotation, h_eve=channels.h_eve @ rotation)
    before = jaxsec.sum_secrecy_rate(*jaxsec.design(*channels, method=method), *channels)
    after = jaxsec.sum_secrecy_rate(*jaxsec.design(*rotated, method=method), *rotated)
    np.testing.assert_allclose(after, before, rtol=5e-3)


@pytest.mark.parametrize("method", CHECKED)
@pytest.mark.parametrize(
    ("m", "k", "l"), [(2, 5, 6), *[pytest.param(*size, marks=pytest.mark.long) for size in OTHERS]]
)
def test_any_size_is_served_or_refused_clearly(method, m, k, l, no_type_checks):
    channels = cases.channels(n=N, num_antennas=m, num_users=k, num_eavesdroppers=l)
    if method == "zf" and k > m:
        with pytest.raises(jaxsec.InputError, match="`h_user` must hold at most M = 2 users"):
            jaxsec.design(*channels, method=method)
        return
    w, v = jaxsec.design(*channels, method=method)
    assert bool(jnp.isfinite(jaxsec.sum_secrecy_rate(w, v, *channels)).all())


@pytest.mark.parametrize("method", CHECKED)
def test_zero_and_duplicate_channels_stay_finite(method):
    channels = cases.channels(n=N)
    h_user, h_eve = np.array(channels.h_user), np.array(channels.h_eve)
    h_user[0, 0] = 0
    h_user[1, 1] = h_user[1, 0]
    h_eve[2] = 0
    h_user[3], h_eve[3] = 0, 0
    strategy = jaxsec.design(
        jnp.asarray(h_user), jnp.asarray(h_eve), channels.noise_power, method=method
    )
    assert all(bool(jnp.isfinite(x).all()) for x in strategy)


def test_phase_of_a_beam_and_basis_of_the_noise_change_no_rate():
    channels = cases.channels(n=N)
    w, v = jaxsec.design(*channels)
    before = jaxsec.secrecy_rates(w, v, *channels)
    turned = w * jnp.exp(1j * jnp.array([[[0.3, 2.0]]]))
    mixed = v @ jnp.asarray(cases.unitary(1, 2))
    np.testing.assert_allclose(
        jaxsec.secrecy_rates(turned, mixed, *channels), before, rtol=1e-3, atol=1e-3
    )


def test_more_power_never_hurts():
    rates = []
    for power_dbm in (0.0, 10.0, 20.0, 30.0):
        channels = cases.channels(5, n=N, transmit_power_dbm=power_dbm)
        rates.append(jaxsec.sum_secrecy_rate(*jaxsec.design(*channels), *channels))
    assert bool((jnp.diff(jnp.stack(rates), axis=0) > 0).all())


@jax.jit
def leakage_db(w, h):
    """Largest power of another user's beam, over the own one."""
    power = jnp.abs(secrecy.received_gains(h, w)) ** 2
    own = jnp.diagonal(power, axis1=-2, axis2=-1)
    others = power - jnp.eye(power.shape[-1])[None] * power
    return 10 * jnp.log10((others.max(-1) / own).max())


def test_zero_forcing_leaves_no_leakage():
    h = cases.channels(n=50, num_users=4).h_user
    assert float(leakage_db(compiled_linear.zf(h), h)) < -90


def test_regularised_zero_forcing_has_both_limits():
    h = cases.channels(n=20, num_users=3).h_user
    assert float(leakage_db(compiled_linear.rzf(h, 1e-16), h)) < -60
    np.testing.assert_allclose(compiled_linear.rzf(h, 1.0), compiled_linear.mrt(h), atol=1e-3)


def test_regularised_zero_forcing_is_the_textbook_matrix():
    h = np.asarray(cases.channels(n=1, num_users=3).h_user[0], np.complex128)
    columns = h.T
    w = columns @ np.linalg.inv(columns.conj().T @ columns + 3 * 1e-9 * np.eye(3))
    w /= np.linalg.norm(w, axis=0) * np.sqrt(3)
    found = compiled_linear.rzf(jnp.asarray(h, jnp.complex64), 1e-9)
    np.testing.assert_allclose(found, w, atol=1e-4)


def test_users_hear_no_null_space_noise():
    channels = cases.channels(n=30, num_users=3)
    isotropic = compiled_linear.null_space_noise(channels.h_user)
    for v in (isotropic, compiled_linear.null_space_noise(channels.h_user, channels.h_eve, 2)):
        heard = np.abs(secrecy.received_gains(channels.h_user, v)).max()
        assert heard < 1e-5 * np.abs(channels.h_user).max()
        np.testing.assert_allclose(np.sum(np.abs(v) ** 2, axis=(1, 2)), 1.0, rtol=1e-5)
    assert isotropic.shape == (30, 8, 5)
    gram = np.einsum("nmi,nmj->nij", np.conj(isotropic), isotropic)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(5) / 5, (30, 5, 5)), atol=1e-5)


def test_line_search_beats_every_fixed_split():
    channels = cases.channels(n=N)
    fractions = (0.2, 0.5, 0.8)

    @jax.jit
    def designed():
        return [linear.rzf_ns(*channels, signal_fraction=x) for x in (None, *fractions)]

    searched, *fixed = designed()
    best = jaxsec.sum_secrecy_rate(*searched, *channels)
    for fraction, strategy in zip(fractions, fixed, strict=True):
        np.testing.assert_allclose(np.sum(np.abs(strategy.w) ** 2, (1, 2)), fraction, rtol=1e-4)
        assert bool((best >= jaxsec.sum_secrecy_rate(*strategy, *channels) - 0.02).all())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "magic"}, "`method` must be one of mrt, zf"),
        ({"noise_power": 0.0}, "`noise_power` must be positive"),
        ({"noise_power": np.ones(3)}, "and `noise_power` must agree in their batch axes"),
        ({"h_user": np.full((4, 2, 8), np.nan, np.complex64)}, "`h_user` must be finite"),
        ({"h_user": np.ones((4, 2, 8), np.float32)}, "`h_user` must be complex"),
        ({"h_eve": np.ones((4, 2, 7), np.complex64)}, "must agree in their number of antennas"),
        ({"num_starts": 0}, "`num_starts` must be at least 1"),
        ({"num_noise_beams": -2}, "`num_noise_beams` must be at least 0"),
    ],
)
def test_bad_input_is_named(change, message, no_type_checks):
    channels = cases.channels(n=4)._asdict()
    with pytest.raises(jaxsec.InputError, match=message):
        jaxsec.design(**{**channels, **change})


@pytest.mark.parametrize("name", METHODS)
def test_options_that_a_method_does_not_heed_are_refused_by_name(name):
    heeded = jaxsec.METHODS[name].options
    other = {"num_starts": 5, "refine": 3, "smoothing": 0.3, "denoiser": "unet"}
    for option, value in other.items():
        if option in heeded:
            assert getattr(methods.make(name, **{option: value}), option) == value
        else:
            wanted = f"`{option}` is not heeded by method '{name}', but by .*"
            wanted += methods.heeded_by(option)[-1]
            with pytest.raises(jaxsec.InputError, match=wanted):
                methods.make(name, **{option: value})


def test_neutral_values_ask_for_nothing_and_unknown_options_are_errors(no_type_checks):
    assert methods.make("rzf-ns", num_starts=1, refine=0, num_noise_beams=None) == jaxsec.RzfNs()
    given = methods.make("cdm-f-rayleigh", num_noise_beams=2)
    assert given == jaxsec.Diffusion("cdm-f-rayleigh")
    for bad, message in (
        (
            {"method": "cdm", "num_noise_beams": 4},
            "not heeded .*here it is 2",
        ),
        ({"method": "opt", "num_start": 3}, "no option `num_start`"),
        ({"method": jaxsec.Gpip(), "num_starts": 3}, "must be a field of `method`"),
        ({"method": 3}, "`method` must be a name or a method"),
    ):
        with pytest.raises(jaxsec.InputError, match=message):
            methods.make(**bad)


@pytest.mark.parametrize(
    ("typed", "name", "options"),
    [
        (jaxsec.Gpip(num_starts=3), "opt", {"num_starts": 3}),
        (jaxsec.RzfNs(signal_fraction=0.5), "rzf-ns", {"signal_fraction": 0.5}),
        (jaxsec.RzfNs(num_noise_beams=2), "rzf-ns-aimed", {}),
        (jaxsec.Diffusion("cdm", num_samples=3, refine=1), "cdm",
         {"num_samples": 3, "refine": 1}),
    ],
)  # fmt: skip
def test_typed_methods_and_names_design_the_same(typed, name, options):
    channels = cases.channels(**SMALL)
    assert methods.make(name, **options) == typed
    ours = jaxsec.design(channels, method=typed)
    theirs = jaxsec.design(*channels, method=name, **options)
    np.testing.assert_array_equal(ours.w, theirs.w)


def test_diagnostics_tell_how_a_design_was_reached():
    channels = cases.channels(n=N)
    strategy, info = jaxsec.design(channels, diagnostics=True)
    np.testing.assert_allclose(info.rate, jaxsec.sum_secrecy_rate(strategy, channels), rtol=1e-6)
    assert info.iterations.shape == info.converged.shape == (N,)
    assert int(info.iterations.max()) <= 16 and info.candidate_rates is None
    channels = cases.channels(**SMALL)
    strategy, info = jaxsec.design(
        channels, method=jaxsec.Diffusion("cdm", num_samples=3), diagnostics=True
    )
    assert info.candidate_rates.shape == (4, 3) and info.iterations is None
    np.testing.assert_allclose(info.candidate_rates.max(axis=-1), info.rate, rtol=1e-4)


def test_designs_are_reproducible():
    channels = cases.channels(**SMALL)
    for key in (None, jax.random.key(3)):
        first = jaxsec.design(*channels, num_starts=3, key=key)
        second = jaxsec.design(*channels, num_starts=3, key=key)
        np.testing.assert_array_equal(first.w, second.w)


@pytest.mark.parametrize(
    "method", [slow_to_compile(m) for m in ("mrt", "rzf", "rzf-ns", "opt", "opt-loaded", "cdm")]
)
@pytest.mark.parametrize("scale", [1e-14, 1e100])
def test_any_units_of_complex128_give_the_same_design(method, scale):
    """In float32 noise of 1e-40 is zero; a warning on the way would be an error here."""
    channels = cases.channels(n=N)
    given = [np.asarray(x, np.complex128) * scale for x in channels[:2]]
    noise = np.asarray(channels.noise_power, np.float64) * scale**2
    scaled = jaxsec.design(*given, noise, method=method)
    one = jaxsec.design(*given, float(noise[0]), method=method)
    wanted = jaxsec.sum_secrecy_rate(*jaxsec.design(*channels, method=method), *channels)
    for strategy in (scaled, one):
        assert strategy.w.dtype == jnp.complex64
        rate = jaxsec.sum_secrecy_rate(*strategy, *channels)
        np.testing.assert_allclose(rate, wanted, rtol=2e-3)


def test_units_that_no_design_can_serve_are_named():
    channels = cases.channels(n=4)
    with pytest.raises(jaxsec.InputError, match=r"`h_user`: \|h\|²/noise_power is .* same linear"):
        jaxsec.design(*channels[:2], 1e-45)


def test_the_solver_itself_takes_noise_below_float32():
    channels = cases.channels(n=N)
    given = [x * np.float32(1e-14) for x in channels[:2]]
    wanted = gpip.opt(*channels).info.rate
    for arrays in (given, [np.asarray(x) for x in given]):
        np.testing.assert_allclose(gpip.opt(*arrays, 1e-40).info.rate, wanted, rtol=2e-3)


def test_beams_that_are_not_finite_never_leave(monkeypatch):
    def broken(self, key, channels):
        w = np.zeros((*channels.h_user.shape[:-2], 8, 2), np.complex64)
        w[1, 2, 0, 0] = np.nan
        w[2, 0, 7, 1] = np.inf
        return methods.Designed(jaxsec.Strategy(jnp.asarray(w), jnp.asarray(w[..., :0])))

    monkeypatch.setattr(methods.Gpip, "__call__", broken)
    channels = [x.reshape(3, 4, *x.shape[1:]) for x in cases.channels(n=12)]
    with pytest.raises(jaxsec.InputError, match=r"beams for 2 of 12 .* index \(1, 2\)"):
        jaxsec.design(*channels)

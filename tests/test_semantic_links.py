"""`jaxsec.semantic.links`: soft values out of noise and fading, by Bayes, capacity and limits."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr, xlogy

from jaxsec.semantic import channel, information, links
from jaxsec.semantic.links import CHANNELS, Soft
from jaxsec.semantic.scenario import SCENARIOS, Scenario

BITS = 6
MANY = 20_000
SOFT = ("awgn", "rayleigh")
RECEIVE = jax.jit(lambda key, link, logits: link.receive(key, logits))
POSTERIOR = jax.jit(lambda link, heard, logits: link.posterior(heard, logits))
SCENARIO = {
    "awgn": Scenario("awgn", bob=(3.0, 0.0), eve=(0.0, -6.0), bits=BITS // 2),
    "rayleigh": Scenario("rayleigh", bob=(6.0, 2.0), eve=(1.0, -5.0), bits=BITS // 2),
}
WORDS = np.array(list(itertools.product((-1.0, 1.0), repeat=BITS)), np.float32)


@pytest.fixture(scope="module")
def heard():
    """Soft values of a bit that is 1 for sure, sent often at two ratios, by kind."""
    sure = jnp.full((MANY, BITS), 40.0)
    return {
        kind: np.asarray(RECEIVE(jax.random.key(0), SCENARIO[kind].link("bob"), sure), np.float64)
        for kind in SOFT
    }


def test_soft_bits_are_bayes_rule_on_what_is_received():
    """By densities: y = √ρ·h·b + n with complex h and n, b = ±1 equally likely."""
    rng = np.random.default_rng(0)
    for ratio in (0.3, 2.0):
        h, n = rng.normal(scale=0.5**0.5, size=(2, 100, 2)) @ np.array([1, 1j])
        y = np.sqrt(ratio) * h * rng.choice([-1.0, 1.0], 100) + n
        up, down = (np.exp(-(np.abs(y - np.sqrt(ratio) * h * b) ** 2)) for b in (1, -1))
        found = links.soft_bit(
            jnp.asarray((h.conj() * y).real / np.abs(h), jnp.float32),
            jnp.asarray(np.sqrt(ratio) * np.abs(h), jnp.float32),
        )
        np.testing.assert_allclose(found, (up - down) / (up + down), atol=1e-5)


@pytest.mark.parametrize("kind", SOFT)
def test_hard_decisions_are_wrong_as_often_as_the_textbook_says(heard, kind):
    snr = SCENARIO[kind].link("bob").snr
    wanted = {
        "awgn": ndtr(-np.sqrt(2 * snr)),  # J. Proakis, Digital Communications, (5.2-57), (14.3-7)
        "rayleigh": 0.5 * (1 - np.sqrt(snr / (1 + snr))),
    }[kind]
    np.testing.assert_allclose(np.mean(heard[kind] < 0, axis=0), wanted, atol=4 * 0.5 / MANY**0.5)


@pytest.mark.parametrize("kind", SOFT)
def test_a_soft_value_is_right_as_often_as_it_says(heard, kind):
    """Given |T|, the sign is that of the bit with probability (1 + |T|)/2."""
    size, right = np.abs(heard[kind]).ravel(), heard[kind].ravel() > 0
    which = np.digitize(size, np.linspace(0, 1, 11))
    for at in range(1, 11):
        inside = which == at
        p = 0.5 * (1 + size[inside].mean())
        assert right[inside].mean() == pytest.approx(p, abs=4 * 0.5 / inside.sum() ** 0.5)


@pytest.mark.parametrize("kind", SOFT)
def test_capacity_is_the_information_of_the_soft_values(heard, kind):
    link = SCENARIO[kind].link("bob")
    told = np.log2(1 + heard[kind])  # log p(z|1)/p(z), the bits being equally likely
    sure = 4 * told.std(axis=0) / MANY**0.5
    np.testing.assert_allclose(told.mean(axis=0), link.capacity(), atol=sure.max())
    halves = 1 - channel.binary_entropy(0.5 * (1 - np.abs(heard[kind])))  # a flip, known how likely
    np.testing.assert_allclose(halves.mean(axis=0), link.capacity(), atol=sure.max())


def test_capacity_by_quadrature_is_that_of_adaptive_integration():
    def awgn(ratio):
        def lost(x):
            llr = 4 * ratio + np.sqrt(8 * ratio) * x
            return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) * np.logaddexp(0, -llr) / np.log(2)

        return 1 - quad(lost, -12, 12, limit=200)[0]

    snr = np.array([0.01, 1.0, 30.0])
    without, fading = (Soft(snr, np.asarray(x)).capacity() for x in (0.0, 1.0))
    np.testing.assert_allclose(without, [awgn(x) for x in snr], atol=1e-7)
    faded = quad(lambda e: np.exp(-e) * awgn(e), 0, 40, limit=200)[0]
    assert fading[1] == pytest.approx(faded, abs=1e-5)
    assert (fading < without).all()  # Jensen: capacity is concave in the ratio


def test_soft_values_carry_more_than_hard_decisions():
    snr = 10.0 ** (np.arange(-30, 11, 5) / 10)
    wrong = (ndtr(-np.sqrt(2 * snr)), 0.5 * (1 - np.sqrt(snr / (1 + snr))))
    for fading, crossover in zip((0.0, 1.0), wrong, strict=True):
        hard, soft = 1 - channel.binary_entropy(crossover), Soft(snr, np.asarray(fading)).capacity()
        assert (soft > hard).all()
    faint = Soft(snr[:1], np.asarray(0.0)).capacity() / (1 - channel.binary_entropy(wrong[0][:1]))
    assert faint[0] == pytest.approx(np.pi / 2, rel=2e-3)  # the 2 dB that hard decisions lose


def test_fading_that_does_not_spread_is_no_fading(monkeypatch):
    still, awgn = (Soft(np.float32([2.0] * BITS), np.float32(x)) for x in (1.0, 0.0))
    logits, key = jnp.linspace(-3, 3, BITS), jax.random.key(2)
    spread = still.receive(key, logits)
    monkeypatch.setattr(jax.random, "exponential", lambda key, shape: jnp.ones(shape))
    np.testing.assert_array_equal(still.receive(key, logits), awgn.receive(key, logits))
    assert (np.asarray(spread) != np.asarray(awgn.receive(key, logits))).all()


@pytest.mark.parametrize("kind", SOFT)
def test_straight_through_is_the_gradient_of_the_mean(kind):
    """Of E[T | bit], times what the logit does to the bit's mean."""
    link = SCENARIO[kind].link("eve")
    logits = jnp.linspace(-2.0, 2.0, BITS)
    many = jnp.broadcast_to(logits, (MANY, BITS))
    slope = jax.jit(jax.grad(lambda l: jnp.sum(link.receive(jax.random.key(1), l))))(many)
    sure = RECEIVE(jax.random.key(1), link, jnp.full((MANY, BITS), 40.0))
    wanted = 0.5 * (1 - np.tanh(logits / 2) ** 2) * np.mean(sure, axis=0)
    np.testing.assert_allclose(np.mean(slope, axis=0), wanted, atol=4 * 0.5 / MANY**0.5)


@pytest.mark.parametrize("kind", SOFT)
def test_the_posterior_is_that_of_enumeration(kind):
    rng = np.random.default_rng(1)
    logits = 3 * rng.normal(size=(5, 9, BITS))
    soft = rng.uniform(-0.99, 0.99, (40, BITS))
    sent = 1 / (1 + np.exp(-WORDS[:, None, None] * logits))  # p(b|x), [W, D, C, N]
    seen = 0.5 * (1 + WORDS[:, None] * soft)  # ∝ p(z|b), [W, Z, N]
    each = np.einsum("wz,wdc->zc", np.prod(seen, axis=-1), np.prod(sent, axis=-1))
    found = POSTERIOR(
        SCENARIO[kind].link("eve"), jnp.asarray(soft, jnp.float32), jnp.asarray(logits, jnp.float32)
    )
    np.testing.assert_allclose(found, np.log(each / each.sum(axis=1, keepdims=True)), atol=1e-4)


@pytest.mark.parametrize("kind", SOFT)
@pytest.mark.parametrize("scale", [0.5, 3.0, 30.0])
def test_nobody_knows_more_than_the_channel_carries(kind, scale):
    """I(picture; heard) exactly over the bits, by sampling over reliabilities; falls with noise."""
    logits = scale * np.random.default_rng(0).normal(size=(3, 9, BITS))
    uniform = jnp.zeros((64, BITS))
    known = []
    for copies in (0.0, 0.5, 1.0, 2.0, 1e4):
        link = SCENARIO[kind].degraded(copies)
        size = np.abs(np.float64(RECEIVE(jax.random.key(0), link, uniform)))
        mean = size[:, None, None] * np.tanh(logits / 2)
        each = np.prod(0.5 * (1 + WORDS[:, None, None, None] * mean), axis=-1)  # [W, draw, D, C]
        total = each.mean(axis=(2, 3))
        told = np.mean(xlogy(each, each / total[..., None, None]), axis=(2, 3)).sum(axis=0)
        told = told / np.log(2)
        assert (told >= -1e-9).all()
        carried = (1 - channel.binary_entropy(0.5 * (1 - size))).sum(axis=-1)
        assert (told <= carried + 1e-9).all()  # draw by draw
        assert carried.mean() == pytest.approx(
            link.capacity().sum(), abs=4 * carried.std() / 8 + 1e-3
        )
        known.append(told.mean())
    assert (np.diff(known) < 1e-9).all() and known[-1] < 0.01


@pytest.mark.parametrize("kind", SOFT)
def test_knowledge_sampled_is_within_the_capacity_and_less_from_a_noisier_channel(kind):
    logits = jnp.asarray(9 * np.random.default_rng(2).normal(size=(4, 9, BITS)), jnp.float32)
    secret = jnp.asarray(np.tile(np.arange(9), 4 * 100))
    many = jnp.tile(logits.reshape(36, BITS), (100, 1))
    found = []
    for copies in (0.0, 1.0):
        link = SCENARIO[kind].degraded(copies)
        log_guess = POSTERIOR(link, RECEIVE(jax.random.key(3), link, many), logits)
        found.append(information.knowledge(log_guess, secret))
        assert found[-1].bits <= link.capacity().sum()
    assert found[1].bits < found[0].bits and found[1].accuracy < found[0].accuracy


@pytest.mark.parametrize("kind", SOFT)
def test_degraded_adds_noise_from_bobs_channel_to_eves(kind):
    scenario = SCENARIO[kind]
    bob, eve = (1 / np.float64(scenario.link(who).snr) for who in ("bob", "eve"))
    for copies in (0.0, 0.5, 1.0, 3.0):
        found = scenario.degraded(copies)
        np.testing.assert_allclose(1 / found.snr, bob + copies * (eve - bob), rtol=1e-5)
        assert found.rayleigh == (kind == "rayleigh")


def test_scenarios_of_all_kinds_carry_alike():
    assert set(SCENARIOS) == set(CHANNELS)
    for who in ("bob", "eve"):
        wanted = SCENARIOS["bsc"].capacities(who)
        for scenario in SCENARIOS.values():
            each = np.subtract(scenario.capacities(who), wanted) / scenario.bits
            assert np.abs(each).max() < 0.01

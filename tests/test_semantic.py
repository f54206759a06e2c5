"""`jaxsec.semantic`: the source and its secret, the channels, and what can be known over them."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.checks import InputError
from jaxsec.semantic import channel, information, source
from jaxsec.semantic.links import Hard
from jaxsec.semantic.scenario import Scenario

BITS = 6
RECEIVE = jax.jit(channel.receive)
DIVERGENCE = jax.jit(channel.divergence_from_uniform)
POSTERIOR = jax.jit(information.posterior)
KNOWLEDGE = jax.jit(information.knowledge)
SCENARIO = Scenario(bob=(0.02, 0.1), eve=(0.1, 0.3), bits=BITS // 2)


@pytest.fixture(scope="module")
def digits():
    return source.load()


def test_a_class_is_a_colour_and_a_thickness_and_nothing_else(digits):
    _, test_on = digits
    batch = source.everything(test_on)
    pictures = np.asarray(batch.pictures).reshape(len(test_on.ink), 3, 3, 256, 3)  # colour first
    assert pictures.min() == 0.0 and pictures.max() == 1.0
    for colour in range(3):
        others = [c for c in range(3) if c != colour]
        assert (pictures[:, colour, :, :, others] == 0.0).all()
        np.testing.assert_array_equal(pictures[:, colour, :, :, colour], test_on.ink)
    assert (np.diff(test_on.ink, axis=1) >= 0.0).all()  # what is ink when thin is ink when thick
    assert (np.diff(test_on.ink.mean(axis=-1), axis=1) > 0.03).all()


def test_the_secret_is_independent_of_the_digit(digits):
    batch = source.sample(digits[0], np.random.default_rng(0), 20_000)
    shown = np.bincount(batch.secret, minlength=9) / 20_000
    np.testing.assert_allclose(shown, 1 / 9, atol=4 * np.sqrt(8 / 81 / 20_000))
    steps = [source.sample_step(digits[0], (0, 1), step, 8) for step in (3, 3, 4)]
    assert steps[0].pictures.shape == (8, 2, 768)
    np.testing.assert_array_equal(steps[0].secret, steps[1].secret)
    assert (steps[0].secret != steps[2].secret).any()
    assert (steps[0].secret[:, 0] != steps[0].secret[:, 1]).any()  # a stream a seed


def test_capacity_in_closed_form():
    assert Hard(np.array([0.5, 0.5])).capacity().sum() == 0.0
    assert Hard(np.array([0.0, 0.0, 0.5])).capacity().sum() == pytest.approx(2.0)
    assert Hard(np.array([0.11])).capacity() == pytest.approx(0.5, abs=1e-3)  # h(0.11) = 0.4999


def test_degraded_is_a_chain_of_channels_from_bobs_to_deaf():
    bob, eve = (SCENARIO.link(who).crossover for who in ("bob", "eve"))
    apart = (eve - bob) / (1 - 2 * bob)
    twice = eve * (1 - apart) + apart * (1 - eve)  # flipped by one of the two
    for copies, wanted in ((0.0, bob), (1.0, eve), (2.0, twice), (1e4, 0.5)):
        np.testing.assert_allclose(SCENARIO.degraded(copies).crossover, wanted, atol=1e-6)
    deaf = Scenario(bob=(0.5,), eve=(0.5,), bits=1)
    np.testing.assert_array_equal(deaf.degraded(0.5).crossover, 0.5)


def test_received_bits_are_flipped_as_often_as_the_channel_says():
    crossover = SCENARIO.link("eve").crossover
    sure = jnp.broadcast_to(jnp.where(jnp.arange(BITS) % 2 == 0, 40.0, -40.0), (40_000, BITS))
    heard = np.asarray(RECEIVE(jax.random.key(0), sure, jnp.asarray(crossover)))
    np.testing.assert_allclose(np.abs(heard), 1.0, atol=1e-6)
    flipped = np.mean(heard * np.sign(np.asarray(sure)) < 0, axis=0)
    np.testing.assert_allclose(flipped, crossover, atol=4 * np.sqrt(0.25 / 40_000))


def test_straight_through_is_the_gradient_of_the_mean():
    logits = jnp.linspace(-2.0, 2.0, BITS)
    crossover = jnp.asarray(SCENARIO.link("eve").crossover)
    key = jax.random.key(0)
    got = jax.jit(jax.grad(lambda l: jnp.sum(channel.receive(key, l, crossover))))(logits)
    wanted = (1 - 2 * crossover) * 0.5 * (1 - jnp.tanh(logits / 2) ** 2)
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


def test_divergence_is_no_information_at_zero_and_all_of_it_far_away():
    far = jnp.full((1, BITS), 50.0)
    np.testing.assert_allclose(DIVERGENCE(0 * far), 0.0, atol=1e-6)
    np.testing.assert_allclose(DIVERGENCE(-far), BITS * np.log(2.0), rtol=1e-6)
    logit = jnp.array([[1.0]])
    p = 1 / (1 + np.exp(-1.0))
    closed = p * np.log(2 * p) + (1 - p) * np.log(2 * (1 - p))
    np.testing.assert_allclose(DIVERGENCE(logit), closed, rtol=1e-5)


WORDS = np.array(list(itertools.product((-1.0, 1.0), repeat=BITS)), np.float32)


def enumerated(logits, crossover):
    """I(class; word) and I(picture; word) in bits over all 2^N words [D, C, N], in float64."""
    mean = (1 - 2 * np.float64(crossover)) * np.tanh(np.float64(logits) / 2)
    each = np.prod(0.5 * (1 + WORDS[:, None, None] * mean), axis=-1)  # [W, D, C]
    total = each.mean(axis=(1, 2))

    def told(p):
        return np.sum(p * np.log2(p / total[:, None])) / p.shape[1]

    return told(each.mean(axis=1)), told(each.reshape(len(WORDS), -1))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scale", [0.5, 3.0, 30.0])
def test_nobody_knows_more_than_the_channel_carries(seed, scale):
    logits = scale * np.random.default_rng(seed).normal(size=(5, 9, BITS)).astype(np.float32)
    divergence = np.mean(DIVERGENCE(jnp.asarray(logits))) / np.log(2.0)
    known = {}
    for copies in (0.0, 0.5, 1.0, 2.0):  # 0 is Bob
        crossover = SCENARIO.degraded(copies).crossover
        secret, picture = known[copies] = enumerated(logits, crossover)
        assert 0.0 <= secret <= picture <= Hard(crossover).capacity().sum()
        assert picture <= divergence + 1e-5
    for better, worse in itertools.pairwise(known.values()):
        assert worse[0] <= better[0] and worse[1] <= better[1]  # data processing


def test_the_posterior_is_that_of_enumeration():
    logits = 3 * np.random.default_rng(1).normal(size=(5, 9, BITS)).astype(np.float32)
    crossover = SCENARIO.link("eve").crossover
    mean = (1 - 2 * crossover) * np.tanh(logits / 2)
    found = POSTERIOR(jnp.asarray(WORDS), jnp.asarray(mean))
    each = np.prod(0.5 * (1 + WORDS[:, None, None] * mean), axis=-1).mean(axis=1)
    np.testing.assert_allclose(found, np.log(each / each.sum(axis=1, keepdims=True)), atol=1e-4)


def test_knowledge_sampled_is_knowledge_enumerated():
    """And no network's guess is better than the posterior: here one of the same, tempered."""
    logits = 3 * np.random.default_rng(2).normal(size=(5, 9, BITS)).astype(np.float32)
    crossover = SCENARIO.link("bob").crossover
    secret = np.tile(np.arange(9), 5 * 400)
    many = jnp.asarray(np.tile(logits.reshape(45, BITS), (400, 1)))
    heard = RECEIVE(jax.random.key(3), many, jnp.asarray(crossover))
    mean = np.float32((1 - 2 * crossover) * np.tanh(logits / 2))
    log_guess = POSTERIOR(heard, jnp.asarray(mean))
    found = KNOWLEDGE(log_guess, jnp.asarray(secret))
    assert found.bits == pytest.approx(enumerated(logits, crossover)[0], abs=0.05)
    tempered = KNOWLEDGE(jax.nn.log_softmax(0.3 * log_guess), jnp.asarray(secret))
    assert tempered.bits < found.bits and tempered.accuracy == found.accuracy


def test_a_deaf_eve_guesses_at_random():
    logits = jnp.asarray(5 * np.random.default_rng(0).normal(size=(45, BITS)), jnp.float32)
    crossover = jnp.full(BITS, 0.5)
    heard = RECEIVE(jax.random.key(0), logits, crossover)
    log_guess = POSTERIOR(heard, jnp.zeros((5, 9, BITS)))
    np.testing.assert_allclose(log_guess, -np.log(9.0), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"eve": (0.1,)},
            "must name a crossover probability for each of the same channels, but name 4 and 1",
        ),
        ({"eve": (0.1, 0.2, 0.4, 0.6)}, "`eve` must lie between 0 and 0.5, a crossover"),
        ({"bob": (0.2, 0.0, 0.0, 0.0)}, "`eve` must not be better than `bob` in any channel, but"),
        ({"channel": "fog"}, "`channel` must be one of bsc, awgn, rayleigh, but is 'fog'"),
        (
            {"channel": "awgn"},
            "but has 0.05 where Bob has 0.02, a signal-to-noise ratio in dB",
        ),
        (
            {"channel": "rayleigh", "bob": (90.0,), "eve": (0.0,)},
            "`bob` must lie between -40 and 40, a signal-to-noise ratio in dB, but has 90",
        ),
        ({"bits": 0}, "`bits` must be at least 1, but is 0"),
    ],
)
@pytest.mark.usefixtures("no_type_checks")
def test_channels_out_of_range_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Scenario(**change)

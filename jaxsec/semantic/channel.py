"""Parallel binary symmetric channels: Bob's, and worse ones of Eve.

A code word is split over parallel channels; in each of them Bob and Eve receive every bit flipped
with a probability of their own. Where Eve's probability is ½ she receives nothing. The channel of
Eve is a degraded one of Bob's, so its secrecy capacity is the difference of the capacities
(A. D. Wyner, The wire-tap channel, 1975).

Shapes: B code words, N bits. Bits are -1 and +1, so that a flip is a factor.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxsec import checks


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Parallel channels: how often each flips a bit for Bob and for Eve, and its bits.

    Raises:
      InputError: a number is out of its range, or Eve's channel is better than Bob's.
    """

    bob: tuple[float, ...] = (0.02, 0.02, 0.02, 0.02)
    """Crossover probability of each channel."""
    eve: tuple[float, ...] = (0.05, 0.08, 0.45, 0.45)
    """The same of Eve's; at least Bob's."""
    bits: int = 16
    """Of a code word in each channel."""

    def __post_init__(self) -> None:
        checks.require(
            len(self.bob) == len(self.eve) > 0,
            "`bob` and `eve` must name a probability for each of the same channels, but name "
            f"{len(self.bob)} and {len(self.eve)}",
        )
        for name, values in (("bob", self.bob), ("eve", self.eve)):
            for value in values:
                checks.require(
                    0.0 <= value <= 0.5, f"`{name}` must lie between 0 and 0.5, but has {value}"
                )
        for bob, eve in zip(self.bob, self.eve, strict=True):
            checks.require(
                bob <= eve, f"`eve` must be at least `bob` in every channel, but has {eve} < {bob}"
            )
        checks.check_at_least("bits", self.bits, 1)

    @property
    def num_bits(self) -> int:
        """N, of a code word."""
        return len(self.bob) * self.bits

    def crossover(self, who: str) -> Float[np.ndarray, " N"]:
        """Probability that each bit is flipped for `bob` or `eve`."""
        return np.repeat(np.float32(getattr(self, who)), self.bits)


def binary_entropy(p: Float[np.ndarray, "*A"]) -> Float[np.ndarray, "*A"]:
    """h(p) = −p·log₂ p − (1−p)·log₂(1−p), bits."""
    from scipy.special import entr

    p = np.asarray(p, np.float64)
    return (entr(p) + entr(1.0 - p)) / np.log(2.0)


def capacity(crossover: Float[np.ndarray, " N"]) -> float:
    """Bits of information that a code word can carry at most, Σ_i 1 − h(p_i).

    Args:
      crossover: probability p_i that a bit is flipped.

    Returns:
      The sum over the bits.

    Example:
      >>> capacity(np.array([0.0, 0.5, 0.5]))
      1.0
    """
    return float(np.sum(1.0 - binary_entropy(crossover)))


def degraded(scenario: Scenario, copies: float) -> Float[np.ndarray, " N"]:
    """Eve's crossover probabilities where what parts her from Bob happens `copies` times over.

    Eve's channel is Bob's followed by one that flips with r = (p_E − p_B)/(1 − 2p_B); each more of
    those multiplies 1 − 2p by 1 − 2r. 0 gives her Bob's channel, 1 her own, large numbers ½: the
    more copies, the less she can know.
    """
    bob, eve = (1.0 - 2.0 * scenario.crossover(who) for who in ("bob", "eve"))
    apart = np.divide(eve, bob, out=np.ones_like(bob), where=bob > 0)
    return 0.5 * (1.0 - bob * apart**copies)


def received_mean(
    logits: Float[Array, "*B N"], crossover: Float[Array | np.ndarray, " N"]
) -> Float[Array, "*B N"]:
    """Mean of what is received, (1 − 2p)·tanh(ℓ/2): code bit and channel are a coin each."""
    kept = jnp.broadcast_to(1.0 - 2.0 * crossover, logits.shape)
    return kept * jnp.tanh(0.5 * logits)


def receive(
    key: Key[Array, ""],
    logits: Float[Array, "*B N"],
    crossover: Float[Array | np.ndarray, " N"],
) -> Float[Array, "*B N"]:
    """Bits ±1 as received: drawn from Bernoulli distributions of these logits, then flipped.

    The gradient is the straight-through one, that of the mean (Y. Bengio et al., Estimating or
    propagating gradients through stochastic neurons, 2013).
    """
    mean = received_mean(logits, crossover)
    drawn = jnp.where(jax.random.bernoulli(key, 0.5 * (1.0 + mean)), 1.0, -1.0)
    return mean + jax.lax.stop_gradient(drawn - mean)


def divergence_from_uniform(logits: Float[Array, "*B N"]) -> Float[Array, "*B"]:
    """Σ_i KL(Bernoulli(σ(ℓ_i)) ‖ Bernoulli(½)), nats: the most that the bits tell of a picture."""
    p = jax.nn.sigmoid(logits)
    return jnp.sum(jnp.log(2.0) - jax.nn.softplus(logits) + p * logits, axis=-1)

"""Kinds of channels from code bits to a receiver: hard decisions, or soft values out of noise.

A code bit b = ±1 either arrives flipped or not (`Hard`), or is sent as a symbol of BPSK and arrives
as y = √ρ·h·b + n, n ~ CN(0, 1), where h is 1 (AWGN), or CN(0, 1), independent from bit to bit and
known to the receiver (Rayleigh); ρ is the mean signal-to-noise ratio (`Soft`). All that y says of b
is in its log-likelihood ratio

    L = log p(y | b = 1) − log p(y | b = −1) = 4√ρ·Re(h*·y)

and receivers are given tanh(L/2), the mean of b given y when both signs are equally likely.

Shapes: B code words, N bits; Z received words, D digits, C classes.
"""

import operator
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxsec.semantic import channel, information

Kind = Literal["bsc", "awgn", "rayleigh"]


class Hard(NamedTuple):
    """Bits ±1, each flipped with a probability of its own (`channel`)."""

    crossover: Float[Array | np.ndarray, " N"]

    def receive(self, key: Key[Array, ""], logits: Float[Array, "*B N"]) -> Float[Array, "*B N"]:
        """What arrives of bits drawn with these logits."""
        return channel.receive(key, logits, self.crossover)

    def posterior(
        self, heard: Float[Array, "Z N"], logits: Float[Array, "D C N"]
    ) -> Float[Array, "Z C"]:
        """log p(class | heard), where `logits` are those of all pictures."""
        return information.posterior(heard, channel.received_mean(logits, self.crossover))

    def capacity(self) -> Float[np.ndarray, " N"]:
        """Bits of information a code bit, 1 − h(p)."""
        return 1.0 - channel.binary_entropy(np.asarray(self.crossover))


class Soft(NamedTuple):
    """Bits ±1 sent over noise and fading, received as soft values."""

    snr: Float[Array | np.ndarray, " N"]
    """ρ, of each bit; a ratio, not decibels."""
    rayleigh: Float[Array | np.ndarray, ""]
    """1 for fading, 0 for none."""

    def receive(self, key: Key[Array, ""], logits: Float[Array, "*B N"]) -> Float[Array, "*B N"]:
        """tanh(L/2) of bits drawn with these logits.

        The gradient is the straight-through one: that of the mean over the bit, given the noise and
        the fading.
        """
        key_bit, key_gain, key_noise = jax.random.split(key, 3)
        gain = self._gain(key_gain, logits.shape)
        noise = jnp.sqrt(0.5) * jax.random.normal(key_noise, logits.shape)
        up, down = (soft_bit(bit * gain + noise, gain) for bit in (1.0, -1.0))
        mean = 0.5 * (up + down) + 0.5 * (up - down) * jnp.tanh(0.5 * logits)
        drawn = jnp.where(jax.random.bernoulli(key_bit, jax.nn.sigmoid(logits)), up, down)
        return mean + jax.lax.stop_gradient(drawn - mean)

    def posterior(
        self, heard: Float[Array, "Z N"], logits: Float[Array, "D C N"]
    ) -> Float[Array, "Z C"]:
        """log p(class | heard), where `logits` are those of all pictures."""
        return information.soft_posterior(heard, jnp.tanh(0.5 * logits))

    def capacity(self) -> Float[np.ndarray, " N"]:
        """Bits of information a code bit, 1 − E log₂(1 + e^−L) given b = 1, by quadrature.

        Given h, L ~ N(4ρ|h|², 8ρ|h|²); |h|² is 1, or exponential.
        """
        noise, weight = _quadrature(-9.0, 9.0, lambda x: np.exp(-0.5 * x**2))
        log_power, share = _quadrature(-25.0, 4.0, lambda t: np.exp(t - np.exp(t)))
        if not self.rayleigh:
            log_power, share = np.zeros(1), np.ones(1)
        distinct, place = np.unique(np.asarray(self.snr, np.float64), return_inverse=True)
        ratio = distinct[:, None, None] * np.exp(log_power)[:, None]
        lost = np.logaddexp(0.0, -(4.0 * ratio + np.sqrt(8.0 * ratio) * noise)) @ weight
        return (1.0 - lost @ share / np.log(2.0))[place]

    def _gain(self, key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "..."]:
        """√ρ·|h|."""
        fading = jnp.sqrt(jax.random.exponential(key, shape))
        gain = jnp.where(self.rayleigh > 0, fading, jnp.ones_like(fading))
        return gain * jnp.broadcast_to(jnp.sqrt(self.snr), shape)


Link = Hard | Soft
Numbers = Float[np.ndarray, " N"]


def soft_bit(y: Float[Array, "*B"], gain: Float[Array, "*B"]) -> Float[Array, "*B"]:
    """tanh(L/2) of a symbol whose phase is undone: y is Re(h*·y)/|h|, `gain` is √ρ·|h|."""
    return jnp.tanh(2.0 * gain * y)


def _quadrature(
    low: float, high: float, density: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of sum one, for a density that is smooth and ends at nothing."""
    points = np.linspace(low, high, 401)
    weights = density(points)
    return points, weights / np.sum(weights)


class Channel(NamedTuple):
    """A kind of channel: the number that says how good one is, and what is made of it."""

    number: str
    """What it is called."""
    least: float
    most: float
    ordered: Callable[[float, float], bool]
    """How the number of a channel stands to that of one that is no better."""
    degraded: Callable[[Numbers, Numbers, float], Numbers]
    """That of Bob's channel followed so many times by what makes it Eve's."""
    link: Callable[[Numbers], Link]
    """From the number of each bit."""


def _more_flips(bob: Numbers, eve: Numbers, copies: float) -> Numbers:
    """Eve's flips r = (p_E − p_B)/(1 − 2p_B); each of these multiplies 1 − 2p by 1 − 2r."""
    ours, hers = 1.0 - 2.0 * bob, 1.0 - 2.0 * eve
    apart = np.divide(hers, ours, out=np.ones_like(ours), where=ours > 0)
    return 0.5 * (1.0 - ours * apart**copies)


def _more_noise(bob: Numbers, eve: Numbers, copies: float) -> Numbers:
    """Eve's has noise 1/ρ_E − 1/ρ_B more."""
    ours, hers = (10.0 ** (-snr_db / 10.0) for snr_db in (bob, eve))
    return -10.0 * np.log10(ours + copies * (hers - ours))


def _soft(rayleigh: float) -> Channel:
    return Channel(
        "signal-to-noise ratio in dB",
        least=-40.0,
        most=40.0,
        ordered=operator.ge,
        degraded=_more_noise,
        link=lambda snr_db: Soft(10.0 ** (snr_db / 10.0), np.asarray(rayleigh, np.float32)),
    )


CHANNELS: dict[str, Channel] = {
    "bsc": Channel("crossover probability", 0.0, 0.5, operator.le, _more_flips, Hard),
    "awgn": _soft(0.0),
    "rayleigh": _soft(1.0),
}
"""By their `Kind`."""

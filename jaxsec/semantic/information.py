"""What can be known of a secret from received bits, at best: Bayes' rule over all pictures.

The code is a coin a bit, and so is the channel. Given the picture, received bits are independent,
p(z|x) = Π_i (1 + z_i·m_i(x))/2 with m_i the mean of what is received; given the class they are the
mixture of that over the digits. So where pictures are drawn from a finite set, the posterior of the
class is known exactly, and with it the best that any eavesdropper can do who knows the encoder and
every picture: no network, however large and however long it is trained, is right more often.

Soft values (`soft_posterior`) are the same with m_i the mean of the code bit.

Shapes: Z received words, D digits, C classes, N bits.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

LARGEST = 1.0 - 1e-6
"""Mean of a bit that is sure: keeps logarithms finite in float32."""


class Knowledge(NamedTuple):
    """Of a secret, from guesses at it."""

    accuracy: Float[Array, ""]
    """How often the likeliest class is the right one."""
    bits: Float[Array, ""]
    """log₂ C less the cross-entropy: the information in bits where guesses are the posterior, a
    lower bound on it for all others."""


def posterior(heard: Float[Array, "Z N"], mean: Float[Array, "D C N"]) -> Float[Array, "Z C"]:
    """log p(class | received word), all pictures being equally likely.

    Args:
      heard: bits ±1.
      mean: of the received bits, by picture.
    """
    mean = jnp.clip(mean, -LARGEST, LARGEST)
    above, below = jnp.log1p(mean), jnp.log1p(-mean)
    slope, offset = 0.5 * (above - below), 0.5 * jnp.sum(above + below, axis=-1)

    def likelihood(of_class: tuple[Array, Array]) -> Array:
        return jax.nn.logsumexp(heard @ of_class[0].T + of_class[1], axis=-1)

    by_class = (slope.swapaxes(0, 1), offset.T[:, None, :])
    return jax.nn.log_softmax(jax.lax.map(likelihood, by_class).T, axis=-1)


def soft_posterior(heard: Float[Array, "Z N"], mean: Float[Array, "D C N"]) -> Float[Array, "Z C"]:
    """The same from soft values.

    A soft value T = tanh(L/2) has a size whose density is that of either bit, and is a bit that is
    right with probability (1 + |T|)/2: p(z|x) ∝ Π_i (1 + T_i·m_i(x)).

    Args:
      heard: T, in [−1, 1].
      mean: of the code bits, by picture.
    """
    mean = jnp.clip(mean, -LARGEST, LARGEST)

    def likelihood(of_class: Float[Array, "D N"]) -> Float[Array, "Z"]:
        def add(total: Float[Array, "Z D"], bit: tuple[Array, Array]) -> tuple[Array, None]:
            return total + jnp.log1p(bit[0][:, None] * bit[1][None]), None

        nothing = jnp.zeros((heard.shape[0], of_class.shape[0]), heard.dtype)
        return jax.nn.logsumexp(jax.lax.scan(add, nothing, (heard.T, of_class.T))[0], axis=-1)

    return jax.nn.log_softmax(jax.lax.map(likelihood, mean.swapaxes(0, 1)).T, axis=-1)


def knowledge(log_guess: Float[Array, "Z C"], secret: Int[Array, " Z"]) -> Knowledge:
    """How good guesses are."""
    right = jnp.argmax(log_guess, axis=-1) == secret
    told = jnp.take_along_axis(log_guess, secret[:, None], axis=-1)
    return Knowledge(
        jnp.mean(right.astype(log_guess.dtype)),
        (np.log(log_guess.shape[-1]) + jnp.mean(told)) / np.log(2.0),
    )

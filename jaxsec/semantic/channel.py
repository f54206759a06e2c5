"""Code bits, and the binary symmetric channel, which flips each of them with a probability.

Shapes: B code words, N bits. Bits are -1 and +1, so that a flip is a factor.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key


def binary_entropy(p: Float[np.ndarray, "*A"]) -> Float[np.ndarray, "*A"]:
    """h(p) = −p·log₂ p − (1−p)·log₂(1−p), bits."""
    from scipy.special import entr

    p = np.asarray(p, np.float64)
    return (entr(p) + entr(1.0 - p)) / np.log(2.0)


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

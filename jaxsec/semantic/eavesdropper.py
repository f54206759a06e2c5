"""A fresh Eve: a network larger than the adversary of training, trained when the code is settled.

She knows the encoder and the pictures it was trained on, may encode as many as she likes, and has
her own channel. Training ends when it no longer helps: her rate falls as a cosine to a hundredth.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key

from jaxsec import keys
from jaxsec.compiled import compiled
from jaxsec.learning import state as states
from jaxsec.semantic import networks
from jaxsec.semantic.information import Knowledge, knowledge
from jaxsec.semantic.links import Link
from jaxsec.semantic.networks import Dense
from jaxsec.semantic.source import NUM_CLASSES

WIDTHS = (512, 256)
NUM_STEPS = 2000
BATCH_SIZE = 512
LEARNING_RATE = 2e-3
EMA = 0.995
NETWORK = Dense(WIDTHS, NUM_CLASSES)


class Code(NamedTuple):
    """Encoded pictures."""

    logits: Float[Array, "B N"]
    """Of their code bits."""
    secret: Int[Array, " B"]
    """Their classes."""


def fit(
    key: Key[Array, ""],
    code: Code,
    link: Link,
    num_steps: int = NUM_STEPS,
) -> Any:
    """Her parameters, averaged over the end of her training.

    Args:
      key: of her network, batches and noise.
      code: of the pictures that she learns from.
      link: her channel.
      num_steps: of her training.
    """
    adam = states.adam(LEARNING_RATE, NUM_STEPS // 20, num_steps, max_gradient=10.0)
    params = NETWORK.init(keys.stream(key, "network"), code.logits[:1])

    def step(state: states.State, turn: Array) -> tuple[states.State, None]:
        at = keys.step(keys.stream(key, "steps"), turn)
        index = jax.random.randint(keys.stream(at, "index"), (BATCH_SIZE,), 0, len(code.secret))
        heard = link.receive(keys.stream(at, "heard"), code.logits[index])
        gradient = jax.grad(_cross_entropy)(state.params, heard, code.secret[index])
        return states.advance(state, gradient, adam, EMA), None

    first = states.initial(params, adam)
    return jax.lax.scan(step, first, jnp.arange(num_steps))[0].ema


@compiled()
def judge(key: Key[Array, ""], params: Any, code: Code, link: Link) -> Knowledge:
    """What she knows of pictures that she has not seen, each sent once."""
    heard = link.receive(key, code.logits)
    return knowledge(jax.nn.log_softmax(networks.run(NETWORK, params, heard)), code.secret)


def _cross_entropy(params: Any, heard: Array, secret: Array) -> Array:
    guess = networks.run(NETWORK, params, heard)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(guess, secret))

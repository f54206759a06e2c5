"""The robust reference: the best that is known for channels known with an error, and slow.

Stochastic gradient ascent, a run for every channel, on the smooth sum secrecy rate expected over
the posterior, from a given design. What a robust design is judged against, as `reference` is for
channels that are known.
"""

import functools

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float, Key

from jaxsec import checks, secrecy
from jaxsec.channels.knowledge import Posterior, sample
from jaxsec.strategy import Strategy, pack_real, unpack_real

LEARNING_RATE = 0.01
"""Adam's, at the first step; ‖u‖ = 1."""
SMOOTHING = 0.02
"""Of the maximum over eavesdroppers, bit/s/Hz."""
AVERAGED = 0.3
"""Share of the steps, the last ones, whose iterates are averaged."""


def ascend(
    key: Key[Array, ""],
    start: Strategy,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    num_steps: int = 700,
    num_draws: int = 96,
) -> Strategy:
    """A strategy of larger expected rate, at full power.

    Args:
      key: for the draws of the posterior.
      start: w [n, M, K] and v [n, M, J] to ascend from.
      known: the posterior of n channels.
      noise_power: σ0²/P, a scalar or [n].
      num_steps: steps of Adam, its rate falling as a cosine.
      num_draws: fresh draws of the posterior a step.

    Raises:
      InputError: a count is out of its range.
    """
    checks.check_at_least("num_steps", num_steps, 1)
    checks.check_at_least("num_draws", num_draws, 1)
    noise_power = jnp.broadcast_to(jnp.asarray(noise_power), known.h_user.shape[:-2])
    return _ascend(key, start, known, noise_power, num_steps=num_steps, num_draws=num_draws)


@functools.partial(jax.jit, static_argnames=("num_steps", "num_draws"))
def _ascend(key, start, known, noise_power, *, num_steps: int, num_draws: int) -> Strategy:
    num_users, num_antennas = known.h_user.shape[-2:]
    adam = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, num_steps))

    def strategy_of(z) -> Strategy:
        return Strategy(*secrecy.normalise_power(*unpack_real(z, num_antennas, num_users)))

    def loss(z, key):
        w, v = strategy_of(z)
        h = sample(key, known, num_draws)
        rates = secrecy.smooth_secrecy_rates(w[None], v[None], *h, noise_power[None], SMOOTHING)
        # A sum over channels: each has its own gradient, whatever the batch.
        return -jnp.sum(jnp.mean(jnp.sum(rates, axis=-1), axis=0))

    def step(carry, number):
        z, total, optimiser = carry
        updates, optimiser = adam.update(
            jax.grad(loss)(z, jax.random.fold_in(key, number)), optimiser
        )
        z = pack_real(*strategy_of(optax.apply_updates(z, updates)))
        total = total + jnp.where(number >= (1.0 - AVERAGED) * num_steps, z, 0.0)
        return (z, total, optimiser), None

    z = pack_real(*start)
    first = (z, jnp.zeros_like(z), adam.init(z))
    _, total, _ = jax.lax.scan(step, first, jnp.arange(num_steps))[0]
    return strategy_of(total)

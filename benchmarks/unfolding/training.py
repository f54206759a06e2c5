"""Training of an unfolded iteration's scalars on its mean sum secrecy rate.

One program serves every point, start and number of steps up to `MAX_STEPS`: compiling it takes
longer than a training.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Complex, Float, Int

from benchmarks.unfolding import steps
from benchmarks.unfolding.steps import Scalars, State
from jaxsec.precoding.gpip.iterate import reduced, started
from jaxsec.precoding.problem import Problem, rates_of

MAX_STEPS = 8
MOMENTUM = 0.6
"""By hand, of 0.3, 0.6 and 0.8: of all steps where nothing is learned, and where training starts
from: at 0 trials with momentum are those without, which come first."""


class Config(NamedTuple):
    """Of a training."""

    num_updates: int = 100
    batch: int = 128
    learning_rate: float = 0.05
    """Of Adam, falling to 0 as a cosine."""
    num_validation: int = 1024
    """Channels by which the scalars of a training are chosen."""
    every: int = 10
    """Updates between two looks at those."""

    @property
    def num_channels(self) -> int:
        """All that a training takes; every batch is used once."""
        return self.num_updates * self.batch + self.num_validation


def rate(
    scalars: Scalars,
    h: Complex[Array, "B R M"],
    u: Complex[Array, "B M N"],
    num_steps: Int[Array, ""],
    num_users: int,
) -> Float[Array, ""]:
    """Mean sum secrecy rate, bit/s/Hz, of the iterate after `num_steps` steps from beams u.

    Of `Scalars` that are filled up. Not of the best iterate, which designs keep: where that is the
    start, steps would have no gradient.
    """
    problem, state = _run(scalars, h, u, num_steps, num_users)
    noise = jnp.ones_like(problem.weights[0])
    power = state.iterate.y.abs2()
    return rates_of(problem, power, noise, jnp.ones((), noise.dtype)).hard.mean()


rate_and_gradient = jax.jit(jax.value_and_grad(rate), static_argnames="num_users")


@functools.partial(jax.jit, static_argnames="num_users")
def kept_rate(
    scalars: Scalars,
    h: Complex[Array, "B R M"],
    u: Complex[Array, "B M N"],
    num_steps: Int[Array, ""],
    num_users: int,
) -> Float[Array, ""]:
    """The same of the best iterates."""
    return _run(scalars, h, u, num_steps, num_users)[1].rate.mean()


def train(
    initial: Scalars,
    h: Complex[Array, "n R M"],
    u: Complex[Array, "n M N"],
    config: Config,
    *,
    num_users: int,
    smoothing_alone: bool = False,
) -> tuple[Scalars, Float[np.ndarray, "num_updates"]]:
    """Learned scalars, and the mean rate of each batch before its update.

    A gradient does not see where the line search changes its choice, and may lead down: of the
    scalars on the way, the first among them, those of the largest rate on channels apart are kept.

    Args:
      initial: where to start from.
      h: channels over the noise, users first, `config.num_channels`, those to choose by last.
      u: beams that the steps start from.
      config: of the training.
      num_users: K.
      smoothing_alone: that of both the direction and the search is learned, the rest is left.
    """
    num_steps = jnp.asarray(initial.smoothing.shape[0])
    if not smoothing_alone:
        initial = initial._replace(momentum=jnp.full_like(initial.momentum, MOMENTUM))
    optimiser = optax.adam(
        optax.cosine_decay_schedule(config.learning_rate, config.num_updates), b2=0.99
    )

    @jax.jit
    def update(scalars: Scalars, state: optax.OptState, gradient: Scalars):
        gradient = gradient._replace(search=jnp.zeros_like(gradient.search))
        if smoothing_alone:
            gradient = jax.tree.map(jnp.zeros_like, gradient)._replace(smoothing=gradient.smoothing)
        change, state = optimiser.update(jax.tree.map(jnp.negative, gradient), state)
        scalars = jax.tree.map(jnp.add, scalars, change)
        return (scalars._replace(search=scalars.smoothing) if smoothing_alone else scalars), state

    apart = slice(config.num_updates * config.batch, None)
    scalars = jax.tree.map(functools.partial(filled, count=MAX_STEPS), initial)
    state, rates, seen = optimiser.init(scalars), [], []
    for i in range(config.num_updates + 1):
        if i % config.every == 0 or i == config.num_updates:
            reached = kept_rate(scalars, h[apart], u[apart], num_steps, num_users=num_users)
            seen.append((float(reached), scalars))
        if i < config.num_updates:
            rows = slice(i * config.batch, (i + 1) * config.batch)
            value, gradient = rate_and_gradient(
                scalars, h[rows], u[rows], num_steps, num_users=num_users
            )
            scalars, state = update(scalars, state, gradient)
            rates.append(value)
    best = max(seen, key=lambda one: one[0])[1]
    return jax.tree.map(lambda x: x[: initial.smoothing.shape[0]], best), np.asarray(rates)


def filled(x: Array, count: int) -> Array:
    """Rows repeated up to `count`, which are not used."""
    return jnp.concatenate([x, jnp.broadcast_to(x[-1:], (count - x.shape[0], *x.shape[1:]))])


def _run(
    scalars: Scalars, h: Array, u: Array, num_steps: Int[Array, ""], num_users: int
) -> tuple[Problem, State]:
    basis, problem = reduced(h, jnp.ones((h.shape[0], num_users), h.real.dtype))
    return problem, steps.run(problem, started(problem, basis, u), scalars, num_steps)

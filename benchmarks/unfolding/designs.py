"""Designs by an unfolded iteration, batches cut and dealt to the cores as `gpip` does it.

A start is the closed form, or what a network has generated (`benchmarks.alone`).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex

from benchmarks.cuts import as_rows, together
from benchmarks.unfolding import steps
from benchmarks.unfolding.steps import Scalars
from jaxsec.channels import Channels
from jaxsec.precoding.batched.chunks import Piece, chunk_size, deal, fill, pieces
from jaxsec.precoding.batched.kernels import single_kernels
from jaxsec.precoding.gpip import start as gpip_start
from jaxsec.precoding.gpip.iterate import beams_of, reduced, started
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS
from jaxsec.secrecy import normalise_power
from jaxsec.shapes import over_noise
from jaxsec.strategy import Strategy


def unfolded(channels: Channels, scalars: Scalars, start: Strategy | None = None) -> Strategy:
    """The design after all steps of the scalars.

    Args:
      channels: of a concrete batch.
      scalars: of the steps.
      start: beams to start from; None is the closed form.
    """
    n, num_users, num_antennas = channels.h_user.shape
    dimensions = min(num_antennas, num_users + channels.h_eve.shape[1])
    columns = dimensions + 2 * num_users + DEFAULT_NOISE_BEAMS
    cuts = pieces(n, chunk_size(dimensions, columns))
    rows = as_rows(channels)
    initial = None if start is None else np.concatenate(start, axis=-1)

    def solve(piece: Piece) -> Strategy:
        parts = jax.tree.map(lambda x: fill(x, piece), (rows, initial))
        return _program(*parts, scalars, kernels=jax.default_backend() == "cpu")

    return together(deal(solve, cuts), cuts)


@functools.partial(jax.jit, static_argnames="kernels")
def _program(
    channels: Channels,
    initial: Complex[Array, "B M N"] | None,
    scalars: Scalars,
    *,
    kernels: bool,
) -> Strategy:
    """The compiled program: a piece of a batch."""
    num_users, num_antennas = channels.h_user.shape[1:]
    h_user, h_eve = (over_noise(h, channels.noise_power) for h in channels[:2])
    h = jnp.concatenate([h_user, h_eve], axis=1)
    basis, problem = reduced(h, jnp.ones(h_user.shape[:2], h.real.dtype))
    if initial is None:
        start = gpip_start.start(problem, num_users + DEFAULT_NOISE_BEAMS, num_antennas)
    else:
        start = started(problem, basis, initial)
    with single_kernels(kernels):
        state = steps.run(problem, start, scalars)
    u = beams_of(basis, state.best)
    return Strategy(*normalise_power(u[..., :num_users], u[..., num_users:]))

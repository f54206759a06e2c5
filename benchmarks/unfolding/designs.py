"""Designs by an unfolded iteration, batches cut and dealt to the cores as `gpip` does it.

A start is the closed form, or what a network has generated. Shipped models of these coordinates are
told the first six steps of OPT (`cdm.coordinates.resolved`), and `cdm.design` has a run of OPT from
three starts as a candidate beside their sample; here the sample is taken alone.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Key

from benchmarks.unfolding import steps
from benchmarks.unfolding.steps import Scalars
from jaxsec import keys
from jaxsec.cdm import pretrained
from jaxsec.cdm.sampler import best_of, sampler_of
from jaxsec.channels import Channels
from jaxsec.precoding.batched.chunks import Piece, chunk_size, deal, fill, pieces
from jaxsec.precoding.batched.kernels import single_kernels
from jaxsec.precoding.gpip import start as gpip_start
from jaxsec.precoding.gpip.iterate import beams_of, reduced, started
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS
from jaxsec.secrecy import normalise_power, sum_secrecy_rate
from jaxsec.shapes import over_noise
from jaxsec.strategy import Size, Strategy

BLOCK = 512
"""Channels of a network's call: compiling it for other numbers takes a minute each."""


def generated(name: str, key: Key[Array, ""], channels: Channels) -> Strategy:
    """One sample of one call of a shipped model, its beams and aimed noise at full power."""
    pretrained.load(name)  # keeps what it reads, which must be no tracers
    n = channels.h_user.shape[0]
    length = min(n, BLOCK)
    cuts = [Piece(start, min(start + length, n), length) for start in range(0, n, length)]
    rows = _rows(channels)
    parts = [
        jax.block_until_ready(
            _generated(name, keys.step(key, i), jax.tree.map(lambda x, p=piece: fill(x, p), rows))
        )
        for i, piece in enumerate(cuts)
    ]
    return _together(parts, cuts)


@functools.partial(jax.jit, static_argnames="name")
def _generated(name: str, key: Key[Array, ""], channels: Channels) -> Strategy:
    model = pretrained.load(name)
    sampler = sampler_of(model)
    num_users, num_antennas = channels.h_user.shape[-2:]

    def judged(strategy: Strategy, inputs: Channels) -> tuple[Strategy, Array]:
        return strategy, sum_secrecy_rate(*strategy, *inputs)

    strategy, _ = best_of(
        sampler,
        key,
        channels,
        lambda inputs: sampler.coordinates.frame(*inputs, sampler.num_noise_beams),
        judged,
        model.params,
        size=Size(num_antennas, num_users, channels.h_eve.shape[-2]),
        num_samples=1,
        num_steps=1,
        beside=lambda frame, inputs: [],
    )
    return Strategy(*normalise_power(strategy.w, strategy.v[..., :DEFAULT_NOISE_BEAMS]))


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
    rows = _rows(channels)
    initial = None if start is None else np.concatenate(start, axis=-1)

    def solve(piece: Piece) -> Strategy:
        parts = jax.tree.map(lambda x: fill(x, piece), (rows, initial))
        return _program(*parts, scalars, kernels=jax.default_backend() == "cpu")

    return _together(deal(solve, cuts), cuts)


def _rows(channels: Channels) -> Channels:
    """NumPy's, of one batch axis each."""
    noise = np.broadcast_to(np.asarray(channels.noise_power), channels.h_user.shape[:1])
    return Channels(np.asarray(channels.h_user), np.asarray(channels.h_eve), noise)


def _together(parts: list[Strategy], cuts: list[Piece]) -> Strategy:
    """Designs of pieces as one, without what they were filled up with."""
    counts = [piece.stop - piece.start for piece in cuts]

    def together(*arrays: Array) -> Array:
        cut = [np.asarray(x)[:count] for x, count in zip(arrays, counts, strict=True)]
        return jnp.asarray(np.concatenate(cut))

    return jax.tree.map(together, *parts)


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

"""What a network generates, alone: one sample, and nothing beside it.

Shipped models of some coordinates are told the first six steps of OPT
(`cdm.coordinates.resolved`), and `cdm.design` has a run of OPT from three starts as a candidate
beside their sample; here there is the sample.
"""

import functools

import jax
from jaxtyping import Array, Key

from benchmarks.cuts import as_rows, together
from jaxsec import keys
from jaxsec.cdm import pretrained
from jaxsec.cdm.sampler import best_of, sampler_of
from jaxsec.channels import Channels
from jaxsec.precoding.batched.chunks import Piece, fill
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS
from jaxsec.secrecy import normalise_power, sum_secrecy_rate
from jaxsec.strategy import Size, Strategy

BLOCK = 512
"""Channels of a network's call: compiling it for other numbers takes a minute each."""


def generated(name: str, key: Key[Array, ""], channels: Channels) -> Strategy:
    """One sample of one call of a shipped model, its beams and aimed noise at full power."""
    pretrained.load(name)  # keeps what it reads, which must be no tracers
    n = channels.h_user.shape[0]
    length = min(n, BLOCK)
    cuts = [Piece(start, min(start + length, n), length) for start in range(0, n, length)]
    rows = as_rows(channels)
    parts = [
        jax.block_until_ready(
            _generated(name, keys.step(key, i), jax.tree.map(lambda x, p=piece: fill(x, p), rows))
        )
        for i, piece in enumerate(cuts)
    ]
    return together(parts, cuts)


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

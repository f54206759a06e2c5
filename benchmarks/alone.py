"""What a network generates, alone: one sample, and nothing beside it.

Shipped models of some coordinates are told the first six steps of OPT
(`cdm.coordinates.resolved`), and `cdm.design` has a run of OPT from three starts as a candidate
beside their sample; here there is the sample.
"""

import jax
from jaxtyping import Array, Key

from benchmarks.cuts import as_rows, together
from jaxsec import keys
from jaxsec.cdm import designer, pretrained
from jaxsec.channels import Channels
from jaxsec.precoding.batched.chunks import Piece, fill
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS
from jaxsec.secrecy import normalise_power
from jaxsec.strategy import Strategy

BLOCK = 512
"""Channels of a network's call: compiling it for other numbers takes a minute each."""


def generated(name: str, key: Key[Array, ""], channels: Channels) -> Strategy:
    """One sample of one call of a shipped model, its beams and aimed noise at full power."""
    model = pretrained.load(name)
    n = channels.h_user.shape[0]
    length = min(n, BLOCK)
    cuts = [Piece(start, min(start + length, n), length) for start in range(0, n, length)]
    rows, options = as_rows(channels), {"num_samples": 1, "num_steps": 1, "fallback": False}
    parts = []
    for i, piece in enumerate(cuts):
        block = jax.tree.map(lambda x, piece=piece: fill(x, piece), rows)
        made = designer.candidates(keys.step(key, i), model, *block, **options)[0]
        parts.append(jax.block_until_ready(_sent(made)))
    return together(parts, cuts)


@jax.jit
def _sent(made: Strategy) -> Strategy:
    return Strategy(*normalise_power(made.w, made.v[..., :DEFAULT_NOISE_BEAMS]))

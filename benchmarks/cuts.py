"""Batches cut into pieces of one size, each a call of a compiled program."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxsec.channels import Channels
from jaxsec.precoding.batched.chunks import Piece
from jaxsec.strategy import Strategy


def as_rows(channels: Channels) -> Channels:
    """NumPy's, of one batch axis each."""
    noise = np.broadcast_to(np.asarray(channels.noise_power), channels.h_user.shape[:1])
    return Channels(np.asarray(channels.h_user), np.asarray(channels.h_eve), noise)


def together(parts: list[Strategy], cuts: list[Piece]) -> Strategy:
    """Designs of pieces as one, without what they were filled up with."""
    counts = [piece.stop - piece.start for piece in cuts]

    def joined(*arrays: Array) -> Array:
        cut = [np.asarray(x)[:count] for x, count in zip(arrays, counts, strict=True)]
        return jnp.asarray(np.concatenate(cut))

    return jax.tree.map(joined, *parts)

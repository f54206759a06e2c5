"""Batches of design problems for fine-tuning: channels alone, drawn anew for every step.

Sizes of a bucket share one compiled training step: missing eavesdroppers and antennas are filled up
with links of no gain, which no rate notices and the mask excludes.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec import keys, secrecy
from jaxsec.cdm.coordinates.table import Coordinates
from jaxsec.cdm.standardise import Standardiser
from jaxsec.cdm.training import worlds
from jaxsec.channels import knowledge
from jaxsec.channels.knowledge import Posterior
from jaxsec.diffusion.condition import Condition
from jaxsec.strategy import Size, Strategy

BUCKETS = {
    Size(8, 2, 4): (0.30, (*[(8, 2, 4)] * 3, (8, 2, 2), (8, 2, 0), (6, 2, 4), (4, 2, 3))),
    Size(8, 2, 8): (0.06, ((8, 2, 8), (8, 2, 6), (8, 2, 5))),
    Size(8, 3, 5): (0.10, ((8, 3, 2), (8, 3, 2), (8, 3, 5), (8, 3, 3), (4, 3, 2))),
    Size(8, 4, 4): (0.14, ((8, 4, 2), (8, 4, 2), (8, 4, 3), (8, 4, 4), (8, 4, 0), (4, 4, 2))),
    Size(8, 4, 8): (0.12, ((8, 4, 5), (8, 4, 6), (8, 4, 7), (8, 4, 8))),
    Size(8, 5, 4): (0.06, ((8, 5, 2), (8, 5, 2), (8, 5, 4))),
    Size(8, 6, 4): (0.06, ((8, 6, 2), (8, 6, 2), (8, 6, 4))),
    Size(8, 8, 8): (0.06, ((8, 8, 8), (8, 8, 3))),
    Size(32, 2, 4): (0.03, ((16, 2, 4), (32, 2, 4), (12, 2, 3), (16, 2, 2))),
    Size(32, 4, 8): (0.03, ((16, 4, 8), (32, 4, 4))),
    Size(8, 1, 4): (0.02, ((8, 1, 4), (8, 1, 2), (4, 1, 3))),
    Size(8, 1, 1): (0.02, ((8, 1, 1), (4, 1, 1))),
}
"""By the size that is filled up to: how often it is drawn, and the sizes (M, K, L) that are."""

MIN_LINK_DB, MAX_LINK_DB = 65.0, 150.0
"""Transmit power over noise power; P1's figures span 90 to 130 dB."""
MIN_RATE = 1.0
"""Rates are counted in those of the closed form, or in this where that is less; bit/s/Hz."""
MIN_ERROR = 1e-4
"""Least CSI error that is drawn, other than none."""
NO_ERROR = 0.15
"""Share of channels that are known exactly, where others are not."""


class Problems(NamedTuple):
    """Channels over their noise, filled up, and what a model is told about them."""

    known: Posterior
    frame: Any
    condition: Condition
    spread: Float[Array | np.ndarray, "n R N"]
    reference_rate: Float[Array | np.ndarray, "n"]
    """Sum secrecy rate of the closed form, at least `MIN_RATE`."""


class Source(NamedTuple):
    """Where problems come from: all that decides them, but for the step."""

    coordinates: Coordinates
    standardiser: Standardiser
    num_noise_beams: int
    batch_entries: int
    max_error: float
    """Largest variance of CSI error; 0 for channels that are known."""
    clustered: float
    """Share of clustered channels."""
    multiple: int
    """Batches are a multiple of this."""
    seed: int
    only: Size | None = None
    """Draw this size and no other."""

    def sample(self, step: int) -> Problems:
        """The batch of a step, as NumPy arrays."""
        generator = keys.generator(self.seed, "finetune/sizes", step)
        if self.only is None:
            shares = [share for share, _ in BUCKETS.values()]
            bucket, (_, sizes) = list(BUCKETS.items())[generator.choice(len(shares), p=shares)]
            size = Size(*sizes[generator.integers(len(sizes))])
        else:
            bucket = size = self.only
        rows = bucket.num_users + bucket.num_eavesdroppers
        entries = rows * (bucket.num_users + self.num_noise_beams)
        n = max(round(self.batch_entries / entries / self.multiple), 1) * self.multiple
        kinds = self.coordinates.kinds(*bucket, self.num_noise_beams)
        spread = self.standardiser.spread[size.num_users - 1, size.num_eavesdroppers][kinds]
        key = keys.step(keys.stream(self.seed, "finetune/channels"), step)
        problems = make(
            self.coordinates,
            bucket,
            n,
            self.max_error,
            self.clustered,
            key,
            size,
            np.asarray(spread, np.float32),
        )
        return jax.tree.map(np.asarray, problems)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def make(
    coordinates: Coordinates,
    bucket: Size,
    n: int,
    max_error: float,
    clustered: float,
    key,
    size: Size,
    spread,
) -> Problems:
    """Problems of one size, filled up to another; compiled once for the other.

    Args:
      coordinates: received gains, with or without error.
      bucket: the size of the arrays.
      n: number of problems.
      max_error, clustered: as of `Source`.
      key: for all that is drawn.
      size: of the problems, at most the bucket's and of as many users; may be traced.
      spread: [R, N], of the bucket's entries.
    """
    key_links, key_link, key_error, key_exact = jax.random.split(key, 4)
    num_users = bucket.num_users
    antennas = jnp.arange(bucket.num_antennas) < size.num_antennas
    eves = jnp.arange(bucket.num_eavesdroppers) < size.num_eavesdroppers
    rows = jnp.concatenate([jnp.ones(num_users, bool), eves])
    h, gain = worlds.sample(key_links, bucket, n, clustered)
    link_db = jax.random.uniform(key_link, (n, 1), minval=MIN_LINK_DB, maxval=MAX_LINK_DB)
    scale = 10.0 ** (link_db / 20.0)  # one over the noise amplitude
    gain = jnp.where(rows[None], scale * gain, 0.0)
    h = jnp.where((rows[:, None] & antennas[None])[None], scale[..., None] * h, 0.0)
    error = jnp.zeros(n)
    if max_error > 0.0:
        draw = jax.random.uniform(
            key_error, (n,), minval=np.log(MIN_ERROR), maxval=np.log(max_error)
        )
        exact = jax.random.bernoulli(key_exact, NO_ERROR, (n,))
        error = jnp.where(exact, 0.0, jnp.exp(draw))
    known = knowledge.estimated(
        h[:, :num_users], h[:, num_users:], error,
        gain_user=gain[:, :num_users], gain_eve=gain[:, num_users:],
    )  # fmt: skip
    channels = knowledge.diagonal_loading(known, 1.0)
    num_noise_beams = spread.shape[1] - num_users
    frame = coordinates.frame(*channels, num_noise_beams)
    if coordinates.tell is not None:
        frame = coordinates.tell(frame, knowledge.error_fraction(known, 1.0))
    condition = coordinates.condition(frame, num_users, spread)
    beams = coordinates.reference(frame)
    reference = Strategy(beams[..., :num_users], beams[..., num_users:])
    return Problems(
        known,
        frame,
        condition._replace(mask=jnp.where(rows[None, None, :, None], condition.mask, 0.0)),
        jnp.broadcast_to(spread, (n, *spread.shape)),
        jnp.maximum(secrecy.sum_secrecy_rate(*reference, *channels), MIN_RATE),
    )

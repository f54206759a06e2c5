"""Batches of design problems for fine-tuning: channels alone, drawn anew for every step.

Sizes of a bucket share one compiled training step: missing eavesdroppers and antennas are filled up
with links of no gain, which no rate notices and the mask excludes.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

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
EXACT = 0.45
"""Share of channels that are known exactly, where others are not."""
MIN_ERROR, MAX_ERROR_USER, MAX_ERROR_EVE = 1e-3, 0.3, 1.0
"""CSI errors of users and of eavesdroppers in the others, log-uniform and independent."""
EXACT_USERS, VAGUE_EVES = 0.25, 0.15
"""Shares of these where users are known exactly, and where of eavesdroppers only the gain is."""


class Told(NamedTuple):
    """What a model is told that is the same for all channels; None where it is drawn."""

    error_user: float | None = None
    """CSI error of users, in [0, 1]."""
    error_eve: float | None = None
    outage: bool | None = None
    """Whether the rate that is kept counts."""


MIXED = Told()


class Problems(NamedTuple):
    """Channels over their noise, filled up, and what a model is told about them."""

    known: Posterior
    outage: Float[Array | np.ndarray, "n"]
    """1 where the rate that is kept counts, 0 where the mean over what is not known does."""
    frame: Any
    condition: Condition
    spread: Float[Array | np.ndarray, "n R N"]
    reference_rate: Float[Array | np.ndarray, "n"]
    """Sum secrecy rate of the closed form, errors counted as noise, at least `MIN_RATE`."""


class Source(NamedTuple):
    """Where problems come from: all that decides them, but for the step."""

    coordinates: Coordinates
    standardiser: Standardiser
    num_noise_beams: int
    batch_entries: int
    clustered: float
    """Share of clustered channels."""
    multiple: int
    """Batches are a multiple of this."""
    seed: int
    only: Size | None = None
    """Draw this size and no other."""
    told: Told = MIXED

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
            self.clustered,
            key,
            size,
            np.asarray(spread, np.float32),
            self.num_noise_beams,
            self.told,
        )
        return jax.tree.map(np.asarray, problems)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 7, 8))
def make(
    coordinates: Coordinates,
    bucket: Size,
    n: int,
    clustered: float,
    key,
    size: Size,
    spread,
    num_noise_beams: int,
    told: Told = MIXED,
) -> Problems:
    """Problems of one size, filled up to another; compiled once for the other.

    Args:
      coordinates: with errors where a model is told of them.
      bucket: the size of the arrays.
      n: number of problems.
      clustered: as of `Source`.
      key: for all that is drawn.
      size: of the problems, at most the bucket's and of as many users; may be traced.
      spread: [R, N], of the bucket's entries.
      num_noise_beams: J, of the reference.
      told: what is not drawn, in coordinates with errors.
    """
    key_links, key_link, key_error, key_objective = jax.random.split(key, 4)
    num_users = bucket.num_users
    antennas = jnp.arange(bucket.num_antennas) < size.num_antennas
    eves = jnp.arange(bucket.num_eavesdroppers) < size.num_eavesdroppers
    rows = jnp.concatenate([jnp.ones(num_users, bool), eves])
    h, gain = worlds.sample(key_links, bucket, n, clustered)
    link_db = jax.random.uniform(key_link, (n, 1), minval=MIN_LINK_DB, maxval=MAX_LINK_DB)
    scale = 10.0 ** (link_db / 20.0)  # one over the noise amplitude
    gain = jnp.where(rows[None], scale * gain, 0.0)
    h = jnp.where((rows[:, None] & antennas[None])[None], scale[..., None] * h, 0.0)
    known = knowledge.exact(h[:, :num_users], h[:, num_users:])
    outage = jnp.zeros(n)
    if coordinates.informed is None:
        frame = coordinates.frame(known.h_user, known.h_eve, 1.0, num_noise_beams)
    else:
        known = knowledge.estimated(
            known.h_user, known.h_eve, *_errors(key_error, n, told),
            gain_user=gain[:, :num_users], gain_eve=gain[:, num_users:],
        )  # fmt: skip
        share = 0.5 if told.outage is None else float(told.outage)
        outage = jax.random.bernoulli(key_objective, share, (n,)).astype(jnp.float32)
        frame = coordinates.informed(known, 1.0, num_noise_beams, outage)
    channels = knowledge.diagonal_loading(known, 1.0)
    condition = coordinates.condition(frame, num_users, spread)
    beams = coordinates.reference(frame)
    reference = Strategy(beams[..., :num_users], beams[..., num_users:])
    return Problems(
        known,
        outage,
        frame,
        condition._replace(mask=jnp.where(rows[None, None, :, None], condition.mask, 0.0)),
        jnp.broadcast_to(spread, (n, *spread.shape)),
        jnp.maximum(secrecy.sum_secrecy_rate(*reference, *channels), MIN_RATE),
    )


def _errors(key: Key[Array, ""], n: int, told: Told) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """CSI errors of users and of eavesdroppers."""
    draws, certain = jax.random.uniform(key, (2, 3, n))
    least = np.log(MIN_ERROR)
    users = jnp.exp(least + (np.log(MAX_ERROR_USER) - least) * draws[0])
    eves = jnp.exp(least + (np.log(MAX_ERROR_EVE) - least) * draws[1])
    users = jnp.where(certain[0] < EXACT_USERS, 0.0, users)
    eves = jnp.where(certain[1] < VAGUE_EVES, 1.0, eves)
    exact = certain[2] < EXACT
    drawn = jnp.where(exact, 0.0, users), jnp.where(exact, 0.0, eves)
    fixed = told.error_user, told.error_eve
    users, eves = (
        x if error is None else jnp.full(n, error) for x, error in zip(drawn, fixed, strict=True)
    )
    return users, eves

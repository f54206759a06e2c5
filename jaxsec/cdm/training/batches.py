"""Batches of training samples, made from expert data and drawn by step number alone.

Samples of like size share a bucket: padded to one shape, so that a training step is compiled once a
bucket, and batched to about the same number of table entries.
"""

import functools
import os
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec import checks, keys
from jaxsec.cdm import standardise
from jaxsec.cdm.coordinates.table import Coordinates
from jaxsec.cdm.standardise import MAX_EAVESDROPPERS, MAX_USERS, Standardiser
from jaxsec.cdm.training import dataset
from jaxsec.cdm.training.dataset import Shard
from jaxsec.diffusion.condition import Condition
from jaxsec.strategy import Size, Strategy

BUCKETS = ((6, 4), (8, 4), (8, 6), (12, 6), (8, 8), (16, 10))
"""(R, N) of the padded tables; a sample goes to the first that holds it."""

LIMIT = 5.0
"""Largest coordinate of a training sample; beyond are strategies unlike the reference."""
MAX_TOKENS = MAX_USERS + MAX_EAVESDROPPERS


class Samples(NamedTuple):
    """Samples z of the diffusion, and what the model is told about each."""

    z: Float[Array | np.ndarray, "n 2 R N"]
    condition: Condition


class Batches(NamedTuple):
    """All training data, by bucket, in memory."""

    buckets: tuple[Samples, ...]
    sizes: tuple[int, ...]
    """Samples a batch, for each bucket."""
    seed: int

    def sample(self, step: int) -> Samples:
        """The batch of a step: a bucket by its share of the data, samples with replacement."""
        generator = keys.generator(self.seed, "train/batches", step)
        share = np.array([bucket.z.shape[0] for bucket in self.buckets], float)
        index = generator.choice(share.size, p=share / share.sum())
        bucket, size = self.buckets[index], self.sizes[index]
        chosen = np.sort(generator.integers(bucket.z.shape[0], size=size))
        return jax.tree.map(lambda x: x[chosen], bucket)


def load(
    folder: str | os.PathLike[str],
    coordinates: Coordinates,
    *,
    entries: int,
    multiple: int,
    seed: int,
    advance: Callable[[int], object],
) -> tuple[Batches, Standardiser]:
    """Reads a dataset: batches of about `entries` table entries, and the standardiser fitted to it.

    Args:
      folder: made by `dataset.generate`.
      coordinates: to write strategies in.
      entries: table entries a batch; at least `multiple` samples are in one.
      multiple: the number of samples is a multiple of this.
      seed: of the drawing.
      advance: told of every shard read.

    Raises:
      InputError: the dataset is not there, damaged, or of sizes no bucket holds.
    """
    encoded = []
    for shard in dataset.load(folder):
        encoded.append(encode(coordinates, shard))
        advance(1)
    standardiser = fit(coordinates, encoded)
    grouped = defaultdict(list)
    while encoded:  # what is grouped is not kept twice
        part = encoded.pop(0)
        bucket = bucket_of(*part.table.shape[1:])
        grouped[bucket].append(pad(to_samples(coordinates, part, standardiser), bucket))
    buckets, sizes = [], []
    for bucket in BUCKETS:
        if bucket in grouped:
            parts = grouped.pop(bucket)
            buckets.append(jax.tree.map(lambda *x: np.concatenate(x), *parts))
            sizes.append(max(round(entries / (bucket[0] * bucket[1]) / multiple), 1) * multiple)
    return Batches(tuple(buckets), tuple(sizes), seed), standardiser


class Encoded(NamedTuple):
    """A shard in coordinates, as NumPy arrays."""

    size: Size
    kind: np.ndarray
    """[rows, columns] of every entry."""
    frame: Any
    table: np.ndarray  # [n, rows, columns]


def encode(coordinates: Coordinates, shard: Shard) -> Encoded:
    """Frame and tables of a shard."""
    num_users, num_antennas = shard.channels.h_user.shape[1:]
    size = Size(num_antennas, num_users, shard.channels.h_eve.shape[1])
    kind = coordinates.kinds(*size, shard.strategy.v.shape[-1])
    frame, table = _encode(coordinates, *shard.channels, *shard.strategy)
    return Encoded(size, kind, jax.tree.map(np.asarray, frame), np.asarray(table))


@functools.partial(jax.jit, static_argnums=0)
def _encode(coordinates: Coordinates, h_user, h_eve, noise_power, w, v):
    frame = coordinates.frame(h_user, h_eve, noise_power, v.shape[-1])
    return frame, coordinates.encode(frame, Strategy(w, v))


def fit(coordinates: Coordinates, encoded: list[Encoded]) -> Standardiser:
    """The standardiser of encoded shards."""
    grouped = defaultdict(list)
    for part in encoded:
        grouped[part.size.num_users, part.size.num_eavesdroppers].append(part)
    tables = {}
    for pair, parts in grouped.items():
        rows = min(part.table.shape[1] for part in parts)  # antennas may differ, and are alike
        table = np.concatenate([part.table[:, :rows] for part in parts])
        tables[pair] = (table, parts[0].kind[:rows])
    return standardise.fit(tables, coordinates.min_spread)


def to_samples(coordinates: Coordinates, part: Encoded, standardiser: Standardiser) -> Samples:
    """Samples of the diffusion, as NumPy arrays."""
    num_users = part.size.num_users
    spread = standardise.spreads(standardiser, num_users, part.size.num_eavesdroppers, part.kind)
    condition = _condition(coordinates, part.frame, num_users, jnp.asarray(spread))
    z = jnp.clip(standardise.to_sample(jnp.asarray(part.table), spread), -LIMIT, LIMIT)
    return jax.tree.map(np.asarray, Samples(z * condition.mask, condition))


@functools.partial(jax.jit, static_argnums=(0, 2))
def _condition(coordinates: Coordinates, frame, num_users: int, spread) -> Condition:
    return coordinates.condition(frame, num_users, spread)


def largest(batches: Batches) -> tuple[int, int]:
    """Rows and columns of the largest table; or tokens, where they are more than rows."""
    rows = [max(x.z.shape[2], x.condition.tokens.shape[1]) for x in batches.buckets]
    return max(rows), max(x.z.shape[3] for x in batches.buckets)


def bucket_of(num_rows: int, num_columns: int) -> tuple[int, int]:
    """The first bucket that holds a table.

    Raises:
      InputError: none does.
    """
    for bucket in BUCKETS:
        if num_rows <= bucket[0] and num_columns <= bucket[1]:
            return bucket
    raise checks.InputError(
        f"`num_users` and `num_eavesdroppers` must be at most {MAX_USERS} and "
        f"{MAX_EAVESDROPPERS}, but the data has tables of {num_rows} rows and {num_columns} beams"
    )


def pad(samples: Samples, shape: tuple[int, int]) -> Samples:
    """Tables filled up with entries that the mask excludes."""
    rows, columns = shape[0] - samples.z.shape[2], shape[1] - samples.z.shape[3]
    c = samples.condition
    tokens = MAX_TOKENS - c.tokens.shape[1] if c.tokens.shape[-1] else 0
    none, r, n = (0, 0), (0, rows), (0, columns)
    return Samples(
        np.pad(samples.z, (none, none, r, n)),
        Condition(
            mask=np.pad(c.mask, (none, none, r, n)),
            entries=np.pad(c.entries, (none, r, n, none)),
            complex_entries=np.pad(c.complex_entries, (none, none, r, n, none)),
            rows=np.pad(c.rows, (none, r, none)),
            columns=np.pad(c.columns, (none, n, none)),
            relations=np.pad(c.relations, (none, none, none, r, r)),
            tokens=np.pad(c.tokens, (none, (0, tokens), none)),
        ),
    )

"""A condition as a short sequence of real feature vectors, for networks that attend or flatten."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxsec.diffusion.condition import Condition


def tokens(
    condition: Condition, num_rows: int, num_columns: int
) -> tuple[Float[Array, "B T C"], Bool[Array, "B T"]]:
    """Tokens and which exist: the condition's own that are not all zero, or one a row of the table.

    A row's token holds all that is known about it: its features, those of its entries, how it
    relates to the other rows, and its number, since a flat vector loses which row is which.

    Args:
      condition: of a table of at most `num_rows` by `num_columns`.
      num_rows, num_columns: what tables are filled up to, so that C is always the same.
    """
    if condition.tokens.shape[-1]:
        given = jnp.asarray(condition.tokens)
        return given, jnp.max(jnp.abs(given), axis=-1) > 0
    mask = jnp.asarray(condition.mask)[:, 0]
    entries = jnp.concatenate(
        [condition.entries, _parts_last(jnp.asarray(condition.complex_entries))], axis=-1
    )
    size, rows, columns = mask.shape
    entries = jnp.pad(
        entries * mask[..., None], ((0, 0), (0, 0), (0, num_columns - columns), (0, 0))
    )
    relations = jnp.asarray(condition.relations)
    relations = jnp.moveaxis(relations, 3, 1).reshape(size, rows, -1, rows)
    relations = jnp.pad(relations, ((0, 0), (0, 0), (0, 0), (0, num_rows - rows)))
    number = jnp.broadcast_to(jnp.eye(rows, num_rows), (size, rows, num_rows))
    there = jnp.max(mask, axis=-1) > 0
    parts = [
        jnp.asarray(condition.rows),
        entries.reshape(size, rows, -1),
        relations.reshape(size, rows, -1),
        number,
    ]
    return jnp.concatenate(parts, axis=-1) * there[..., None], there


def _parts_last(x: Array) -> Array:
    """[B, 2, R, N, F] to [B, R, N, 2F]."""
    x = jnp.moveaxis(x, 1, -2)
    return x.reshape(*x.shape[:-2], -1)

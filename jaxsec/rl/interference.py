"""What would be heard if columns acted in a certain way: levels, interference, rates.

In a table whose entries are levels of links (`Levels`), columns transmit and rows receive. At every
entry a column is heard with its level, and all others as interference; the logarithm of one and
SINR is the rate, in nats, at which the row can tell the column's signal. What an owned row has
ahead of the free row that hears its owner best is its margin, which secrecy is made of, where a
column's own rows do not have to share its time. Free rows that are not observed hear nothing.

A network that is given these at an action which it intends, and can then change, does what unrolled
algorithms for powers do (Q. Hu et al., Iterative Algorithm Induced Deep-Unfolding Neural Networks,
2021; A. Chowdhury et al., Unfolding WMMSE Using Graph Neural Networks, 2021), with rounds of
messages in place of the algorithm's steps.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import nn
from jaxtyping import Array, Float

from jaxsec.rl.layout import Layout, Parts


class Heard(NamedTuple):
    """Of an action, at the entries of a table."""

    owned: Float[Array, "B U C F"]
    """Level above noise, interference and rate there; the row's margin, and its owner's rate; with
    `Layout.slopes` what a step of the column's level changes of the margin."""
    free: Float[Array, "B E C 5"]
    """The same three; how far the rate is below that of the column's best free row, and the margin
    of the column's own rows."""


def features(layout: Layout, parts: Parts, action: Float[Array, "B C"]) -> Heard:
    """What is heard of an action, of a layout that has `levels`; of order one."""
    levels, num_owned = layout.levels, len(layout.owners)
    assert levels is not None
    level = parts.entries + levels.reach * (action - 1.0)[:, None] - levels.noise
    power = jnp.exp(levels.nats * level)
    all_but_one = 1.0 - np.eye(layout.num_columns, dtype=np.float32)
    louder = jnp.matmul(power, all_but_one, precision="highest")
    others = jnp.log1p(louder)
    rate = nn.softplus(levels.nats * level - others)
    heard = jnp.stack((level, others / levels.nats, rate), axis=-1)
    owned, free = heard[:, :num_owned], heard[:, num_owned:]

    belongs = layout.belongs
    share = belongs / np.maximum(belongs.sum(axis=0, keepdims=True), 1.0)
    own = jnp.sum(rate[:, :num_owned] * belongs[None], axis=2)
    best = _largest(rate[:, num_owned:])
    margin = own - best[:, np.asarray(layout.owners, int)]
    of_column = jnp.matmul(margin, share)[:, None]
    slopes = [_slopes(layout, power, 1.0 + louder, rate)] if layout.slopes else []
    return Heard(
        _with(owned, margin[..., None], own[..., None], *slopes),
        _with(free, rate[:, num_owned:] - best[:, None], of_column),
    )


def _largest(rate: Float[Array, "B E C"]) -> Float[Array, "B C"]:
    """Over free rows; 0 without any.

    The gradient of a maximum looks for it among its arguments, and finds none where XLA computes
    these once more with other roundings. That of a chosen row does not.
    """
    if rate.shape[1] == 0:
        return jnp.zeros((rate.shape[0], rate.shape[2]), rate.dtype)
    return jnp.sum(_chosen(rate) * rate, axis=1)


def _chosen(rate: Float[Array, "B E C"]) -> Float[Array, "B E C"]:
    """1 for the row of each column that hears it best, 0 for the others."""
    return nn.one_hot(jnp.argmax(rate, axis=1), rate.shape[1], axis=1, dtype=rate.dtype)


def _slopes(
    layout: Layout,
    power: Float[Array, "B R C"],
    interference: Float[Array, "B R C"],
    rate: Float[Array, "B R C"],
) -> Float[Array, "B U C"]:
    """Derivatives of owned rows' margins by the columns' levels, in nats by nats.

    That of a rate log(1 + x/y) is x/(x + y) by the level of its own signal x, and minus that times
    its share of the interference y by another's. Of free rows that of the best counts.
    """
    num_owned, owners = len(layout.owners), np.asarray(layout.owners, int)
    belongs = layout.belongs
    steep = power / (power + interference)

    def of_rate(steep: Array, power: Array, interference: Array) -> Array:
        """[B, U, C], from [B, U, 1], [B, U, C] and [B, U, 1]."""
        return steep * jnp.where(belongs[None] > 0.0, 1.0, -power / interference)

    def at_owner(x: Array) -> Array:
        return jnp.sum(x[:, :num_owned] * belongs[None], axis=2, keepdims=True)

    slopes = of_rate(at_owner(steep), power[:, :num_owned], at_owner(interference))
    if rate.shape[1] == num_owned:
        return slopes
    best = _chosen(rate[:, num_owned:])[..., owners]  # [B, E, U]

    def at_best(x: Array) -> Array:
        return jnp.sum(best * x[:, num_owned:][..., owners], axis=1)[..., None]

    heard = jnp.einsum("beu,bec->buc", best, power[:, num_owned:], precision="highest")
    return slopes - of_rate(at_best(steep), heard, at_best(interference))


def _with(
    heard: Float[Array, "B R C F"], *more: Float[Array, "B #R #C"]
) -> Float[Array, "B R C G"]:
    """More features, alike along axes that they do not have."""
    shape = heard.shape[:-1]
    return jnp.concatenate((heard, *(jnp.broadcast_to(x, shape)[..., None] for x in more)), axis=-1)

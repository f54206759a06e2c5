"""A network that keeps to the symmetries of a table: whatever order its rows and columns have.

Rows that belong to no column can be permuted, and the action stays; columns can be permuted with
the rows that belong to them, and the action goes with them. Both hold exactly, so that nothing of
the training is spent on learning them, and parameters serve tables of any size.

Columns and free rows have features; an owned row has those of its column. In each of a few rounds
every entry of the table turns them and itself into a message, of which columns and free rows read
means and maxima along either axis, in the manner of M. Zaheer et al., Deep Sets, 2017, on two axes
(J. Hartford et al., Deep Models of Interactions Across Sets, 2018).

Where the layout says what power has to do with entries, every round also reads what would be heard
of an action (`jaxsec.rl.interference`): of one that is to be valued, or of one that the columns
intend, and change from round to round. Where it says that free rows are observed with errors, they
are estimated first (`jaxsec.rl.estimator`), which keeps to the order of columns.

Shapes: B states, O entries of an observation, C columns, U owned and E free rows, R rows of either
kind, W features, M of a message.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.rl import interference
from jaxsec.rl.estimator import NAME, SCALE, Estimate, Estimator
from jaxsec.rl.interference import Heard
from jaxsec.rl.layout import Layout, Parts
from jaxsec.rl.networks import Mlp

NUM_ROUNDS = 3
"""Rounds of messages: what happens between two columns and a third reaches all of them."""


class Columns(nn.Module):
    """Features of every column of a table, and of an action, if one is to be valued."""

    layout: Layout
    width: int

    @nn.compact
    def __call__(
        self, observation: Float[Array, "B O"], action: Float[Array, "B C"] | None = None
    ) -> Float[Array, "B C W"]:
        parts, told = self._estimated(self.layout.split(observation))
        owned, free = entry_features(self.layout, parts)
        free = jnp.concatenate((free, *told), axis=-1)
        known = column_features(self.layout, parts)
        if action is not None:
            owned, free = self._acted(parts, owned, free, action)
            known = jnp.concatenate((known, action[..., None]), axis=-1)
        columns = nn.Dense(self.width, name="columns")(known)
        rows = nn.Dense(self.width, name="rows")(mean_and_max(free, axis=2))
        intended = jnp.zeros(columns.shape[:-1])
        for i in range(NUM_ROUNDS):
            last = i == NUM_ROUNDS - 1
            step = Round(self.layout, self.width, last, name=f"round_{i}")
            seen = owned, free
            if action is None and self.layout.levels is not None:
                change = nn.Dense(1, name=f"intention_{i}")(nn.RMSNorm()(columns))
                intended = intended + change[..., 0]
                seen = self._acted(parts, owned, free, jnp.tanh(intended))
            columns, rows = step(columns, rows, *seen)
        return nn.RMSNorm(name="norm")(columns)

    def _estimated(self, parts: Parts) -> tuple[Parts, list[Float[Array, "B E C 2"]]]:
        """Free rows as they are estimated where they are uncertain; and how far each entry lies
        above its estimate, and how uncertain this is.

        Estimates are learned from the truth (`estimator.loss`), not from what actions are worth.
        """
        if not self.layout.uncertain:
            return parts, []
        num_owned = len(self.layout.owners)
        found = Estimator(self.layout, self.width, name=NAME)(parts.entries)
        found = Estimate(*jax.lax.stop_gradient(tuple(found)))
        owned, free = jnp.split(parts.entries, [num_owned], axis=1)
        told = SCALE * jnp.stack((free - found.mean, found.deviation), axis=-1)
        return parts._replace(entries=jnp.concatenate((owned, found.mean), axis=1)), [told]

    def _acted(
        self,
        parts: Parts,
        owned: Float[Array, "B U C F"],
        free: Float[Array, "B E C G"],
        action: Float[Array, "B C"],
    ) -> tuple[Float[Array, "B U C _"], Float[Array, "B E C _"]]:
        """Features of entries, and those of an action there."""
        acted: list[ActionFeatures | Heard] = [action_features(self.layout, action)]
        if self.layout.levels is not None:
            acted.append(interference.features(self.layout, parts, action))
        return (
            jnp.concatenate((owned, *(features.owned for features in acted)), axis=-1),
            jnp.concatenate((free, *(features.free for features in acted)), axis=-1),
        )


class Actor(nn.Module):
    """An entry of the action from every column."""

    layout: Layout
    width: int

    @nn.compact
    def __call__(self, observation: Float[Array, "B O"]) -> Float[Array, "B C"]:
        columns = Columns(self.layout, self.width)(observation)
        return nn.Dense(1)(columns)[..., 0]


class Critic(nn.Module):
    """Values of actions in a state: a trunk that sees both, then a network a value.

    Where entries and actions are in dB, a link's gain and a transmitter's power, what is heard over
    the link is their sum, which the first layer of a message forms.
    """

    layout: Layout
    width: int
    num_values: int = 2

    @nn.compact
    def __call__(
        self, observation: Float[Array, "B O"], action: Float[Array, "B C"]
    ) -> Float[Array, "V B"]:
        columns = Columns(self.layout, self.width)(observation, action)
        values = [self._value(columns) for _ in range(self.num_values)]
        return jnp.stack(values)

    def _value(self, columns: Float[Array, "B C W"]) -> Float[Array, "B"]:
        pooled = mean_and_max(nn.relu(nn.Dense(self.width)(columns)), axis=1)
        return Mlp((self.width, 1))(pooled)[..., 0]


class Round(nn.Module):
    """One round of messages."""

    layout: Layout
    width: int
    last: bool
    """After the last round nobody reads the free rows."""

    @nn.compact
    def __call__(
        self,
        columns: Float[Array, "B C W"],
        rows: Float[Array, "B E W"],
        owned: Float[Array, "B U C F"],
        free: Float[Array, "B E C G"],
    ) -> tuple[Float[Array, "B C W"], Float[Array, "B E W"]]:
        belongs = self.layout.belongs
        share = belongs / np.maximum(belongs.sum(axis=0, keepdims=True), 1.0)
        columns_seen, rows_seen = nn.RMSNorm()(columns), nn.RMSNorm()(rows)
        of_owner = jnp.matmul(belongs, columns_seen)
        of_owned = self._message(of_owner, columns_seen, owned)
        of_free = self._message(rows_seen, columns_seen, free)
        heard = jnp.matmul(share.T, mean_and_max(of_owned, axis=2))
        sent = mean_and_max(of_owned, axis=1), mean_and_max(of_free, axis=1)
        columns = columns + self._update(columns_seen, heard, *sent)
        if not self.last:
            rows = rows + self._update(rows_seen, mean_and_max(of_free, axis=2))
        return columns, rows

    def _message(
        self,
        rows: Float[Array, "B R W"],
        columns: Float[Array, "B C W"],
        entries: Float[Array, "B R C F"],
    ) -> Float[Array, "B R C M"]:
        size = max(1, self.width // 2)
        of_row = nn.Dense(size, use_bias=False)(rows)[:, :, None]
        of_column = nn.Dense(size, use_bias=False)(columns)[:, None]
        return nn.relu(of_row + of_column + nn.Dense(size)(entries))

    def _update(self, *read: Float[Array, "B N _"]) -> Float[Array, "B N W"]:
        hidden = nn.relu(nn.Dense(self.width)(jnp.concatenate(read, axis=-1)))
        return nn.Dense(self.width)(hidden)


def entry_features(
    layout: Layout, parts: Parts
) -> tuple[Float[Array, "B U C 4"], Float[Array, "B E C 2"]]:
    """Of the entries of owned rows and of free ones.

    Both have the entry, and how far it lies above the mean of those that a column's own rows have
    in it; owned ones also how far above the row's entry in its own column, and whether it is that.
    """
    num_owned = len(layout.owners)
    owned, free = parts.entries[:, :num_owned], parts.entries[:, num_owned:]
    belongs = jnp.broadcast_to(layout.belongs[None], owned.shape)
    own = jnp.sum(owned * belongs, axis=2, keepdims=True)
    of_column = _own_entries(layout, parts)[:, None]
    return (
        jnp.stack((owned, owned - of_column, owned - own, belongs), axis=-1),
        jnp.stack((free, free - of_column), axis=-1),
    )


class ActionFeatures(NamedTuple):
    """Of an action, at the entries of a table."""

    owned: Float[Array, "B U C 2"]
    """Of the column, and how far it lies above that of the column which the row belongs to."""
    free: Float[Array, "B E C 1"]
    """Of the column."""


def action_features(layout: Layout, action: Float[Array, "B C"]) -> ActionFeatures:
    """What the entries of owned rows and of free ones have of an action."""
    here, num_owned = action[:, None], len(layout.owners)
    of_owner = action[:, np.asarray(layout.owners, int), None]
    owned = jnp.broadcast_to(here, (len(action), num_owned, layout.num_columns))
    free = jnp.broadcast_to(here, (len(action), layout.num_free, layout.num_columns))
    return ActionFeatures(jnp.stack((owned, owned - of_owner), axis=-1), free[..., None])


def column_features(layout: Layout, parts: Parts) -> Float[Array, "B C F"]:
    """What is known of every column and of the slot, a column's own entries, and their number."""
    lead = parts.columns.shape[:-1]
    count = layout.belongs.sum(axis=0)
    return jnp.concatenate(
        (
            parts.columns,
            jnp.broadcast_to(parts.shared[:, None], (*lead, layout.num_shared)),
            _own_entries(layout, parts)[..., None],
            jnp.broadcast_to(count[None, :, None], (*lead, 1)),
        ),
        axis=-1,
    )


def _own_entries(layout: Layout, parts: Parts) -> Float[Array, "B C"]:
    """Mean over a column's own rows of their entries in it, 0 without any."""
    belongs = layout.belongs[None]
    own = jnp.sum(parts.entries[:, : len(layout.owners)] * belongs, axis=1)
    return own / np.maximum(belongs.sum(axis=1), 1.0)


def mean_and_max(x: Float[Array, "B *N F"], axis: int) -> Float[Array, "B *M G"]:
    """Mean and maximum along an axis, side by side; 0 where there is nothing."""
    if x.shape[axis] == 0:
        shape = [size for i, size in enumerate(x.shape) if i != axis]
        return jnp.zeros((*shape[:-1], 2 * shape[-1]), x.dtype)
    return jnp.concatenate((jnp.mean(x, axis=axis), jnp.max(x, axis=axis)), axis=-1)

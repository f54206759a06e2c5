"""What entries really are that are observed with errors: a mean and a deviation of each.

In a table whose free rows are observed with errors (`Layout.uncertain`), what a free row is can be
told better than by its entries. It attends to the owned rows, as corrected by what all of these
tell, and to rows at certain places, which are learned from `Layout.places` on: the nearer, the
more. What free rows have in common, such as a regime, is told by how well each kind of row fits all
of them together.

Learned by maximum likelihood of the truth (`loss`), which needs an environment that shows it in
training. It is the posterior of independent entries that it tends to. Free rows can come in any
order, and so can owned ones; columns stand for places, and cannot.

Shapes: B states, C columns, U owned and E free rows, P rows to resemble, H heads, W features.
"""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.rl.layout import Layout

NAME = "estimator"
"""Of the parameters, wherever in an actor they are."""
NUM_HEADS, NUM_LAYERS = 4, 2
NUM_KINDS = 3
"""Of rows to resemble: owned ones, those at columns, those elsewhere."""
SCALE = 2.0
"""Entries are of order one; errors of them, and what tells rows apart, are half as much."""
MAX_SPREAD = 4.0
"""Natural logarithms of deviations are within this of −1."""


class Estimate(NamedTuple):
    """Of the entries of free rows."""

    mean: Float[Array, "B E C"]
    deviation: Float[Array, "B E C"]


@runtime_checkable
class Shown(Protocol):
    """An environment that shows in training what it hides."""

    def truth(self, state: Any) -> Float[Array, "E C"]:
        """Entries of the free rows as they would be observed without errors."""
        ...


class Estimator(nn.Module):
    """Means and deviations of the entries of free rows."""

    layout: Layout
    width: int

    @nn.compact
    def __call__(self, entries: Float[Array, "B R C"]) -> Estimate:
        num_owned = len(self.layout.owners)
        owned, free = jnp.split(SCALE * entries, [num_owned], axis=1)
        rows, slot = self._owned_rows(owned)
        places, weight = self._places(owned, rows)
        fit = weight[:, None] - self._sharpness(slot) * _distance(free, places)[:, :, None]
        fit = fit + self._of_kinds(fit, num_owned, slot)
        share = nn.softmax(fit, axis=-1)  # [B, E, H, P]
        mean = jnp.einsum("behp,bpc->behc", share, places)
        spread = jnp.einsum("behp,bpc->behc", share, places**2) - mean**2
        lead = free.shape[:2]
        read = (
            free,
            mean.reshape(*lead, -1),
            spread.reshape(*lead, -1),
            0.1 * nn.logsumexp(fit, axis=-1),
            jnp.broadcast_to(slot[:, None], (*lead, slot.shape[-1])),
        )
        change, spread = jnp.split(self._told(jnp.concatenate(read, axis=-1)), 2, axis=-1)
        spread = MAX_SPREAD * jnp.tanh(spread / MAX_SPREAD)
        return Estimate((free + change) / SCALE, jnp.exp(spread - 1.0) / SCALE)

    def _owned_rows(
        self, owned: Float[Array, "B U C"]
    ) -> tuple[Float[Array, "B U W"], Float[Array, "B G"]]:
        """Features of owned rows, and of all of them together."""
        x = nn.gelu(nn.Dense(self.width)(owned))
        pooled = _moments(x)
        x = nn.Dense(self.width)(x) + nn.Dense(self.width, use_bias=False)(pooled)[:, None]
        x = nn.gelu(self._changed(x, nn.RMSNorm()(x)))
        return x, jnp.mean(nn.gelu(nn.Dense(max(1, self.width // 4))(x)), axis=1)

    def _places(
        self, owned: Float[Array, "B U C"], rows: Float[Array, "B U W"]
    ) -> tuple[Float[Array, "B P C"], Float[Array, "B H P"]]:
        """Rows to resemble, and how likely each is to begin with."""
        lead, size = len(owned), owned.shape[-1]
        at = np.asarray(self.layout.places, np.float32).reshape(-1, size)
        learned = self.param("places", lambda _: SCALE * jnp.asarray(at))
        weight = self.param("weight", nn.initializers.zeros, (len(at), NUM_HEADS))
        corrected = owned + nn.Dense(size)(rows)
        places = (corrected, jnp.broadcast_to(learned, (lead, *learned.shape)))
        weights = (nn.Dense(NUM_HEADS)(rows), jnp.broadcast_to(weight, (lead, *weight.shape)))
        weight = jnp.swapaxes(jnp.concatenate(weights, axis=1), 1, 2)
        return jnp.concatenate(places, axis=1), weight

    def _sharpness(self, slot: Float[Array, "B G"]) -> Float[Array, "B 1 H 1"]:
        """How fast resemblance falls with the distance, a head each."""
        first = self.param("sharpness", lambda _: jnp.linspace(-1.5, 1.0, NUM_HEADS))
        change = nn.Dense(NUM_HEADS, use_bias=False, kernel_init=nn.initializers.zeros)(slot)
        return jnp.exp(first[None] + change)[:, None, :, None]

    def _of_kinds(
        self, fit: Float[Array, "B E H P"], num_owned: int, slot: Float[Array, "B G"]
    ) -> Float[Array, "B 1 H P"]:
        """What is added to the fit of each kind of rows, by how well they fit all free ones."""
        ends = np.cumsum((0, num_owned, self.layout.num_columns, fit.shape[-1]))
        sizes = np.diff(np.minimum(ends, fit.shape[-1]))
        kinds = [slice(first, first + size) for first, size in zip(ends, sizes, strict=False)]
        each = jnp.stack([nn.logsumexp(fit[..., kind], axis=-1) for kind in kinds], axis=-1)
        each = 0.1 * (each - jnp.mean(each, axis=-1, keepdims=True))
        read = jnp.concatenate((_moments(each.reshape(*each.shape[:2], -1)), slot), axis=-1)
        hidden = nn.gelu(nn.Dense(max(1, self.width // 2))(read))
        added = nn.Dense(NUM_KINDS * NUM_HEADS, kernel_init=nn.initializers.zeros)(hidden)
        added = added.reshape(-1, 1, NUM_HEADS, NUM_KINDS)
        return jnp.repeat(added, sizes, axis=-1, total_repeat_length=int(sizes.sum()))

    def _told(self, read: Float[Array, "B E F"]) -> Float[Array, "B E D"]:
        """Changes and deviations, from what is read for every free row."""
        x = nn.Dense(self.width)(read)
        for _ in range(NUM_LAYERS):
            seen = nn.RMSNorm()(x)
            others = jnp.broadcast_to(jnp.mean(seen, axis=1, keepdims=True), seen.shape)
            x = self._changed(x, jnp.concatenate((seen, others), axis=-1))
        return nn.Dense(2 * self.layout.num_columns)(nn.gelu(x))

    def _changed(self, x: Float[Array, "*any W"], seen: Float[Array, "*any F"]) -> Array:
        """A residual layer."""
        return x + nn.Dense(self.width)(nn.gelu(nn.Dense(self.width)(seen)))


def loss(
    layout: Layout,
    width: int,
    actor: Any,
    observation: Float[Array, "B O"],
    truth: Float[Array, "B E C"],
) -> Float[Array, ""]:
    """Minus the mean log-likelihood of the truth, an entry, of every estimator in an actor."""
    entries = layout.split(observation).entries
    each = [_unlikely(layout, width, params, entries, truth) for params in estimators(actor)]
    return jnp.mean(jnp.stack(each))


def _unlikely(layout: Layout, width: int, params: Any, entries: Array, truth: Array) -> Array:
    found = Estimator(layout, width).apply({"params": params}, entries)
    assert isinstance(found, Estimate)
    error = (truth - found.mean) / found.deviation
    return jnp.mean(0.5 * error**2 + jnp.log(found.deviation))


def estimators(actor: Any) -> list[Any]:
    """Parameters of the estimators in an actor."""
    if not isinstance(actor, dict):
        return []
    below = [one for name, tree in actor.items() if name != NAME for one in estimators(tree)]
    return ([actor[NAME]] if NAME in actor else []) + below


def _distance(free: Float[Array, "B E C"], places: Float[Array, "B P C"]) -> Float[Array, "B E P"]:
    """Squared, between rows."""
    product = jnp.einsum("bec,bpc->bep", free, places)
    squares = jnp.sum(free**2, axis=-1)[:, :, None] + jnp.sum(places**2, axis=-1)[:, None]
    return squares - 2.0 * product


def _moments(x: Float[Array, "B R F"]) -> Float[Array, "B G"]:
    """First and second, over rows.

    The gradient of a maximum is not a number where XLA computes its arguments once more, with other
    roundings, and finds none that is the largest.
    """
    return jnp.concatenate((jnp.mean(x, axis=1), jnp.mean(x**2, axis=1)), axis=-1)

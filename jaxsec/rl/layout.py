"""How an observation is laid out, for networks that keep to its symmetries.

An observation that is a table has a column for each entry of the action and rows of two kinds: some
belong to a column each, others to none. Which columns come first says nothing, nor does which of
the rows that belong to none.

Shapes: O entries of an observation, R rows, C columns, P numbers of a column, S shared ones.
"""

import dataclasses
import math
from typing import NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec import checks


class Parts(NamedTuple):
    """An observation taken apart; batch dimensions lead."""

    entries: Float[Array, "... R C"]
    """The table."""
    columns: Float[Array, "... C P"]
    """What is known of each column."""
    shared: Float[Array, "... S"]
    """What is known of the slot as a whole."""


@dataclasses.dataclass(frozen=True)
class Levels:
    """What power has to do with a table whose entries are levels of links, in some logarithm.

    A column's action of 1 is full power, at which entries are what they are.

    Raises:
      InputError: a number is out of its range.
    """

    nats: float
    """Natural logarithms of power in one unit of an entry."""
    noise: float
    """The entry of a link that is heard as loud as noise."""
    reach: float
    """How far one unit of an action moves the entries of its column."""

    def __post_init__(self) -> None:
        for name in ("nats", "reach"):
            checks.check_positive(name, getattr(self, name))
        checks.require(math.isfinite(self.noise), f"`noise` must be finite, but is {self.noise}")


@dataclasses.dataclass(frozen=True)
class Layout:
    """How an observation is laid out: as a table row by row, numbers of columns, shared numbers.

    Of the numbers of columns, the first of every column come first.

    Raises:
      InputError: a number is out of its range.
    """

    num_columns: int
    """C, one an entry of the action."""
    owners: tuple[int, ...]
    """The column that each of the first rows belongs to."""
    num_free: int = 0
    """Rows after these, that belong to no column."""
    num_of_column: int = 0
    """P."""
    num_shared: int = 0
    """S."""
    levels: Levels | None = None
    """What power has to do with the entries; None where they are not levels of links."""
    uncertain: bool = False
    """Whether entries of the free rows are observed with errors."""
    places: tuple[tuple[float, ...], ...] = ()
    """Where they are: rows at places that free ones may resemble, as they would be without errors.
    The first are the columns' own, of as many columns."""
    slopes: bool = False
    """Whether a network is told what a step of an action changes."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_columns", self.num_columns, 1)
        for name in ("num_free", "num_of_column", "num_shared"):
            checks.check_at_least(name, getattr(self, name), 0)
        checks.require(
            not self.uncertain
            or (
                len(self.places) > self.num_columns
                and all(len(row) == self.num_columns for row in self.places)
            ),
            f"`places` must be more than {self.num_columns} rows of {self.num_columns} entries "
            f"where entries are uncertain, but has {len(self.places)} rows of lengths "
            f"{sorted({len(row) for row in self.places})}",
        )
        checks.require(
            all(0 <= owner < self.num_columns for owner in self.owners),
            f"`owners` must lie in [0, {self.num_columns}), as columns do, but are {self.owners}",
        )

    @property
    def num_rows(self) -> int:
        """R."""
        return len(self.owners) + self.num_free

    @property
    def observation_size(self) -> int:
        """O."""
        return (self.num_rows + self.num_of_column) * self.num_columns + self.num_shared

    @property
    def belongs(self) -> np.ndarray:
        """[U, C] 1 where an owned row belongs to a column, else 0."""
        columns = np.eye(self.num_columns, dtype=np.float32)
        return columns[np.asarray(self.owners, int)]

    def split(self, observation: Float[Array, "*B O"]) -> Parts:
        """The parts of observations."""
        lead, size = observation.shape[:-1], self.num_columns
        table, rest = self.num_rows * size, self.num_of_column * size
        entries, columns, shared = jnp.split(observation, [table, table + rest], axis=-1)
        columns = columns.reshape(*lead, self.num_of_column, size)
        return Parts(
            entries.reshape(*lead, self.num_rows, size), jnp.swapaxes(columns, -1, -2), shared
        )


@runtime_checkable
class LaidOut(Protocol):
    """An environment whose observations are tables."""

    @property
    def layout(self) -> Layout:
        """Of its observations."""
        ...

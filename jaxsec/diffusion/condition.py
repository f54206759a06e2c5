"""What a denoiser is told about the sample it denoises.

A sample is a table of complex entries, R rows by N columns, held as [2, R, N], real and imaginary
parts first. Rows and columns are sets: their order means nothing.
"""

from typing import NamedTuple

from jaxtyping import Float

from jaxsec.shapes import AnyArray


class Condition(NamedTuple):
    """Arrays beside a batch of B samples; any of the feature axes may have length 0."""

    mask: Float[AnyArray, "B 2 R N"]
    """1 where a coordinate exists."""
    entries: Float[AnyArray, "B R N E"]
    """Real features of every entry."""
    complex_entries: Float[AnyArray, "B 2 R N F"]
    """Complex features of every entry, which turn with its phase."""
    rows: Float[AnyArray, "B R G"]
    """Real features of every row."""
    columns: Float[AnyArray, "B N H"]
    """Real features of every column."""
    relations: Float[AnyArray, "B Q 2 R R"]
    """Hermitian matrices that relate the rows to each other."""
    tokens: Float[AnyArray, "B T C"]
    """Real features for networks that attend; without any, they attend to the rows."""

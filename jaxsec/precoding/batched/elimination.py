"""Hermitian positive definite systems, thousands at once: Gaussian elimination, the batch last.

Small systems are written out pivot by pivot, each step on what is left of the matrix. For larger
ones the pivots are a compiled loop over the whole matrix, with finished rows masked: three times
the arithmetic, but a program whose size does not grow with the matrix.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding.batched.algebra import (
    MAX_UNROLLED,
    SplitComplex,
    concatenate,
    put,
    stack,
)
from jaxsec.precoding.batched.kernels import no_inline, one_kernel


def solve_hermitian(a: SplitComplex, b: SplitComplex, ridge: Float[Array, "B"]) -> SplitComplex:
    """A⁻¹b, A [D, D, B] Hermitian with A ≥ ridge·I > 0, b [D, N, B]."""
    return solve_augmented(_augment(a, b), ridge)


def solve_augmented(system: SplitComplex, ridge: Float[Array, "B"]) -> SplitComplex:
    """A⁻¹b from [A | b], [D, D+N, B], A ≥ ridge·I; elimination without pivoting.

    Backward stable for Hermitian positive definite A (Golub & Van Loan, Matrix Computations, 4.2).
    No pivot of such an A is below `ridge`; float32 rounding, at 60 dB a hundred times the ridge
    where channels depend on each other, is not allowed to push one there.
    """
    size = system.shape[0]
    if size > MAX_UNROLLED:
        return _solve_in_loops(system, ridge)
    rest = system
    rows: list[SplitComplex] = []
    for _ in range(size):
        row, rest = _eliminate(rest, ridge)
        rows.append(row)
    solution: list[SplitComplex] = []
    for row in reversed(rows):
        solution.insert(0, _substitute(row, *solution))
    return stack_rows(*solution)


@one_kernel
def stack_rows(*rows: SplitComplex) -> SplitComplex:
    """Arrays [...] as one [len(rows), ...], in a kernel of its own."""
    return stack(list(rows))


@one_kernel
def _augment(a: SplitComplex, b: SplitComplex) -> SplitComplex:
    return concatenate([a, b], axis=1)


@one_kernel
def _eliminate(rest: SplitComplex, ridge: Float[Array, "B"]) -> tuple[SplitComplex, SplitComplex]:
    """The finished row of a pivot, and what is left of the rows and columns after it."""
    row = rest[0, 1:].scale(1.0 / jnp.maximum(rest.re[0, 0], ridge))
    return row, rest[1:, 1:] - rest[1:, :1] * row[None]


@one_kernel
def _substitute(row: SplitComplex, *later: SplitComplex) -> SplitComplex:
    x = row[len(later) :]
    for column, below in enumerate(later):
        x = x - row[column : column + 1] * below
    return x


@one_kernel
def _solve_in_loops(system: SplitComplex, ridge: Float[Array, "B"]) -> SplitComplex:
    size = system.shape[0]
    number = jnp.arange(size)[:, None]
    dtype = ridge.dtype

    def eliminate(n: Any, rest: SplitComplex) -> SplitComplex:
        row, column = _pivot(rest, ridge, n)
        rest = rest - column.scale((number > n).astype(dtype))[:, None] * row[None]
        return put(rest, row, n)

    upper = jax.lax.fori_loop(0, size, eliminate, system)

    def substitute(i: Any, x: SplitComplex) -> SplitComplex:
        n = size - 1 - i
        return x - upper[:, n].scale((number < n).astype(dtype))[:, None] * x[n][None]

    return jax.lax.fori_loop(0, size - 1, substitute, upper[:, size:])


@no_inline
def _pivot(
    rest: SplitComplex, ridge: Float[Array, "B"], n: Any
) -> tuple[SplitComplex, SplitComplex]:
    """The finished row of pivot n, [D+N, B], and its column, [D, B]."""
    row = rest[n]
    return row.scale(1.0 / jnp.maximum(row.re[n], ridge)), rest[:, n]

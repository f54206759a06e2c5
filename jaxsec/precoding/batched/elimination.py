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
    diagonal,
    hermitian_product,
    max_first,
    put,
    squared_norm,
    stack,
    sum_first,
)
from jaxsec.precoding.batched.kernels import no_inline, one_kernel


def solve_hermitian(a: SplitComplex, b: SplitComplex, ridge: Float[Array, "B"]) -> SplitComplex:
    """A⁻¹b, A [D, D, B] Hermitian with A ≥ ridge·I > 0, b [D, N, B]."""
    return solve_augmented(_augment(a, b), ridge)


def solve_augmented(system: SplitComplex, ridge: Float[Array, "B"]) -> SplitComplex:
    """A⁻¹b from [A | b], [D, D+N, B], A ≥ ridge·I; elimination without pivoting.

    Backward stable for Hermitian positive definite A (Golub & Van Loan, Matrix Computations, 4.2).
    In exact arithmetic all that is left of such an A has s_ii ≥ ridge and |s_ij|² ≤ s_ii·s_jj.
    Rounding spoils both where it exceeds the ridge, from about 60 dB on: then a row of noise over
    a pivot as small as the ridge comes back as its square, at the next step as the square of that,
    until it overflows. So a pivot is at least what the two conditions ask for (`_pivot`).
    """
    size = system.shape[0]
    least = _least(system, ridge)
    if size > MAX_UNROLLED:
        return _solve_in_loops(system, ridge, least)
    rest = system
    rows: list[SplitComplex] = []
    for n in range(size):
        row, rest = _eliminate(rest, ridge, least[n:])
        rows.append(row)
    solution: list[SplitComplex] = []
    for row in reversed(rows):
        solution.insert(0, _substitute(row, *solution))
    return stack_rows(*solution)


@one_kernel
def solve_real(system: Float[Array, "D E B"], ridge: Float[Array, "B"]) -> Float[Array, "D N B"]:
    """A⁻¹b from [A | b], real, A ≥ ridge·I symmetric: by Gauss and Jordan, the pivots in a loop.

    Pivots as in `solve_augmented`. No row is left to be substituted: of few systems that are not
    large, what counts is the number of kernels.
    """
    size = system.shape[0]
    number = jnp.arange(size)[:, None]
    corners = diagonal(system, size)
    least = jnp.maximum(size * jnp.finfo(ridge.dtype).eps * corners, _positive(ridge)[None])

    def eliminate(n: Any, rest: Array) -> Array:
        row, column = rest[n], rest[:, n]
        wanted = row[:size] * (row[:size] / jnp.maximum(diagonal(rest, size), least))
        wanted = max_first(jnp.where(number > n, wanted, 0.0))
        row = row / jnp.maximum(jnp.maximum(row[n], _positive(ridge)), wanted)[None]
        rest = rest - jnp.where(number == n, 0.0, column)[:, None] * row[None]
        return jax.lax.dynamic_update_index_in_dim(rest, row, n, 0)

    return jax.lax.fori_loop(0, size, eliminate, system)[:, size:]


def downdate(
    h: SplitComplex, z: SplitComplex, weight: Float[Array, "R B"], ridge: Float[Array, "B"]
) -> Float[Array, "K B"]:
    """f of (B − b_k h_k h_kᴴ)⁻¹ = B⁻¹ + f_k z_k z_kᴴ, for B = Σ_r b_r h_r h_rᴴ + ridge·I.

    The textbook's f_k = b_k/(1 − b_k·h_kᴴz_k) is all cancellation where a user's channel dominates
    B; here f_k = b_k·(zᴴh)_k/(zᴴ(B − b_k h_k h_kᴴ)z)_k, the divisor a sum of positive terms.

    Args:
      h: channels [R, D, B], those of B's first K rows its users'.
      z: B⁻¹h_k, [D, K, B].
      weight: b.
      ridge: positive.
    """
    num_users = z.shape[1]
    heard = hermitian_product(h, z)  # [R, K, B]
    other = 1.0 - jnp.eye(h.shape[0], num_users, dtype=ridge.dtype)[:, :, None]
    rest = sum_first(heard.abs2() * weight[:, None] * other) + ridge[None] * squared_norm(z)
    along = diagonal(heard.re, num_users)
    # A user with a zero channel needs no correction.
    factor = weight[:num_users] * along / jnp.where(rest > 0, rest, 1.0)
    return jnp.where(rest > 0, factor, 0.0)


@one_kernel
def stack_rows(*rows: SplitComplex) -> SplitComplex:
    """Arrays [...] as one [len(rows), ...], in a kernel of its own."""
    return stack(list(rows))


@one_kernel
def _augment(a: SplitComplex, b: SplitComplex) -> SplitComplex:
    return concatenate([a, b], axis=1)


@one_kernel
def _least(system: SplitComplex, ridge: Float[Array, "B"]) -> Float[Array, "D B"]:
    """The least that can be left on the diagonal of A: the ridge, or rounding, D·ε·a_jj."""
    rounding = system.shape[0] * jnp.finfo(ridge.dtype).eps
    return jnp.maximum(rounding * _diagonal(system), _positive(ridge)[None])


@one_kernel
def _eliminate(
    rest: SplitComplex, ridge: Float[Array, "B"], least: Float[Array, "D B"]
) -> tuple[SplitComplex, SplitComplex]:
    """The finished row of a pivot, and what is left of the rows and columns after it."""
    row = rest[0, 1:].scale(1.0 / _pivot(rest, ridge, least))
    return row, rest[1:, 1:] - rest[1:, :1] * row[None]


def _pivot(
    rest: SplitComplex, ridge: Float[Array, "B"], least: Float[Array, "D B"]
) -> Float[Array, "B"]:
    """The first pivot of [S | b], or if that is too small, p with |s_1j|²/p ≤ s_jj for every j.

    What is subtracted from s_jj is then at most max(s_jj, least_j), and from s_jk the geometric
    mean of two such: whatever rounding does, nothing grows beyond D·√(a_jj·a_kk).
    """
    pivot = jnp.maximum(rest.re[0, 0], _positive(ridge))
    for j in range(1, rest.shape[0]):
        pivot = jnp.maximum(pivot, _wanted(rest[0, j], rest.re[j, j], least[j]))
    return pivot


def _wanted(entry: SplitComplex, corner: Array, least: Array) -> Array:
    """|s_1j|² over s_jj; nothing of it overflows where the quotient does not."""
    inverse = 1.0 / jnp.maximum(corner, least)
    return entry.re * (entry.re * inverse) + entry.im * (entry.im * inverse)


def _diagonal(system: SplitComplex) -> Float[Array, "D B"]:
    """The real diagonal of A in [A | b]."""
    return diagonal(system.re, system.shape[0])


def _positive(ridge: Float[Array, "B"]) -> Float[Array, "B"]:
    """The ridge, or where all weights are zero, the smallest number."""
    return jnp.maximum(ridge, jnp.finfo(ridge.dtype).tiny)


@one_kernel
def _substitute(row: SplitComplex, *later: SplitComplex) -> SplitComplex:
    x = row[len(later) :]
    for column, below in enumerate(later):
        x = x - row[column : column + 1] * below
    return x


@one_kernel
def _solve_in_loops(
    system: SplitComplex, ridge: Float[Array, "B"], least: Float[Array, "D B"]
) -> SplitComplex:
    size = system.shape[0]
    number = jnp.arange(size)[:, None]
    dtype = ridge.dtype

    def eliminate(n: Any, rest: SplitComplex) -> SplitComplex:
        row, column = _pivot_row(rest, ridge, least, n)
        rest = rest - column.scale((number > n).astype(dtype))[:, None] * row[None]
        return put(rest, row, n)

    upper = jax.lax.fori_loop(0, size, eliminate, system)

    def substitute(i: Any, x: SplitComplex) -> SplitComplex:
        n = size - 1 - i
        return x - upper[:, n].scale((number < n).astype(dtype))[:, None] * x[n][None]

    return jax.lax.fori_loop(0, size - 1, substitute, upper[:, size:])


@no_inline
def _pivot_row(
    rest: SplitComplex, ridge: Float[Array, "B"], least: Float[Array, "D B"], n: Any
) -> tuple[SplitComplex, SplitComplex]:
    """The finished row of pivot n, [D+N, B], and its column, [D, B]; `_pivot`, of a traced n."""
    size = rest.shape[0]
    row = rest[n]
    later = (jnp.arange(size) > n)[:, None]
    wanted = jnp.where(later, _wanted(row[:size], _diagonal(rest), least), 0.0)
    pivot = jnp.maximum(jnp.maximum(row.re[n], _positive(ridge)), max_first(wanted))
    return row.scale(1.0 / pivot), rest[:, n]

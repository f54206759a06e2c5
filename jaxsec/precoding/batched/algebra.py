"""Small complex linear algebra with the batch on the last axis, for thousands of tiny problems.

A complex array of shape [..., B] is held as two real arrays of that shape, the batch of channels
last. Every operation is then an elementwise loop over the contiguous batch, which compilers
vectorise fully on CPU and coalesce on GPU, where a batched LAPACK call or a matrix product of 6×6
matrices is nearly all overhead. Sums over the small axes are unrolled.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from jaxsec.precoding.batched.kernels import no_inline, one_kernel
from jaxsec.shapes import lift


@functools.partial(jax.tree_util.register_dataclass, data_fields=["re", "im"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class SplitComplex:
    """A complex array as its real and imaginary parts; broadcasts and indexes like one array."""

    re: Float[Array, "..."]
    im: Float[Array, "..."]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.re.shape

    def __add__(self, other: "SplitComplex") -> "SplitComplex":
        return SplitComplex(self.re + other.re, self.im + other.im)

    def __sub__(self, other: "SplitComplex") -> "SplitComplex":
        return SplitComplex(self.re - other.re, self.im - other.im)

    def __mul__(self, other: "SplitComplex") -> "SplitComplex":
        return SplitComplex(
            self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re
        )

    def __getitem__(self, index: Any) -> "SplitComplex":
        return SplitComplex(self.re[index], self.im[index])

    def scale(self, real: Float[Array, "..."]) -> "SplitComplex":
        """Product with a real array."""
        real = lift(real, self.re.ndim)
        return SplitComplex(real * self.re, real * self.im)

    def conj(self) -> "SplitComplex":
        return SplitComplex(self.re, -self.im)

    def abs2(self) -> Float[Array, "..."]:
        """|·|²."""
        return self.re * self.re + self.im * self.im


def split(x: Complex[Array, "B *rest"]) -> SplitComplex:
    """Batch-leading complex to batch-last split form."""
    return SplitComplex(jnp.moveaxis(x.real, 0, -1), jnp.moveaxis(x.imag, 0, -1))


def join(a: SplitComplex) -> Complex[Array, "B *rest"]:
    """Inverse of `split`."""
    return jnp.moveaxis(jax.lax.complex(a.re, a.im), -1, 0)


def concatenate(parts: list[SplitComplex], axis: int) -> SplitComplex:
    return SplitComplex(
        jnp.concatenate([part.re for part in parts], axis),
        jnp.concatenate([part.im for part in parts], axis),
    )


def stack(parts: list[SplitComplex], axis: int = 0) -> SplitComplex:
    return SplitComplex(
        jnp.stack([part.re for part in parts], axis), jnp.stack([part.im for part in parts], axis)
    )


def where(condition: Array, new: SplitComplex, old: SplitComplex) -> SplitComplex:
    """`new` where the condition [..., B] holds, else `old`."""
    condition = lift(condition, new.re.ndim)
    return SplitComplex(jnp.where(condition, new.re, old.re), jnp.where(condition, new.im, old.im))


def transpose(a: SplitComplex) -> SplitComplex:
    """Exchanges the first two axes."""
    return SplitComplex(jnp.swapaxes(a.re, 0, 1), jnp.swapaxes(a.im, 0, 1))


def unrolled_sum(terms: list[Any]) -> Any:
    """Sum of a non-empty list, unrolled."""
    return functools.reduce(lambda a, b: a + b, terms)


def sum_first(x: Any) -> Any:
    """Sum over the first axis, unrolled: a compiled reduction would be a kernel of its own."""
    return unrolled_sum([x[i] for i in range(x.shape[0])])


def max_first(x: Float[Array, "N ..."]) -> Float[Array, "..."]:
    """Largest over the first axis, unrolled."""
    return functools.reduce(jnp.maximum, [x[i] for i in range(x.shape[0])])


def squared_norm(x: SplitComplex) -> Float[Array, "..."]:
    """Squared norm over the first axis."""
    return sum_first(x.abs2())


def hermitian_product(h: SplitComplex, f: SplitComplex) -> SplitComplex:
    """hᴴf: received amplitudes [R, N, B] of beams f [D, N, B] on channels h [R, D, B]."""
    return unrolled_sum([h[:, d, None].conj() * f[None, d] for d in range(f.shape[0])])


def combine(h: SplitComplex, c: SplitComplex) -> SplitComplex:
    """Σ_r h_r c[r, n]: vectors [D, N, B] as combinations c [R, N, B] of channels h [R, D, B]."""
    return unrolled_sum([h[r, :, None] * c[r, None] for r in range(h.shape[0])])


def weighted_gram(
    h: SplitComplex, weight: Float[Array, "R B"], ridge: Float[Array, "B"]
) -> SplitComplex:
    """ridge·I + Σ_r weight[r]·h_r·h_rᴴ, [D, D, B]."""
    outer = unrolled_sum(
        [h[r, :, None].scale(weight[r]) * h[r, None].conj() for r in range(h.shape[0])]
    )
    eye = jnp.eye(h.shape[1], dtype=ridge.dtype)[:, :, None]
    return SplitComplex(outer.re + ridge[None, None] * eye, outer.im)


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
    least = _least(system, ridge)
    rest = system
    rows: list[SplitComplex] = []
    for _ in range(system.shape[0]):
        row, rest = _eliminate(rest, ridge, least)
        rows.append(row)
    solution: list[SplitComplex] = []
    for row in reversed(rows):
        solution.insert(0, _substitute(row, *solution))
    return _stack_rows(*solution)


@one_kernel
def _augment(a: SplitComplex, b: SplitComplex) -> SplitComplex:
    return concatenate([a, b], axis=1)


@one_kernel
def _least(system: SplitComplex, ridge: Float[Array, "B"]) -> Float[Array, "D B"]:
    """The least that can be left on the diagonal of A: the ridge, or rounding, D·ε·a_jj."""
    size = system.shape[0]
    rounding = size * jnp.finfo(ridge.dtype).eps
    tiny = jnp.finfo(ridge.dtype).tiny  # all weights may be zero
    least = jnp.maximum(ridge, tiny)
    return jnp.stack([jnp.maximum(rounding * system.re[d, d], least) for d in range(size)])


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
    size = rest.shape[0]
    least = least[least.shape[0] - size :]
    pivot = jnp.maximum(jnp.maximum(rest.re[0, 0], ridge), jnp.finfo(ridge.dtype).tiny)
    for j in range(1, size):
        inverse = 1.0 / jnp.maximum(rest.re[j, j], least[j])
        re, im = rest.re[0, j], rest.im[0, j]
        pivot = jnp.maximum(pivot, re * (re * inverse) + im * (im * inverse))
    return pivot


@one_kernel
def _substitute(row: SplitComplex, *later: SplitComplex) -> SplitComplex:
    x = row[len(later) :]
    for column, below in enumerate(later):
        x = x - row[column : column + 1] * below
    return x


@one_kernel
def _stack_rows(*rows: SplitComplex) -> SplitComplex:
    return stack(list(rows))


def orthonormal_basis(h: SplitComplex) -> tuple[SplitComplex, SplitComplex]:
    """Basis q [R, M, B] of the span of h [R, M, B]; coordinates g [R, R, B]: h_r = Σ_s g_rs q_s.

    Gram–Schmidt, each vector orthogonalised twice (Golub & Van Loan, 5.2.9). A vector that depends
    on earlier ones to rounding, or is zero, adds a zero basis vector: the span then has fewer
    dimensions, and everything downstream leaves the empty one alone.
    """
    basis: list[SplitComplex] = []
    for r in range(h.shape[0]):
        vector = _unit(h[r])
        for _ in range(2 if basis else 0):
            vector = _remove(vector, *basis)
        basis.append(_keep(vector))
    stacked = _stack_rows(*basis)
    return stacked, _coordinates(stacked, h)


@no_inline
def _unit(x: SplitComplex) -> SplitComplex:
    """x [M, B] at unit length, or zero."""
    length2 = jnp.sum(x.abs2(), axis=0)
    there = length2 > 0
    return x.scale(jnp.where(there, jax.lax.rsqrt(jnp.where(there, length2, 1.0)), 0.0))


@no_inline
def _remove(x: SplitComplex, *basis: SplitComplex) -> SplitComplex:
    """x [M, B] minus its projections on the basis."""
    q = stack(list(basis))
    return x - combine(q, _project(q, x)[:, None])[:, 0]


@no_inline
def _keep(rest: SplitComplex) -> SplitComplex:
    """What is left of a unit vector, at unit length; zero if it is no more than rounding."""
    left2 = jnp.sum(rest.abs2(), axis=0)
    keep = left2 > (32 * jnp.finfo(left2.dtype).eps) ** 2
    return rest.scale(jnp.where(keep, jax.lax.rsqrt(jnp.where(keep, left2, 1.0)), 0.0))


@no_inline
def _coordinates(q: SplitComplex, h: SplitComplex) -> SplitComplex:
    """g[r, s] = q_sᴴ h_r, zero for s > r, where only rounding is left."""
    lower = jnp.tril(jnp.ones((h.shape[0], q.shape[0]), h.re.dtype))[:, :, None]
    return stack([_project(q, h[r]) for r in range(h.shape[0])]).scale(lower)


def _project(q: SplitComplex, x: SplitComplex) -> SplitComplex:
    """qᴴx [S, B] for q [S, M, B], x [M, B]; M may be large, so this sum is not unrolled."""
    product = q.conj() * x[None]
    return SplitComplex(jnp.sum(product.re, axis=1), jnp.sum(product.im, axis=1))

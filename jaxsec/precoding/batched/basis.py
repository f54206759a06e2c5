"""Orthonormal bases of the span of a few vectors, and of all that is orthogonal to them.

Vectors may depend on one another, or be zero; with the batch last. No library factorisation: on
CPU, several of them in one compiled program have been seen to wait for each other for ever.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxsec.precoding.batched.algebra import (
    MAX_LOOPED,
    SplitComplex,
    combine,
    concatenate,
    hermitian_product,
    put,
    transpose,
    where,
)
from jaxsec.precoding.batched.elimination import stack_rows
from jaxsec.precoding.batched.kernels import no_inline

MAX_VECTORS = 6
"""Up to which Gram–Schmidt is written out: every one costs a program of its own to compile."""


def orthonormal_basis(h: SplitComplex) -> tuple[SplitComplex, SplitComplex]:
    """Basis q [R, M, B] of the span of h [R, M, B]; coordinates g [R, R, B]: h_r = Σ_s g_rs q_s.

    Gram–Schmidt, each vector orthogonalised twice (Golub & Van Loan, 5.2.9). A vector that depends
    on earlier ones to rounding, or is zero, adds a zero basis vector: the span then has fewer
    dimensions, and everything downstream leaves the empty one alone.
    """
    if h.shape[0] > MAX_VECTORS:
        q = _basis_in_a_loop(h)
    else:
        basis: list[SplitComplex] = []
        for r in range(h.shape[0]):
            vector = _unit(h[r])
            for _ in range(2 if basis else 0):
                vector = _remove(vector, *[b[None] for b in basis])
            basis.append(_keep(vector))
        q = stack_rows(*basis)
    return q, _coordinates(q, h)


def null_space(h: SplitComplex) -> SplitComplex:
    """[M, M − K, B]: orthonormal columns, orthogonal to every one of h [K, M, B]; none if K ≥ M.

    The last columns of the unitary matrix that Householder reflections bring h to triangular form
    with (Golub & Van Loan, 5.2.2): orthonormal whether or not vectors depend on one another.
    """
    num_vectors, size, batch = h.shape
    room = max(size - num_vectors, 0)
    eye = jnp.eye(size, dtype=h.re.dtype)[:, size - room :, None]
    eye = jnp.broadcast_to(eye, (size, room, batch))
    last = SplitComplex(eye, jnp.zeros_like(eye))
    if not room:
        return last

    def triangularise(r: Any, carry: tuple[SplitComplex, SplitComplex]):
        rest, normals = carry
        normal = _normal(rest, r)
        return _reflect(rest, normal), put(normals, normal, r)

    start = transpose(h), SplitComplex(jnp.zeros_like(h.re), jnp.zeros_like(h.im))
    _, normals = jax.lax.fori_loop(0, num_vectors, triangularise, start)

    def apply(i: Any, columns: SplitComplex) -> SplitComplex:
        return _reflect(columns, normals[num_vectors - 1 - i])

    return jax.lax.fori_loop(0, num_vectors, apply, last)


def outside(basis: SplitComplex, x: SplitComplex) -> SplitComplex:
    """x [M, N, B] minus its part in the span of the basis [K, M, B], taken out twice."""
    for _ in range(2):
        x = _subtract(x, basis, _heard(basis, x))
    return x


_heard = no_inline(hermitian_product)


@no_inline
def _subtract(x: SplitComplex, basis: SplitComplex, c: SplitComplex) -> SplitComplex:
    return x - combine(basis, c)


def _basis_in_a_loop(h: SplitComplex) -> SplitComplex:
    """The same against a basis of fixed shape, zero where it is not found yet."""

    def append(r: Any, q: SplitComplex) -> SplitComplex:
        vector = _unit(h[r])
        for _ in range(2):
            vector = _remove(vector, q)
        return put(q, _keep(vector), r)

    zeros = jnp.zeros_like(h.re)
    return jax.lax.fori_loop(0, h.shape[0], append, SplitComplex(zeros, zeros))


@no_inline
def _unit(x: SplitComplex) -> SplitComplex:
    """x [M, B] at unit length, or zero."""
    return _over_length(x, smallest=0.0)


@no_inline
def _remove(x: SplitComplex, *basis: SplitComplex) -> SplitComplex:
    """x [M, B] minus its projections on the basis, in parts of [S, M, B]."""
    q = concatenate(list(basis), axis=0)
    return x - combine(q, _project(q, x)[:, None])[:, 0]


@no_inline
def _keep(rest: SplitComplex) -> SplitComplex:
    """What is left of a unit vector, at unit length; zero if it is no more than rounding."""
    return _over_length(rest, smallest=32 * float(jnp.finfo(rest.re.dtype).eps))


def _over_length(x: SplitComplex, smallest: float) -> SplitComplex:
    """x [M, B] at unit length; zero if it is not longer than `smallest`."""
    length2 = jnp.sum(x.abs2(), axis=0)
    keep = length2 > smallest**2
    return x.scale(jnp.where(keep, jax.lax.rsqrt(jnp.where(keep, length2, 1.0)), 0.0))


@no_inline
def _coordinates(q: SplitComplex, h: SplitComplex) -> SplitComplex:
    """g[r, s] = q_sᴴ h_r, zero for s > r, where only rounding is left."""
    lower = jnp.tril(jnp.ones((h.shape[0], q.shape[0]), h.re.dtype))[:, :, None]
    return transpose(hermitian_product(q, transpose(h))).scale(lower)


def _project(q: SplitComplex, x: SplitComplex) -> SplitComplex:
    """qᴴx [S, B] for q [S, M, B], x [M, B]; a reduction, faster here than terms of one column."""
    if x.shape[0] > MAX_LOOPED:
        return hermitian_product(q, x[:, None])[:, 0]
    product = q.conj() * x[None]
    return SplitComplex(jnp.sum(product.re, axis=1), jnp.sum(product.im, axis=1))


@no_inline
def _normal(columns: SplitComplex, r: Any) -> SplitComplex:
    """Unit normal [M, B] of the mirror that zeroes column r below row r; zero if it is zero."""
    number = jnp.arange(columns.shape[0])[:, None]
    column = columns[:, r]
    x = column.scale((number >= r).astype(column.re.dtype))
    pivot = x[r]
    length2, pivot2 = jnp.sum(x.abs2(), axis=0), pivot.abs2()
    there, turned = length2 > 0, pivot2 > 0
    length = jnp.sqrt(jnp.where(there, length2, 1.0))
    size = jnp.where(turned, jnp.sqrt(jnp.where(turned, pivot2, 1.0)), 0.0)
    # Away from the pivot, so that nothing cancels: x + phase·‖x‖·e_r.
    one = SplitComplex(jnp.ones_like(length), jnp.zeros_like(length))
    phase = where(turned, pivot.scale(1.0 / jnp.where(turned, size, 1.0)), one)
    mirror = x + phase.scale(length)[None].scale((number == r).astype(length.dtype))
    norm2 = 2.0 * length * (length + size)
    return mirror.scale(jnp.where(there, jax.lax.rsqrt(norm2), 0.0))


@no_inline
def _reflect(columns: SplitComplex, normal: SplitComplex) -> SplitComplex:
    """(I − 2nnᴴ) times the columns [M, N, B], n [M, B] of unit length or zero."""
    along = hermitian_product(normal[None], columns)  # [1, N, B]
    return columns - normal[:, None] * along.scale(jnp.asarray(2.0, columns.re.dtype))

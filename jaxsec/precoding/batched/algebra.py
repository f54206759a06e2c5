"""Small complex linear algebra with the batch on the last axis, for thousands of tiny problems.

A complex array of shape [..., B] is held as two real arrays of that shape, the batch of channels
last. Every operation is then an elementwise loop over the contiguous batch, which compilers
vectorise fully on CPU and coalesce on GPU, where a batched LAPACK call or a matrix product of 6×6
matrices is nearly all overhead.

Sums over the small axes take one of three forms, by their static length. Up to `MAX_UNROLLED` terms
they are written out: fastest, but the compiler's work grows with every term. Up to `MAX_LOOPED`
they are a compiled loop over terms, each of them still a loop over the batch. The longest, over
many antennas, are matrix products; those never occur inside of `kernels.one_kernel`.
"""

import dataclasses
import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from jaxsec.shapes import lift

T = TypeVar("T")

MAX_UNROLLED = 8
"""Terms of a sum, and steps of an elimination, up to which they are written out."""
MAX_LOOPED = 32
"""Terms of a sum up to which it is a loop, beyond `MAX_UNROLLED`; above, a matrix product."""


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


def put(x: SplitComplex, row: SplitComplex, index: Any) -> SplitComplex:
    """x with `row` in place of x[index]."""
    return SplitComplex(
        jax.lax.dynamic_update_index_in_dim(x.re, row.re, index, 0),
        jax.lax.dynamic_update_index_in_dim(x.im, row.im, index, 0),
    )


def transpose(a: SplitComplex) -> SplitComplex:
    """Exchanges the first two axes."""
    return SplitComplex(jnp.swapaxes(a.re, 0, 1), jnp.swapaxes(a.im, 0, 1))


def fold(count: int, term: Callable[[Any], T], join: Callable[[Any, Any], Any] = operator.add) -> T:
    """term(0) + … + term(count − 1), or joined otherwise: written out if short, else a loop.

    Args:
      count: number of terms, at least one.
      term: of an index, an int or in a loop a traced one, to an array or `SplitComplex`.
      join: puts two terms together.
    """
    if count <= MAX_UNROLLED:
        return functools.reduce(join, [term(i) for i in range(count)])
    return jax.lax.fori_loop(1, count, lambda i, part: join(part, term(i)), term(0))


def sum_first(x: Float[Array, "N ..."]) -> Float[Array, "..."]:
    """Sum over the first axis."""
    if x.shape[0] > MAX_LOOPED:
        return jnp.sum(x, axis=0)
    return fold(x.shape[0], lambda i: x[i])


def sum_second(x: Float[Array, "A N ..."]) -> Float[Array, "A ..."]:
    """Sum over the second axis."""
    if x.shape[1] > MAX_LOOPED:
        return jnp.sum(x, axis=1)
    return fold(x.shape[1], lambda i: x[:, i])


def max_first(x: Float[Array, "N ..."]) -> Float[Array, "..."]:
    """Largest over the first axis."""
    return fold(x.shape[0], lambda i: x[i], jnp.maximum)


def sum_others(x: Float[Array, "A K ..."], start: Float[Array, "A ..."]) -> Float[Array, "A K ..."]:
    """At [a, k]: start[a] and the sum of x[a, i] over all i but k.

    Never the whole sum minus x[a, k], which in float32 cancels to nothing.
    """
    count = x.shape[1]
    if count * (count - 1) <= 2 * MAX_UNROLLED:
        rows = [
            functools.reduce(operator.add, [start, *(x[:, i] for i in range(count) if i != k)])
            for k in range(count)
        ]
        return jnp.stack(rows, axis=1)
    own = lift(jnp.arange(count), 2).reshape(1, count, *(1,) * (x.ndim - 2))

    def add(i: Any, part: Array) -> Array:
        return part + jnp.where(own == i, 0.0, x[:, i, None])

    return jax.lax.fori_loop(0, count, add, jnp.broadcast_to(start[:, None], x.shape))


def diagonal(x: Float[Array, "R N ..."], count: int) -> Float[Array, "{count} ..."]:
    """The first `count` entries [k, k]."""
    if count <= MAX_UNROLLED:
        return jnp.stack([x[k, k] for k in range(count)])
    same = jnp.eye(count, dtype=bool).reshape(count, count, *(1,) * (x.ndim - 2))
    return sum_second(jnp.where(same, x[:count, :count], 0.0))


def squared_norm(x: SplitComplex) -> Float[Array, "..."]:
    """Squared norm over the first axis."""
    return sum_first(x.abs2())


def hermitian_product(h: SplitComplex, f: SplitComplex) -> SplitComplex:
    """hᴴf: received amplitudes [R, N, B] of beams f [D, N, B] on channels h [R, D, B]."""
    if f.shape[0] > MAX_LOOPED:
        return _matrix_product(h.conj(), f, "rdb,dnb->rnb")
    return fold(f.shape[0], lambda d: h[:, d, None].conj() * f[None, d])


def combine(h: SplitComplex, c: SplitComplex) -> SplitComplex:
    """Σ_r h_r c[r, n]: vectors [D, N, B] as combinations c [R, N, B] of channels h [R, D, B]."""
    if h.shape[0] > MAX_LOOPED:
        return _matrix_product(h, c, "rdb,rnb->dnb")
    return fold(h.shape[0], lambda r: h[r, :, None] * c[r, None])


def weighted_gram(
    h: SplitComplex, weight: Float[Array, "R B"], ridge: Float[Array, "B"]
) -> SplitComplex:
    """ridge·I + Σ_r weight[r]·h_r·h_rᴴ, [D, D, B]."""
    outer = fold(h.shape[0], lambda r: h[r, :, None].scale(weight[r]) * h[r, None].conj())
    eye = jnp.eye(h.shape[1], dtype=ridge.dtype)[:, :, None]
    return SplitComplex(outer.re + ridge[None, None] * eye, outer.im)


def _matrix_product(a: SplitComplex, b: SplitComplex, subscripts: str) -> SplitComplex:
    """Products of complex matrices as four of real ones, which have faster library calls."""
    product = functools.partial(jnp.einsum, subscripts, precision="highest")
    return SplitComplex(
        product(a.re, b.re) - product(a.im, b.im), product(a.re, b.im) + product(a.im, b.re)
    )

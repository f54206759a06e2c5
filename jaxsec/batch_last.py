"""Functions whose batch is the last axis of every array, wherever `vmap` has put it.

`vmap` puts the batch first, and XLA on CPU computes side by side along the last axis: where the
axes of an item are short, a dozen links, it computes one by one. Inside of `batch_last` the order
is the other way round.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jaxtyping import Array

from jaxsec.precoding.batched import kernels

P = ParamSpec("P")
T = TypeVar("T")


def batch_last(fn: Callable[P, T]) -> Callable[P, T]:
    """A function that sees any batch as axes behind its own.

    >>> @batch_last
    ... def first(x):
    ...     return x[0]
    >>> jax.vmap(first)(jax.numpy.arange(6.0).reshape(3, 2)).tolist()
    [0.0, 2.0, 4.0]

    Differentiable as `fn` is, in either mode and any number of times; derivatives are computed in
    the usual order of axes, and `fn` once more for them.

    Args:
      fn: of arrays to arrays, all of which may have further axes at the end, the same in all.
    """

    function: Callable[..., T] = fn
    call = custom_vmap(lambda *args: function(*args))

    @call.def_vmap
    def batched(size, is_batched, *args):
        def last(has, x):
            return _to_last(x if has else jnp.broadcast_to(x[None], (size, *x.shape)))

        found = call(*jax.tree.map(last, tuple(is_batched), args))
        first = jax.tree.map(lambda x: jnp.moveaxis(x, -1, 0), found)
        return first, jax.tree.map(lambda _: True, found)

    @jax.custom_jvp
    def differentiable(*args):
        return call(*args)

    @differentiable.defjvp
    def slope(primals, tangents):
        return differentiable(*primals), jax.jvp(function, primals, tangents)[1]

    return functools.wraps(fn)(differentiable)


@kernels.no_inline
def _to_last(x: Array) -> Array:
    """The first axis, by itself: fused with what reads it, it would be moved again and again."""
    return jnp.moveaxis(x, 0, -1)


def with_batch(constant: np.ndarray, num_axes: int) -> np.ndarray:
    """What is the same for all items of a batch, with that many axes for it at the end."""
    return np.expand_dims(constant, tuple(range(constant.ndim, constant.ndim + num_axes)))

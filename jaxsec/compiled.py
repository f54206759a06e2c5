"""Functions of arrays that are one program wherever they are called.

Called by itself, a function of `jax.numpy` is compiled operation by operation: thirty programs for
a secrecy rate, each built, kept and started by itself. `compiled` makes it one. Where the caller is
compiled itself, nothing of it is left: its operations become the caller's.

Not for `precoding`, where a setting of the caller decides how kernels are built
(`batched.kernels`): a program that is kept would keep the first caller's.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
T = TypeVar("T")


def compiled(*static: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Compiles a pure function, once for every shape of its arrays.

    >>> @compiled("times")
    ... def repeat(x, *, times):
    ...     return jax.numpy.tile(x, times)
    >>> repeat(jax.numpy.ones(2), times=3).shape
    (6,)

    Args:
      static: names of arguments that are no arrays and decide what is compiled; they are hashable.
    """

    def decorate(fn: Callable[P, T]) -> Callable[P, T]:
        program = jax.jit(fn, static_argnames=static, inline=True)

        @functools.wraps(fn)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return program(*args, **kwargs)

        return call

    return decorate

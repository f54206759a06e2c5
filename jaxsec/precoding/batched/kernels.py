"""Boundaries for the compiler: which values are written out, and which loops form one kernel.

XLA on CPU fuses chains of elementwise operations by *recomputing* a producer in each consumer, and
drops `optimization_barrier` before it fuses, so an unrolled elimination becomes exponential work.
A call that may not be inlined is a boundary that it keeps.

Left alone it also spreads every small loop over the cores, where handing over costs more than the
loop. Under `single_kernels`, a step is compiled into one kernel of one thread, and the cores are
used a level above, each on channels of its own (`chunks.deal`). That halves the time, but rests on
an attribute that XLA sets for itself and does not document, so only compiled solvers that can do
without (`gpip`) ask for it.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import jax
from jax.experimental.xla_metadata import set_xla_metadata

P = ParamSpec("P")
T = TypeVar("T")

_single_kernels = contextvars.ContextVar("single_kernels", default=False)


@contextlib.contextmanager
def single_kernels(wanted: bool) -> Iterator[None]:
    """While tracing inside, stages are marked as kernels of their own."""
    token = _single_kernels.set(wanted)
    try:
        yield
    finally:
        _single_kernels.reset(token)


def one_kernel(fn: Callable[P, T]) -> Callable[P, T]:
    """A step of arrays to arrays: elementwise, also in loops; no reductions or library calls."""
    return _call(fn, may_be_kernel=True)


def no_inline(fn: Callable[P, T]) -> Callable[P, T]:
    """A boundary only: nothing outside is fused with anything inside."""
    return _call(fn, may_be_kernel=False)


def _call(fn: Callable[P, T], may_be_kernel: bool) -> Callable[P, T]:
    """`fn` as a call with attributes on CPU; other backends, which fuse well, see `fn` itself."""
    # One compiled function for either setting: what is traced inside carries the attributes too.
    compiled = {setting: jax.jit(_copy(fn)) for setting in (False, True)}

    @functools.wraps(fn)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if jax.default_backend() != "cpu":
            return fn(*args, **kwargs)
        kernels = _single_kernels.get()
        attributes = {"inlineable": "false"}
        if may_be_kernel and kernels:
            attributes["xla_cpu_small_call"] = "true"
        with set_xla_metadata(**attributes):
            return compiled[kernels](*args, **kwargs)

    return call


def _copy(fn: Callable[P, T]) -> Callable[P, T]:
    """Another function of the same name: `jax.jit` shares traces between equal ones."""

    @functools.wraps(fn)
    def copy(*args: P.args, **kwargs: P.kwargs) -> T:
        return fn(*args, **kwargs)

    return copy

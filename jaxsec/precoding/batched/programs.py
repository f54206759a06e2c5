"""Compiled programs that go when they are no longer used.

`jax.jit` keeps what it compiles for as long as the function lives. A large program takes several
hundred of the 65,530 memory maps that Linux gives a process, so a sweep over sizes would end it.
Here every program, a function for inputs of one shape, is a `jax.jit` of its own: dropping that
frees the executable and its maps.
"""

import collections
import functools
import threading
from collections.abc import Callable, Hashable
from typing import Any

import jax

MAX_PROGRAMS = 32
"""Programs kept; of OPT, each takes up to 800 memory maps."""


class Program:
    """A function compiled for inputs of one shape, at its first call."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = jax.jit(fn)
        self._compiling = threading.Lock()
        self._compiled = False

    def __call__(self, *args: Any) -> Any:
        if self._compiled:
            return self._fn(*args)
        with self._compiling:  # other threads wait instead of compiling the same
            result = self._fn(*args)
            self._compiled = True
        return result


class Programs:
    """Programs by what they are compiled for, the least recently used dropped beyond a limit.

    Threads may share it.
    """

    def __init__(self, limit: int = MAX_PROGRAMS) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._table: collections.OrderedDict[Hashable, Program] = collections.OrderedDict()

    def __len__(self) -> int:
        return len(self._table)

    def clear(self) -> None:
        """Drops all of them."""
        with self._lock:
            self._table.clear()

    def get(self, fn: Callable[..., Any], args: Any, **static: Hashable) -> Program:
        """`fn` with the options `static`, to be called with `args` or others of their shapes.

        Args:
          fn: a function of positional arrays and of options by name.
          args: arrays, NumPy's or JAX's, tracers, or None.
          static: options that decide what is compiled.
        """
        key = (fn, tuple(static.items()), _shapes(args))
        with self._lock:
            program = self._table.get(key)
            if program is None:
                # Another function each time: `jax.jit` shares what it compiles between equal ones.
                program = self._table[key] = Program(functools.partial(fn, **static))
                while len(self._table) > self.limit:
                    self._table.popitem(last=False)
            else:
                self._table.move_to_end(key)
        return program


PROGRAMS = Programs()
"""Those of the library's designers."""


def _shapes(args: Any) -> Hashable:
    leaves, tree = jax.tree.flatten(args)
    return tree, tuple((getattr(x, "shape", ()), getattr(x, "dtype", type(x))) for x in leaves)

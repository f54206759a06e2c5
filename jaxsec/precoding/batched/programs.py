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
from jax.core import Tracer

MAX_PROGRAMS = 32
"""Programs kept; of OPT, each takes up to 800 memory maps."""


_ALONE = threading.RLock()
"""Held by the thread that runs a program which must run alone; which may run others inside."""


class Program:
    """A function compiled for inputs of one shape, at its first call.

    Of several forms of the function, the first that the compiler can build. On CPU two programs
    whose loops hold parallel work can wait for each other's threads for ever when they run at once
    (XLA as of jaxlib 0.10, seen on two cores), so that a program runs alone unless it says that it
    may be run by several threads, as those may that a designer deals to the cores (`chunks.deal`).
    """

    def __init__(self, *forms: Callable[..., Any], together: bool = False) -> None:
        self._forms = [jax.jit(form) for form in forms]
        self._compiling = threading.Lock()
        self._compiled = False
        self._together = together

    def __call__(self, *args: Any) -> Any:
        if self._together or jax.default_backend() != "cpu" or _traced(args):
            return self._run(*args)
        with _ALONE:
            return jax.block_until_ready(self._run(*args))

    def _run(self, *args: Any) -> Any:
        if self._compiled:
            return self._forms[0](*args)
        with self._compiling:  # other threads wait instead of compiling the same
            while True:
                try:
                    result = self._forms[0](*args)
                except jax.errors.JaxRuntimeError:
                    if self._compiled or len(self._forms) == 1:
                        raise
                    del self._forms[0]  # for good: failing takes as long as compiling
                else:
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

    def get(
        self,
        fn: Callable[..., Any],
        args: Any,
        *,
        instead: tuple[tuple[str, Hashable], ...] = (),
        together: bool = False,
        **static: Hashable,
    ) -> Program:
        """`fn` with the options `static`, to be called with `args` or others of their shapes.

        Args:
          fn: a function of positional arrays and of options by name.
          args: arrays, NumPy's or JAX's, tracers, or None.
          instead: options that replace those of `static` where the compiler cannot build that.
          together: several threads may run it at once.
          static: options that decide what is compiled.
        """
        key = (fn, tuple(static.items()), instead, together, _shapes(args))
        with self._lock:
            program = self._table.get(key)
            if program is None:
                # Another function each time: `jax.jit` shares what it compiles between equal ones.
                forms = [static, static | dict(instead)] if instead else [static]
                forms = [functools.partial(fn, **form) for form in forms]
                program = Program(*forms, together=together)
                self._table[key] = program
                while len(self._table) > self.limit:
                    self._table.popitem(last=False)
            else:
                self._table.move_to_end(key)
        return program


PROGRAMS = Programs()
"""Those of the library's designers."""


def _traced(args: Any) -> bool:
    return any(isinstance(x, Tracer) for x in jax.tree.leaves(args))


def _shapes(args: Any) -> Hashable:
    leaves, tree = jax.tree.flatten(args)
    return tree, tuple((getattr(x, "shape", ()), getattr(x, "dtype", type(x))) for x in leaves)

"""Functions of separate arrays that take a `Strategy` and `Channels` in their places as well.

sum_secrecy_rate(w, v, h_user, h_eve, noise_power)
sum_secrecy_rate(strategy, channels)  # the same
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, overload, runtime_checkable

from jaxsec.channels.noise import whiten
from jaxsec.channels.scenario import Channels
from jaxsec.strategy import Strategy

P = ParamSpec("P")
T_co = TypeVar("T_co", covariant=True)


@runtime_checkable
class OfArrays(Protocol, Generic[P, T_co]):
    """A function of arrays, some of which may be given together."""

    @overload
    def __call__(self, strategy: Strategy, channels: Channels, /, **options: Any) -> T_co: ...
    @overload
    def __call__(self, channels: Channels, /, **options: Any) -> T_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...


def together(fn: Callable[P, T_co]) -> OfArrays[P, T_co]:
    """`fn`, a positional argument that is a `Strategy` or `Channels` being taken apart.

    It stands for those of its fields that `fn` names: `user_rates(strategy, channels)` takes
    `h_user` and `noise_power` from the channels, and leaves `h_eve`. Channels whose receivers have
    noise of their own come over that noise (`noise.whiten`).
    """
    named = set(inspect.signature(fn).parameters)
    fields = {kind: [x for x in kind._fields if x in named] for kind in (Strategy, Channels)}

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        arrays: list[Any] = []
        for arg in args:
            names = fields.get(type(arg))
            if isinstance(arg, Channels):
                arg = whiten(arg)
            arrays += [getattr(arg, name) for name in names] if names else [arg]
        return fn(*arrays, **kwargs)  # pyright: ignore

    return call

"""Argument checks shared by the public functions.

Every error names the argument, what was wanted and what was given. Only static facts (shapes,
dtypes, Python numbers) are checked inside functions that may be traced; values are checked at the
edges, where arrays are concrete: `jaxsec.design` and the file readers.
"""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


class InputError(ValueError):
    """Bad input from outside: the message is one line a user can act on."""


def require(condition: bool, message: str) -> None:
    """Raises `InputError(message)` unless `condition` holds."""
    if not condition:
        raise InputError(message)


def check_complex(name: str, array: Any) -> None:
    """`array` must have a complex dtype: a real channel is nearly always a lost imaginary part."""
    dtype = array.dtype if hasattr(array, "dtype") else jnp.result_type(array)
    if not jnp.issubdtype(dtype, jnp.complexfloating):  # text only where needed: it takes time
        raise InputError(f"`{name}` must be complex, but has dtype {dtype}")


def check_rank(name: str, array: Any, wanted: str) -> None:
    """`array` must have at least as many axes as `wanted` names after its leading `...`."""
    axes = wanted.strip("[]").replace(",", " ").split()
    least = len([axis for axis in axes if axis != "..."])
    shape = jnp.shape(array)
    fits = len(shape) >= least if "..." in axes else len(shape) == least
    if not fits:
        raise InputError(f"`{name}` must have shape {wanted}, but has shape {shape}")


def check_channels(h_user: Any, h_eve: Any, noise_power: Any = 1.0) -> None:
    """Static facts about channels: `h_user` [..., K, M], `h_eve` [..., L, M], `noise_power` [...].

    Batch shapes may differ where they broadcast.
    """
    check_rank("h_user", h_user, "[..., K, M]")
    check_rank("h_eve", h_eve, "[..., L, M]")
    check_complex("h_user", h_user)
    check_complex("h_eve", h_eve)
    user_shape, eve_shape = jnp.shape(h_user), jnp.shape(h_eve)
    if user_shape[-2] < 1:
        raise InputError(f"`h_user` must hold at least one user, but has shape {user_shape}")
    if user_shape[-1] != eve_shape[-1]:
        raise InputError(
            "`h_user` and `h_eve` must agree in their number of antennas M (last axis), "
            f"but have shapes {user_shape} and {eve_shape}"
        )
    check_batches(h_user=(h_user, 2), h_eve=(h_eve, 2), noise_power=(noise_power, 0))


def check_batches(**arrays: tuple[Any, int]) -> None:
    """Batch shapes must broadcast. Given by name: each array, and its number of axes after those
    of the batch."""
    shapes = {name: jnp.shape(array) for name, (array, _) in arrays.items()}
    batches = [shape[: len(shape) - arrays[name][1]] for name, shape in shapes.items()]
    if all(batch in ((), batches[0]) for batch in batches):
        return
    try:
        np.broadcast_shapes(*batches)
    except ValueError:
        # Numbers fit anything: named are only those that can be at fault.
        guilty = {name: shapes[name] for name, batch in zip(shapes, batches, strict=True) if batch}
        names = [f"`{name}`" for name in guilty]
        raise InputError(
            f"{', '.join(names[:-1])} and {names[-1]} must agree in their batch axes (the leading "
            f"ones), but have shapes {', '.join(str(shape) for shape in guilty.values())}"
        ) from None


def check_positive(name: str, value: float) -> None:
    """A Python number that must be finite and above zero."""
    require(math.isfinite(value) and value > 0, f"`{name}` must be positive, but is {value}")


def check_at_least(name: str, value: int, least: int) -> None:
    """A whole number with a lower bound."""
    require(value >= least, f"`{name}` must be at least {least}, but is {value}")


def check_fraction(name: str, value: float) -> None:
    """A Python number that must lie in [0, 1]."""
    require(0.0 <= value <= 1.0, f"`{name}` must lie between 0 and 1, but is {value}")


def check_finite(name: str, array: Any) -> None:
    """Every entry of a concrete array must be finite; says how many are not, and where."""
    bad = ~np.isfinite(np.asarray(array))
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"`{name}` must be finite, but {int(bad.sum())} of {bad.size} entries are not, "
            f"the first at index {first}"
        )


def check_error(name: str, error: Any, shape: tuple[int, ...]) -> None:
    """Variances of errors: real, of the links' shape; where concrete, finite and not negative."""
    require(
        jnp.shape(error) == shape,
        f"`{name}` must have shape {shape}, one for each link, but has shape {jnp.shape(error)}",
    )
    dtype = error.dtype if hasattr(error, "dtype") else jnp.result_type(error)
    require(jnp.issubdtype(dtype, jnp.floating), f"`{name}` must be real, but has dtype {dtype}")
    if isinstance(error, Tracer):
        return
    check_finite(name, error)
    least = float(np.min(np.asarray(error), initial=0.0))
    require(least >= 0, f"`{name}` must not be negative, but its smallest entry is {least}")


def check_designed(method: str, *arrays: Any, batch_axes: int = 1) -> None:
    """What a method designed, beams or their rates, must be finite for every channel.

    Args:
      method: its name.
      arrays: concrete, the channels' batch axes first.
      batch_axes: how many there are.
    """
    finite = [np.isfinite(np.asarray(array)) for array in arrays]
    if all(x.all() for x in finite):
        return
    good = [x.all(axis=tuple(range(batch_axes, x.ndim))) for x in finite]
    bad = np.argwhere(~np.logical_and.reduce(good))
    first = tuple(int(i) for i in bad[0])
    raise InputError(
        f"method {method!r} found no finite beams for {len(bad)} of {good[0].size} channels"
        + (f", the first at index {first[0] if batch_axes == 1 else first}" if first else "")
    )


def check_broadcasts(name: str, array: Any, shape: tuple[int, ...]) -> None:
    """The array must have `shape`, or one that broadcasts to it."""
    given = jnp.shape(array)
    try:
        fits = np.broadcast_shapes(given, shape) == shape
    except ValueError:
        fits = False
    require(fits, f"`{name}` must have shape {shape}, or broadcast to it, but has shape {given}")


def check_noise_power(
    noise_power: Any, batch_shape: tuple[int, ...], num_users: int, num_eavesdroppers: int
) -> None:
    """`noise_power` must be real, positive and finite: a scalar, or of the batch shape, or of that
    and an axis of receivers."""
    array = np.asarray(noise_power)
    require(
        array.dtype.kind in "fiu",
        f"`noise_power` must be a real number, but has dtype {array.dtype}",
    )
    batch = tuple(batch_shape)
    each = (*batch, num_users + num_eavesdroppers)
    if array.shape not in ((), batch, each):
        raise InputError(
            f"`noise_power` must be a scalar or have the channels' batch shape {batch}, or {each}, "
            f"one for each receiver, but has shape {array.shape}"
            + noise_hint(array.shape, batch, num_users)
        )
    check_finite("noise_power", array)
    if not (array > 0).all():
        raise InputError(f"`noise_power` must be positive, but its smallest entry is {array.min()}")


def noise_hint(shape: tuple[int, ...], batch: tuple[int, ...], num_users: int) -> str:
    """What to do with a noise power that has an axis of users alone; nothing for other shapes."""
    if shape not in ((num_users,), (1, num_users), (*batch, num_users)):
        return ""
    return ": the noise of the users alone is `noise_user`, with `noise_eve` beside it"

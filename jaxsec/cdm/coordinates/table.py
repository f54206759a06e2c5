"""Strategies as the tables that a diffusion model generates, one entry a kind of coordinates."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex

from jaxsec import checks
from jaxsec.cdm.coordinates import aligned, antenna, features, known, received, resolved
from jaxsec.diffusion.condition import Condition
from jaxsec.strategy import Strategy


class Coordinates(NamedTuple):
    """How strategies are written as tables of rows by columns, and read back."""

    min_spread: tuple[float, ...]
    """Of every kind of entry, where the standardiser finds less."""
    kinds: Callable[[int, int, int, int], np.ndarray]
    """(M, K, L, J) to the kind of every entry of a table."""
    frame: Callable[..., Any]
    """(h_user, h_eve, noise_power, J) to what tables of these channels are read against."""
    blank: Callable[[int, int, int, int], Any]
    """(M, K, L, J) to the frame of one channel of zeros, for its shapes."""
    encode: Callable[[Any, Strategy], Complex[Array, "n rows columns"]]
    """(frame, strategy) to its table."""
    decode: Callable[[Any, Complex[Array, "n rows columns"], int], Strategy]
    """(frame, table, K) to a strategy, not scaled to the budget."""
    condition: Callable[..., Condition]
    """(frame, K, spread of every entry) to what a model is told."""
    reference: Callable[[Any], Complex[Array, "n M N"]]
    """(frame) to the beams that a table of zeros stands for."""
    looks_ahead: bool = False
    """Whether a model is told what OPT's first steps change; then OPT's design is a candidate."""
    informed: Callable[..., Any] | None = None
    """(posterior, noise_power, J, outage) to the frame of channels known with errors, `outage` 1
    where the rate that is kept counts; None where no model is told of errors."""


def _zeros(*shape: int) -> Array:
    return jnp.zeros((1, *shape), jnp.complex64)


LEAKAGE_SPREAD = 0.05
"""Least spread of a leakage, in noise amplitudes. OPT's are far smaller, and no rate notices."""

RECEIVED = Coordinates(
    min_spread=(0.0, LEAKAGE_SPREAD, LEAKAGE_SPREAD, 0.0, 0.0),
    kinds=lambda m, k, l, j: received.kinds(k, l, j),
    frame=received.frame,
    blank=lambda m, k, l, j: received.Frame(
        _zeros(k + l, m),
        jnp.zeros((1, k + l)),
        _zeros(m, k + j),
        _zeros(k + l, k + j),
    ),
    encode=lambda frame, strategy: (
        received.to_gains(frame, received.fix_gauge(frame, strategy)) - frame.gains
    ),
    decode=lambda frame, table, k: received.from_gains(frame, frame.gains + table, k),
    condition=features.condition,
    reference=lambda frame: frame.reference,
)
"""Received gains as changes from the closed-form reference."""

ALIGNED = RECEIVED._replace(
    frame=aligned.frame,
    blank=lambda m, k, l, j: aligned.Frame(
        RECEIVED.blank(m, k, l, j), jnp.zeros((1, k), jnp.int32)
    ),
    encode=aligned.encode,
    decode=aligned.decode,
    condition=aligned.condition,
    reference=aligned.reference,
)
"""The same of channels in one order and with one choice of phases."""

RESOLVED = RECEIVED._replace(
    frame=resolved.frame,
    blank=lambda m, k, l, j: resolved.Frame(
        RECEIVED.blank(m, k, l, j),
        jnp.ones((1, k + l)),
        _zeros(k + l, k + j),
        _zeros(k + l, k + j),
    ),
    encode=resolved.encode,
    decode=resolved.decode,
    condition=resolved.condition,
    reference=lambda frame: frame.base.reference,
    looks_ahead=True,
)
"""The same where receivers may be hard to tell apart."""

KNOWN = Coordinates(
    min_spread=(*RESOLVED.min_spread, 0.0),
    kinds=lambda m, k, l, j: known.kinds(k, l, j),
    frame=known.frame_of_channels,
    blank=lambda m, k, l, j: known.Frame(
        RESOLVED.blank(m, k, l, j), jnp.zeros((1, k + l, 3)), _zeros(m, max(m - k, 0))
    ),
    encode=known.encode,
    decode=known.decode,
    condition=known.condition,
    reference=lambda frame: frame.resolved.base.reference,
    looks_ahead=True,
    informed=known.frame,
)
"""The same for channels known with errors, and isotropic noise."""

ANTENNA = Coordinates(
    min_spread=(0.0, 0.0),
    kinds=lambda m, k, l, j: antenna.kinds(m, k, j),
    frame=lambda h_user, h_eve, noise_power, j: antenna.frame(h_user, h_eve, noise_power),
    blank=lambda m, k, l, j: antenna.AntennaFrame(_zeros(k + l, m), jnp.zeros((1, k + l))),
    encode=lambda frame, strategy: antenna.to_table(strategy),
    decode=lambda frame, table, k: antenna.from_table(table, k),
    condition=antenna.condition,
    reference=lambda frame: jnp.zeros_like(jnp.swapaxes(frame.h, 1, 2)),
)
"""P1's own."""

COORDINATES = {
    "received": RECEIVED,
    "aligned": ALIGNED,
    "resolved": RESOLVED,
    "known": KNOWN,
    "antenna": ANTENNA,
}


def get(name: str) -> Coordinates:
    """Coordinates by name.

    Raises:
      InputError: there are none of that name.
    """
    checks.require(
        name in COORDINATES,
        f"`coordinates` must be one of {', '.join(COORDINATES)}, but is {name!r}",
    )
    return COORDINATES[name]

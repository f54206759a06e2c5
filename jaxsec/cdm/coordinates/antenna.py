"""Antenna coordinates, P1 (10) and (12): a strategy as what every antenna sends of every beam.

As the paper has it: no phase is fixed, nothing is taken off, and the model is told [Re h, Im h] of
every receiver (11). At 50 dB of link SNR they are a poor choice, which `received` explains; they
are here so that the difference can be measured. The set denoiser is told the same as covariances of
users and of eavesdroppers over the antennas, which turn with the phase of an antenna as beams do.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.cdm.coordinates.features import margins, regularised_inverse, stack
from jaxsec.cdm.standardise import MAX_EAVESDROPPERS, MAX_USERS
from jaxsec.diffusion.condition import Condition
from jaxsec.precoding.batched import algebra
from jaxsec.shapes import AnyArray, over_noise
from jaxsec.strategy import Strategy

KINDS = ("beam", "noise beam")
"""What an entry of the table is."""


class AntennaFrame(NamedTuple):
    """Channels as the model sees them."""

    h: Complex[Array, "n R M"]
    """Channels of norm √M, users first; zero channels stay zero."""
    amplitude: Float[Array, "n R"]
    """‖h_r‖ over the amplitude of the receiver noise."""


def kinds(num_antennas: int, num_users: int, num_noise_beams: int) -> np.ndarray:
    """[M, N] index into `KINDS` of every entry."""
    row = np.repeat([0, 1], [num_users, num_noise_beams])
    return np.broadcast_to(row, (num_antennas, row.size))


def frame(
    h_user: Complex[AnyArray, "n K M"],
    h_eve: Complex[AnyArray, "n L M"],
    noise_power: Float[ArrayLike, "..."],
) -> AntennaFrame:
    """Normalised channels.

    Raises:
      InputError: a shape or dtype is wrong.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    h = jnp.concatenate([over_noise(h_user, noise_power), over_noise(h_eve, noise_power)], axis=-2)
    power = jnp.sum(jnp.square(h.real) + jnp.square(h.imag), axis=-1)
    amplitude = jnp.where(power > 0, jnp.sqrt(jnp.where(power > 0, power, 1.0)), 0.0)
    unit = h * (np.sqrt(h.shape[-1]) / jnp.where(power > 0, amplitude, 1.0))[..., None]
    return AntennaFrame(unit, amplitude)


def to_table(strategy: Strategy) -> Complex[Array, "n M N"]:
    """The table of a strategy: its beams times √M, whatever M of the same size."""
    u = jnp.concatenate([strategy.w, strategy.v], axis=-1)
    return u * np.sqrt(u.shape[-2]).astype(np.float32)


def from_table(table: Complex[Array, "n M N"], num_users: int) -> Strategy:
    """Inverse of `to_table`; the power is not scaled to the budget."""
    u = table / np.sqrt(table.shape[-2]).astype(np.float32)
    return Strategy(u[..., :num_users], u[..., num_users:])


def condition(
    frame: AntennaFrame, num_users: int, spread: Float[Array | np.ndarray, "M N"]
) -> Condition:
    """What a model is told, from the frame and the spread of every entry."""
    n, num_rows, num_antennas = frame.h.shape
    num_noise_beams = spread.shape[1] - num_users
    kind = np.eye(len(KINDS), dtype=np.float32)
    kind = kind[kinds(num_antennas, num_users, num_noise_beams)]
    scale = jnp.log(jnp.asarray(spread))[..., None]
    entries = jnp.concatenate([jnp.asarray(kind), scale], axis=-1)

    users, eves = frame.h[:, :num_users], frame.h[:, num_users:]
    own = jnp.pad(jnp.swapaxes(users, 1, 2), ((0, 0), (0, 0), (0, num_noise_beams)))
    matrices = []
    for h in (users, eves):
        h = algebra.split(h / np.sqrt(num_antennas).astype(np.float32))
        covariance = algebra.hermitian_product(
            algebra.transpose(h).conj(), h.conj()
        )  # Σ_r h_r h_rᴴ, [M, M, n]
        matrices += [covariance, regularised_inverse(covariance)]

    rows, columns = margins(frame.amplitude, num_users, num_noise_beams)
    strongest = jnp.max(rows[..., 0], axis=-1)
    number = np.eye(num_rows, MAX_USERS + MAX_EAVESDROPPERS, dtype=np.float32)
    tokens = [
        frame.h.real,
        frame.h.imag,
        rows,
        jnp.broadcast_to(jnp.asarray(number), (n, *number.shape)),
    ]
    return Condition(
        mask=jnp.ones((n, 2, num_antennas, spread.shape[1])),
        entries=jnp.broadcast_to(entries, (n, *entries.shape)),
        complex_entries=jnp.stack([own.real, own.imag], axis=1)[..., None],
        rows=jnp.broadcast_to(strongest[:, None, None], (n, num_antennas, 1)),
        columns=columns,
        relations=stack(matrices),
        tokens=jnp.concatenate(tokens, axis=-1),  # (11)
    )

"""Coordinates for channels known with errors: resolved ones of their means, and isotropic noise.

The means are taken for the channels as far as they can be (`trusted`): users by loading, their
error counted as noise; eavesdroppers at the gain of their link, for what is heard through an error
is heard. Noise aimed at what an eavesdropper's channel is not misses it, so that a last column of
the table says how much noise fills the users' null space evenly (S. Goel and R. Negi, IEEE TWC
2008). It has an entry for every user, of which the mean counts.

A model is told each link's error, beside its gain and beside the receiver's noise, and whether the
mean of the rate is asked for or the rate that is kept.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec.cdm.coordinates import resolved
from jaxsec.channels.knowledge import Posterior, exact
from jaxsec.channels.scenario import Channels
from jaxsec.diffusion.condition import Condition
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.basis import null_space
from jaxsec.shapes import AnyArray
from jaxsec.strategy import Strategy

ISOTROPIC = 5
"""Kind of an entry, after those of `received.KINDS`."""
ISOTROPIC_SPREAD = 0.3
"""Of the amplitude of isotropic noise, in the whole budget's."""
NONE = -1.0
"""An entry that stands for no isotropic noise."""
SOFTNESS = 0.05
"""Amplitudes below this bend towards zero, which they do not reach: their gradient stays."""


class Frame(NamedTuple):
    """What coordinates are read against."""

    resolved: resolved.Frame
    """Of the channels that are trusted."""
    told: Float[Array, "n R 3"]
    """Share of the error in a link's gain; error over noise, as a logarithm; whether the rate that
    is kept is asked for, 1, or the mean, 0."""
    room: Complex[Array, "n M D"]
    """Noise of unit power that fills the users' null space evenly, D = M − K."""


def trusted(known: Posterior, noise_power: Float[ArrayLike, "..."]) -> Channels:
    """What to take for the channels, all receivers of noise `noise_power`."""
    noise = jnp.broadcast_to(jnp.asarray(noise_power), known.h_user.shape[:-2])
    load = jnp.sqrt(noise[..., None] / (noise[..., None] + known.error_user))
    share = _share(known.h_eve, known.error_eve)
    level = jax.lax.rsqrt(jnp.where(share < 1.0, 1.0 - share, 1.0))
    return Channels(known.h_user * load[..., None], known.h_eve * level[..., None], noise)


def frame(
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    num_noise_beams: int,
    outage: Float[ArrayLike, "..."] = 0.0,
) -> Frame:
    """What the coordinates of these channels are measured against.

    Args:
      known: means and errors [n, ...].
      noise_power: a scalar or [n].
      num_noise_beams: J, of the aimed noise.
      outage: 1 where the rate that is kept is asked for, a scalar or [n].

    Raises:
      InputError: a shape or dtype is wrong, or `num_noise_beams` is negative.
    """
    channels = trusted(known, noise_power)
    noise = channels.noise_power[:, None]
    share = [_share(known.h_user, known.error_user), _share(known.h_eve, known.error_eve)]
    error = jnp.concatenate([known.error_user, known.error_eve], axis=-1) / noise
    outage = jnp.broadcast_to(jnp.asarray(outage, error.dtype), noise.shape[:1])
    outage = jnp.broadcast_to(outage[:, None], error.shape)
    told = jnp.stack([jnp.concatenate(share, axis=-1), 0.5 * jnp.log10(1.0 + error), outage], -1)
    base = resolved.frame(*channels, num_noise_beams)
    return Frame(base, told, _room(base.base.h, known.h_user.shape[-2]))


def frame_of_channels(
    h_user: Complex[AnyArray, "n K M"],
    h_eve: Complex[AnyArray, "n L M"],
    noise_power: Float[ArrayLike, "..."],
    num_noise_beams: int,
) -> Frame:
    """The same of channels that are known."""
    return frame(exact(h_user, h_eve), noise_power, num_noise_beams)


def kinds(num_users: int, num_eves: int, num_noise_beams: int) -> np.ndarray:
    """[R, N + 1] kind of every entry."""
    table = resolved.received.kinds(num_users, num_eves, num_noise_beams)
    return np.pad(table, ((0, 0), (0, 1)), constant_values=ISOTROPIC)


def encode(frame: Frame, strategy: Strategy) -> Complex[Array, "n R N1"]:
    """The table of a strategy without isotropic noise."""
    table = resolved.encode(frame.resolved, strategy)
    return jnp.pad(table, ((0, 0), (0, 0), (0, 1)), constant_values=NONE)


def decode(frame: Frame, table: Complex[Array, "n R N1"], num_users: int) -> Strategy:
    """The strategy of a table, its aimed noise first; its power not scaled to the budget."""
    aimed = resolved.decode(frame.resolved, table[..., :-1], num_users)
    level = jnp.mean(table[:, :num_users, -1].real, axis=1)
    amplitude = SOFTNESS * jax.nn.softplus(level / SOFTNESS)
    v = amplitude[:, None, None].astype(frame.room.dtype) * frame.room
    return Strategy(aimed.w, jnp.concatenate([aimed.v, v], axis=-1))


def condition(frame: Frame, num_users: int, spread: Float[Array | np.ndarray, "R N1"]) -> Condition:
    """As of resolved coordinates, with a column more, and what is told of every link."""
    base = resolved.condition(frame.resolved, num_users, spread[:, :-1])
    num_columns = spread.shape[1]
    is_user = jnp.asarray(np.arange(spread.shape[0]) < num_users, jnp.float32)
    one = ((0, 0), (0, 0), (0, 0), (0, 1))
    real = jnp.asarray([1.0, 0.0])[None, :, None] * is_user[None, None]
    mask = jnp.pad(base.mask, one).at[..., -1].set(real)
    entries = jnp.pad(base.entries, (*one[:2], (0, 1), (0, 0)))
    entries = entries.at[:, :, -1, -1].set(jnp.log(jnp.asarray(spread)[:, -1]) + 3.0)
    # Amplitudes have a sign, which nothing else in their column tells.
    complex_entries = jnp.pad(base.complex_entries, (*one, (0, 0)))
    complex_entries = complex_entries.at[..., -1, 0].set(real)
    rows = jnp.concatenate([base.rows, frame.told], axis=-1)
    owner = jnp.pad(frame.told[:, :num_users], ((0, 0), (0, num_columns - num_users), (0, 0)))
    columns = jnp.pad(base.columns, ((0, 0), (0, 1), (0, 0)))
    return base._replace(
        mask=mask,
        entries=entries,
        complex_entries=complex_entries,
        rows=rows,
        columns=jnp.concatenate([columns, owner], axis=-1),
    )


def _share(h: Complex[AnyArray, "... R M"], error: Float[AnyArray, "... R"]) -> Array:
    """Part of a link's gain that is error; 0 of a dead link."""
    h = jnp.asarray(h)
    mean = jnp.mean(jnp.square(h.real) + jnp.square(h.imag), axis=-1)
    total = mean + error
    return jnp.where(total > 0, error / jnp.where(total > 0, total, 1.0), 0.0)


def _room(h: Complex[Array, "n R M"], num_users: int) -> Complex[Array, "n M D"]:
    """Where isotropic noise goes: nothing at antennas that no receiver hears."""
    columns = algebra.join(null_space(algebra.split(h[:, :num_users])))
    heard = jnp.any(h != 0, axis=1)[:, h.shape[-1] - columns.shape[-1] :]
    number = jnp.maximum(jnp.sum(heard, axis=-1, keepdims=True), 1)
    return columns * (heard / jnp.sqrt(number))[:, None].astype(columns.dtype)

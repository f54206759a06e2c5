"""What a base station knows of channels that it has estimated: their mean, and how far off it is.

Rayleigh channels and an estimate of error variance e (`estimate_channels`) make the
channel Gaussian around √(1−e)·estimate, with variance e·gain² an antenna and no preferred
direction. At full power a receiver hears, of all beams together, exactly that variance through the
error, on average over it: a design for the mean alone trusts what it should not.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec import checks
from jaxsec.channels.scenario import Channels
from jaxsec.shapes import AnyArray


class Posterior(NamedTuple):
    """Gaussian channels: mean, and variance of every antenna's entry, in units of |h|²."""

    h_user: Complex[AnyArray, "... K M"]
    h_eve: Complex[AnyArray, "... L M"]
    error_user: Float[AnyArray, "... K"]
    error_eve: Float[AnyArray, "... L"]


def estimate_channels(
    key: Key[Array, ""],
    h: Complex[AnyArray, "*batch R M"],
    error: float | Float[Array, ""],
    gain: Float[Array, "*batch R"] | None = None,
) -> Complex[Array, "*batch R M"]:
    """A noisy estimate √(1−e)·h + √e·gain·CN(0, I) of a true channel.

    With Rayleigh `h` of large-scale amplitude `gain`, the estimate has the channel's own
    distribution and the channel's posterior is √(1−e)·estimate + √e·gain·CN(0, I).

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> estimate = estimate_channels(jax.random.key(1), channels.h_user, 0.01)
    >>> bool(jnp.linalg.norm(estimate - channels.h_user) < 0.2 * jnp.linalg.norm(channels.h_user))
    True

    Args:
      key: consumed once; independent of the one that drew `h`.
      h: true channels of R receivers, [..., R, M].
      error: normalised error variance e in [0, 1]; may be traced.
      gain: large-scale amplitude gain of each link (`large_scale_gain`), [..., R]. Without it the
        channel's own root mean square over the antennas is used, so that e is the error's share of
        ‖h‖².

    Returns:
      [..., R, M].

    Raises:
      InputError: `error` is a Python number outside [0, 1].
    """
    if isinstance(error, float | int):
        checks.check_fraction("error", error)
    h = jnp.asarray(h)
    if gain is None:
        power = jnp.mean(jnp.square(h.real) + jnp.square(h.imag), axis=-1)
        gain = jnp.where(power > 0, jnp.sqrt(jnp.where(power > 0, power, 1.0)), 0.0)
    noise = jax.random.normal(key, h.shape, h.dtype)
    return jnp.sqrt(1.0 - error) * h + jnp.sqrt(error) * gain[..., None] * noise


def estimated(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    error: Float[ArrayLike, "..."],
    gain_user: Float[AnyArray, "... K"] | None = None,
    gain_eve: Float[AnyArray, "... L"] | None = None,
) -> Posterior:
    """The channels' posterior, given estimates of error variance e.

    Args:
      h_user, h_eve: estimates √(1−e)·h + √e·gain·CN(0, I).
      error: e in [0, 1), a scalar or one a channel.
      gain_user, gain_eve: large-scale amplitude gain of each link; without, the estimate's root
        mean square over the antennas.

    Raises:
      InputError: a shape or dtype is wrong, or e is out of range.
    """
    checks.check_channels(h_user, h_eve)
    if isinstance(error, float | int):
        checks.check_fraction("error", error)
    share = jnp.broadcast_to(jnp.asarray(error, jnp.float32), h_user.shape[:-2])
    scale = jnp.sqrt(1.0 - share)[..., None, None]

    def spread(h, gain):
        h = jnp.asarray(h)
        power = jnp.mean(jnp.square(h.real) + jnp.square(h.imag), axis=-1)
        return share[..., None] * (power if gain is None else jnp.square(jnp.asarray(gain)))

    mean_user, mean_eve = (scale * jnp.asarray(h) for h in (h_user, h_eve))
    return Posterior(mean_user, mean_eve, spread(h_user, gain_user), spread(h_eve, gain_eve))


def diagonal_loading(
    known: Posterior, noise_power: Float[ArrayLike, "..."], load: float = 1.0
) -> Channels:
    """The mean channels with `load` times the error's variance counted as noise of each receiver.

    What a design for perfect knowledge should be given instead of the estimate. Channels are
    scaled so that all receivers have noise `noise_power` again.
    """
    noise_power = jnp.broadcast_to(jnp.asarray(noise_power), known.h_user.shape[:-2])
    noise = noise_power[..., None]

    def scaled(h, error):
        return h * jnp.sqrt(noise / (noise + load * error))[..., None]

    return Channels(
        scaled(known.h_user, known.error_user), scaled(known.h_eve, known.error_eve), noise_power
    )


def error_fraction(known: Posterior, noise_power: Float[ArrayLike, "..."]) -> Float[Array, "... R"]:
    """Share of the error in error and noise together at every receiver, users first; in [0, 1)."""
    error = jnp.concatenate([known.error_user, known.error_eve], axis=-1)
    noise = jnp.broadcast_to(jnp.asarray(noise_power), error.shape[:-1])
    return error / (error + noise[..., None])


def sample(
    key: Key[Array, ""], known: Posterior, num_draws: int
) -> tuple[Complex[Array, "draws ... K M"], Complex[Array, "draws ... L M"]]:
    """Channels that may be the true ones."""
    shape = (num_draws, *known.error_user.shape[:-1], num_receivers(known), known.h_user.shape[-1])
    return perturb(known, jax.random.normal(key, shape, jnp.asarray(known.h_user).dtype))


def perturb(
    known: Posterior, direction: Complex[Array, "draws ... R M"]
) -> tuple[Complex[Array, "draws ... K M"], Complex[Array, "draws ... L M"]]:
    """The mean channels moved by `direction`, of CN(0, 1) entries, times the error's amplitude."""
    num_users = known.h_user.shape[-2]

    def moved(h, error, direction):
        return jnp.asarray(h)[None] + jnp.sqrt(error)[None, ..., None] * direction

    return (
        moved(known.h_user, known.error_user, direction[..., :num_users, :]),
        moved(known.h_eve, known.error_eve, direction[..., num_users:, :]),
    )


def num_receivers(known: Posterior) -> int:
    """R = K + L."""
    return known.error_user.shape[-1] + known.error_eve.shape[-1]

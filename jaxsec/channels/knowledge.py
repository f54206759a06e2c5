"""What a base station knows of channels: for every link their mean, and how far off it may be.

`exact`; `estimated` or by `least_squares`; or statistically, where the mean is zero, or the line of
sight, and the error is all else of the gain: any `Posterior` will do. Errors that come from some
directions more than from others have a covariance (`channels.covariance`).

Rayleigh channels and an estimate of error variance e (`estimate_channels`) make the
channel Gaussian around √(1−e)·estimate, with variance e·gain² an antenna and no preferred
direction. At full power a receiver hears, of all beams together, exactly that variance through the
error, on average over it: a design for the mean alone trusts what it should not.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec import checks
from jaxsec.channels.scenario import Channels
from jaxsec.compiled import compiled
from jaxsec.shapes import AnyArray


class Posterior(NamedTuple):
    """Gaussian channels: mean, and variance of every antenna's entry, in units of |h|²."""

    h_user: Complex[AnyArray, "... K M"]
    h_eve: Complex[AnyArray, "... L M"]
    error_user: Float[AnyArray, "... K"]
    error_eve: Float[AnyArray, "... L"]
    root_user: Complex[AnyArray, "... K M M"] | None = None
    """S of the error's covariance SSᴴ, whose mean diagonal entry is `error_user`; None where
    errors have no direction."""
    root_eve: Complex[AnyArray, "... L M M"] | None = None


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
    return _estimate(key, jnp.asarray(h), error, gain)


@compiled()
def _estimate(key: Key[Array, ""], h: Array, error: Any, gain: Any) -> Array:
    if gain is None:
        power = jnp.mean(jnp.square(h.real) + jnp.square(h.imag), axis=-1)
        gain = jnp.where(power > 0, jnp.sqrt(jnp.where(power > 0, power, 1.0)), 0.0)
    noise = jax.random.normal(key, h.shape, h.dtype)
    return jnp.sqrt(1.0 - error) * h + jnp.sqrt(error) * gain[..., None] * noise


def exact(h_user: Complex[AnyArray, "... K M"], h_eve: Complex[AnyArray, "... L M"]) -> Posterior:
    """Channels that are known as they are: no error.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> bool((exact(channels.h_user, channels.h_eve).error_eve == 0).all())
    True

    Args:
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M].

    Returns:
      Means and errors, a variance of 0 for every link.
    """
    real = jnp.finfo(jnp.result_type(h_user, h_eve)).dtype
    return Posterior(
        h_user, h_eve, jnp.zeros(h_user.shape[:-1], real), jnp.zeros(h_eve.shape[:-1], real)
    )


def estimated(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    error: float | Float[ArrayLike, "..."],
    error_eve: float | Float[ArrayLike, "..."] | None = None,
    *,
    gain_user: Float[AnyArray, "... K"] | None = None,
    gain_eve: Float[AnyArray, "... L"] | None = None,
) -> Posterior:
    """The channels' posterior, given estimates √(1−e)·h + √e·gain·CN(0, I) of Rayleigh channels.

    Means are √(1−e)·estimate, errors e·gain². At e = 1 the estimate says nothing, and only the gain
    of the link is known: the mean is zero.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> known = estimated(channels.h_user, channels.h_eve, 0.01, 1.0)
    >>> bool((known.h_eve == 0).all() and (known.error_eve > 0).all())
    True

    Args:
      h_user: estimates of the users' channels as rows, [..., K, M].
      h_eve: of the eavesdroppers', [..., L, M].
      error: e in [0, 1], of users' channels, and of eavesdroppers' where `error_eve` is not given;
        a scalar or one a channel, [...].
      error_eve: e in [0, 1] of eavesdroppers' channels.
      gain_user: large-scale amplitude gain of each link, [..., K]; without, the estimate's root
        mean square over the antennas.
      gain_eve: the same, [..., L].

    Returns:
      Means and errors of all links.

    Raises:
      InputError: a shape or dtype is wrong, or e is out of range.
    """
    checks.check_channels(h_user, h_eve)
    error_eve = error if error_eve is None else error_eve
    for name, e in (("error", error), ("error_eve", error_eve)):
        if isinstance(e, float | int):
            checks.check_fraction(name, e)
    mean_user, error_user = _posterior(h_user, error, gain_user)
    mean_eve, error_eve = _posterior(h_eve, error_eve, gain_eve)
    return Posterior(mean_user, mean_eve, error_user, error_eve)


@compiled()
def _posterior(h: Any, error: Any, gain: Any) -> tuple[Array, Array]:
    h = jnp.asarray(h)
    share = jnp.broadcast_to(jnp.asarray(error, h.real.dtype), h.shape[:-2])[..., None]
    power = jnp.mean(jnp.square(h.real) + jnp.square(h.imag), axis=-1)
    if gain is not None:
        power = jnp.square(jnp.asarray(gain))
    return jnp.sqrt(1.0 - share)[..., None] * h, share * power


def least_squares(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_user: float | Float[ArrayLike, "... K"],
    noise_eve: float | Float[ArrayLike, "... L"],
    *,
    gain_user: float | Float[ArrayLike, "... K"],
    gain_eve: float | Float[ArrayLike, "... L"],
) -> Posterior:
    """The posterior, given least-squares estimates h + n of Rayleigh channels, n of CN(0, σ²).

    With β = gain² the mean is β/(β + σ²)·estimate and the error βσ²/(β + σ²) (S. M. Kay,
    Fundamentals of Statistical Signal Processing: Estimation Theory, Theorem 10.2).

    >>> one, none = jnp.ones((1, 2), complex), jnp.ones((0, 2), complex)
    >>> known = least_squares(one, none, 1.0, 1.0, gain_user=1.0, gain_eve=1.0)
    >>> complex(known.h_user[0, 0]), float(known.error_user[0])
    ((0.5+0j), 0.5)

    Args:
      h_user: estimates of the users' channels as rows, [..., K, M].
      h_eve: of the eavesdroppers', [..., L, M].
      noise_user: σ² of each link's estimate in units of |h|², a scalar or [..., K].
      noise_eve: the same, a scalar or [..., L].
      gain_user: large-scale amplitude gain of each link, a scalar or [..., K].
      gain_eve: the same, a scalar or [..., L].

    Returns:
      Means and errors of all links.

    Raises:
      InputError: a shape or dtype is wrong.
    """
    checks.check_channels(h_user, h_eve)

    def link(h: Any, noise: Any, gain: Any) -> tuple[Array, Array]:
        h = jnp.asarray(h)
        noise, gain2 = jnp.asarray(noise), jnp.square(jnp.asarray(gain))
        total = gain2 + noise
        kept = jnp.where(total > 0, gain2 / jnp.where(total > 0, total, 1.0), 0.0)
        kept = jnp.broadcast_to(kept, h.shape[:-1]).astype(h.real.dtype)
        return kept[..., None] * h, kept * noise

    mean_user, error_user = link(h_user, noise_user, gain_user)
    mean_eve, error_eve = link(h_eve, noise_eve, gain_eve)
    return Posterior(mean_user, mean_eve, error_user, error_eve)


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


def sample(
    key: Key[Array, ""], known: Posterior, num_draws: int
) -> tuple[Complex[Array, "draws ... K M"], Complex[Array, "draws ... L M"]]:
    """Channels that may be the true ones."""
    shape = (num_draws, *known.error_user.shape[:-1], num_receivers(known), known.h_user.shape[-1])
    return perturb(known, jax.random.normal(key, shape, jnp.asarray(known.h_user).dtype))


@compiled()
def perturb(
    known: Posterior, direction: Complex[Array, "draws ... R M"]
) -> tuple[Complex[Array, "draws ... K M"], Complex[Array, "draws ... L M"]]:
    """The mean channels moved by `direction`, of CN(0, 1) entries, times the error's amplitude."""
    num_users = known.h_user.shape[-2]

    def moved(h, error, root, direction):
        if root is None:
            return jnp.asarray(h)[None] + jnp.sqrt(error)[None, ..., None] * direction
        offset = jnp.einsum("...rms,d...rs->d...rm", root, direction, precision="highest")
        return jnp.asarray(h)[None] + offset

    return (
        moved(known.h_user, known.error_user, known.root_user, direction[..., :num_users, :]),
        moved(known.h_eve, known.error_eve, known.root_eve, direction[..., num_users:, :]),
    )


def has_directions(known: Posterior) -> bool:
    """Whether some links' errors have a covariance of their own."""
    return known.root_user is not None or known.root_eve is not None


def num_receivers(known: Posterior) -> int:
    """R = K + L."""
    return known.error_user.shape[-1] + known.error_eve.shape[-1]

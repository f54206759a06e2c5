"""`jaxsec.design`: beams and artificial noise for given channels, by any method of the library."""

from typing import Any, Literal, NamedTuple, overload

import jax
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Bool, Complex, Float, Int, Key

from jaxsec import checks, methods
from jaxsec.channels import Channels
from jaxsec.channels.normalise import normalise
from jaxsec.methods import Method
from jaxsec.secrecy import sum_secrecy_rate
from jaxsec.shapes import AnyArray, over_noise
from jaxsec.strategy import Strategy


class Diagnostics(NamedTuple):
    """How a design was reached; None where a method has no such thing."""

    rate: Float[Array, "..."]
    """Sum secrecy rate on the channels given, bit/s/Hz."""
    iterations: Int[Array, "..."] | None
    """Step that found the design; 0 if its start was not improved."""
    residual: Float[Array, "..."] | None
    """‖B⁻¹(A − B)f‖ at the last step of a power iteration; 0 at a stationary point."""
    converged: Bool[Array, "..."] | None
    """Whether the residual is within the iteration's tolerance."""
    candidate_rates: Float[Array, "... S"] | None
    """What each of a diffusion model's S candidates was worth to the choice, bit/s/Hz."""


@overload
def design(
    h_user: Channels,
    *,
    method: str | Method = ...,
    key: Key[Array, ""] | None = ...,
    diagnostics: Literal[False] = ...,
    **options: Any,
) -> Strategy: ...
@overload
def design(
    h_user: Channels,
    *,
    method: str | Method = ...,
    key: Key[Array, ""] | None = ...,
    diagnostics: Literal[True],
    **options: Any,
) -> tuple[Strategy, Diagnostics]: ...
@overload
def design(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    method: str | Method = ...,
    *,
    key: Key[Array, ""] | None = ...,
    diagnostics: Literal[False] = ...,
    **options: Any,
) -> Strategy: ...
@overload
def design(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    method: str | Method = ...,
    *,
    key: Key[Array, ""] | None = ...,
    diagnostics: Literal[True],
    **options: Any,
) -> tuple[Strategy, Diagnostics]: ...
def design(
    h_user: Any,
    h_eve: Any = None,
    noise_power: Any = None,
    method: str | Method = "opt",
    *,
    key: Key[Array, ""] | None = None,
    diagnostics: bool = False,
    **options: Any,
) -> Strategy | tuple[Strategy, Diagnostics]:
    """Beams and artificial noise for given channels, by any method of the library.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> strategy = jaxsec.design(channels, method=jaxsec.Gpip(num_steps=20))
    >>> strategy.w.shape, strategy.v.shape
    ((4, 8, 2), (4, 8, 2))

    Args:
      h_user: [..., K, M], complex and finite; or `Channels`, which hold the next two as well. Of
        NumPy's complex128 the whole range serves: they are divided by the noise in float64.
      h_eve: [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P in units of |h|², positive, a scalar or [...].
      method: one of `jaxsec.methods`, as `Gpip(num_starts=8)`; or its name in `METHODS`, whose
        options then follow; or a .npz file of a trained diffusion model.
      key: for methods that draw random numbers; a fixed one by default, so that the same call gives
        the same design.
      diagnostics: also return how the design was reached.
      options: of a method given by its name. None stands for the method's own.

    Returns:
      w [..., M, K] and v [..., M, J] with ‖w‖² + ‖v‖² = 1 (P1 (8)); and `Diagnostics` on request.

    Raises:
      InputError: an unknown method, an option that it does not heed or that is out of range,
        channels that are malformed, not finite or without noise, more users or eavesdroppers than
        the method can serve, or no finite beams for some channel. Under a transformation of JAX
        values are not checked.
    """
    chosen = methods.make(method, **options)
    if isinstance(h_user, Channels):
        checks.require(
            h_eve is None and noise_power is None,
            "`h_eve` and `noise_power` must be left out where channels are given as `Channels`",
        )
        h_user, h_eve, noise_power = h_user
    for name, given in (("h_eve", h_eve), ("noise_power", noise_power)):
        checks.require(given is not None, f"`{name}` is missing")
    checks.check_channels(h_user, h_eve, noise_power)
    one: Any = 1.0  # a number, by which methods know that nothing is left to divide
    channels = Channels(*_over_noise(h_user, h_eve, noise_power), one)
    found = chosen(jax.random.key(0) if key is None else key, channels)
    if not any(isinstance(x, Tracer) for x in found.strategy):
        name = method if isinstance(method, str) else type(method).__name__
        checks.check_designed(name, *found.strategy, batch_axes=found.strategy.w.ndim - 2)
    if not diagnostics:
        return found.strategy
    return found.strategy, Diagnostics(sum_secrecy_rate(*found.strategy, *channels), *found[1:])


def _over_noise(
    h_user: AnyArray, h_eve: AnyArray, noise_power: ArrayLike
) -> tuple[AnyArray, AnyArray]:
    """The channels over the noise amplitude, once for all; checked where they are concrete."""
    if any(isinstance(x, Tracer) for x in (h_user, h_eve, noise_power)):
        return over_noise(h_user, noise_power), over_noise(h_eve, noise_power)
    checks.check_finite("h_user", h_user)
    checks.check_finite("h_eve", h_eve)
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2])
    checks.check_noise_power(noise_power, batch)
    channels = normalise(Channels(h_user, h_eve, np.asarray(noise_power)))
    return channels.h_user, channels.h_eve

"""`jaxsec.design`: beams and artificial noise for given channels, by any method of the library."""

from typing import Any, Literal, NamedTuple, overload

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Bool, Complex, Float, Int, Key

from jaxsec import checks, methods
from jaxsec.channels import Channels
from jaxsec.channels.knowledge import Posterior, estimated, has_directions
from jaxsec.channels.noise import by_rows, has_receiver_noise, receiver_noise, whiten
from jaxsec.channels.normalise import errors_over_noise, normalise
from jaxsec.methods import Method
from jaxsec.methods.aim import check_certain, make_aim
from jaxsec.secrecy import (
    MEAN,
    Objective,
    OverDraws,
    PowerConstraint,
    objective_value,
    sum_secrecy_rate,
)
from jaxsec.shapes import AnyArray, over_noise
from jaxsec.strategy import Strategy

DEFAULT, DEFAULT_UNCERTAIN = "opt", "opt-robust"
"""Methods where none is named: for channels that are known exactly, and for others."""


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
    """What each of a diffusion model's S candidates was worth to the choice: samples first, then
    designs that were candidates beside them; in bit/s/Hz, or as the objective."""
    value: Float[Array, "..."]
    """The objective on the channels given; the rate where it is their sum."""


@overload
def design(
    h_user: Channels | Posterior,
    *,
    noise_power: Float[ArrayLike, "..."] | None = ...,
    method: str | Method | None = ...,
    objective: str | Objective | OverDraws = ...,
    power: str | PowerConstraint = ...,
    key: Key[Array, ""] | None = ...,
    diagnostics: Literal[False] = ...,
    **options: Any,
) -> Strategy: ...
@overload
def design(
    h_user: Channels | Posterior,
    *,
    noise_power: Float[ArrayLike, "..."] | None = ...,
    method: str | Method | None = ...,
    objective: str | Objective | OverDraws = ...,
    power: str | PowerConstraint = ...,
    key: Key[Array, ""] | None = ...,
    diagnostics: Literal[True],
    **options: Any,
) -> tuple[Strategy, Diagnostics]: ...
@overload
def design(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    method: str | Method | None = ...,
    *,
    objective: str | Objective | OverDraws = ...,
    power: str | PowerConstraint = ...,
    key: Key[Array, ""] | None = ...,
    diagnostics: Literal[False] = ...,
    **options: Any,
) -> Strategy: ...
@overload
def design(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    method: str | Method | None = ...,
    *,
    objective: str | Objective | OverDraws = ...,
    power: str | PowerConstraint = ...,
    key: Key[Array, ""] | None = ...,
    diagnostics: Literal[True],
    **options: Any,
) -> tuple[Strategy, Diagnostics]: ...
def design(
    h_user: Any,
    h_eve: Any = None,
    noise_power: Any = None,
    method: str | Method | None = None,
    *,
    noise_user: Float[ArrayLike, "..."] | None = None,
    noise_eve: Float[ArrayLike, "..."] | None = None,
    error_user: Float[ArrayLike, "... K"] | None = None,
    error_eve: Float[ArrayLike, "... L"] | None = None,
    csi_error: float | tuple[float, float] = 0.0,
    objective: str | Objective | OverDraws = MEAN,
    power: str | PowerConstraint = "total",
    key: Key[Array, ""] | None = None,
    diagnostics: bool = False,
    **options: Any,
) -> Strategy | tuple[Strategy, Diagnostics]:
    """Beams and artificial noise for given channels, by any method of the library.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> strategy = jaxsec.design(channels, method=jaxsec.Gpip(num_steps=20))
    >>> strategy.w.shape, strategy.v.shape
    ((4, 8, 2), (4, 8, 2))
    >>> known = jaxsec.channels.knowledge.estimated(channels.h_user, channels.h_eve, 0.01, 0.5)
    >>> noise, outage = channels.noise_power, jaxsec.secrecy.Outage(0.05)
    >>> jaxsec.design(known, noise_power=noise, objective=outage).v.shape
    (4, 8, 6)

    Args:
      h_user: [..., K, M], complex and finite; or `Channels`, which hold the next two as well, or a
        `Posterior`, which holds `h_eve` and the errors, covariances too. Of NumPy's complex128 the
        whole range serves: they are divided by the noise in float64.
      h_eve: [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P in units of |h|², positive, a scalar or [...]; or [..., K + L], one for
        each receiver, users first.
      noise_user: instead of it, σ0²/P at each user, [..., K] or what broadcasts to it.
      noise_eve: the same at each eavesdropper, [..., L]; given with `noise_user`.
      method: one of `jaxsec.methods`, as `Gpip(num_starts=8)`; or its name in `METHODS`, whose
        options then follow; or a .npz file of a trained diffusion model. By default "opt", and
        "opt-robust" where channels are not known exactly.
      error_user: variance of every antenna's entry around `h_user`, which then is the mean, in
        units of |h|², [..., K]; by default users' channels are known exactly.
      error_eve: the same of `h_eve`, [..., L]. Mean zero, where only the gain is known, is allowed.
      csi_error: instead of those two, e in [0, 1] of channels that are estimates
        √(1−e)·h + √e·gain·CN, or a pair of them, of users and of eavesdroppers
        (`channels.knowledge.estimated`).
      objective: of the rates, a row of `secrecy.OBJECTIVES` as `secrecy.WorstUser()`, or the name
        of one that needs no numbers, on channels that are known exactly, by "opt" or by a diffusion
        model, which is trained for the sum at total power and whose candidates another objective
        chooses and refines; or of their sum over the channels that the errors leave possible,
        `secrecy.MEAN` or `secrecy.Outage(0.05)`.
      power: a row of `secrecy.POWERS` as `secrecy.AntennaPower([0.5, 0.5])`, or its name; under
        "constant-modulus" J = 0.
      key: for methods that draw random numbers; a fixed one by default, so that the same call gives
        the same design.
      diagnostics: also return how the design was reached.
      options: of a method given by its name. None stands for the method's own.

    Returns:
      w [..., M, K] and v [..., M, J], for the sum of the rates at total power with
      ‖w‖² + ‖v‖² = 1 (P1 (8)), else within the power constraint; and `Diagnostics` on request.

    Raises:
      InputError: an unknown method, an option that it does not heed or that is out of range,
        channels that are malformed, not finite or without noise, more users or eavesdroppers than
        the method can serve, errors or an objective that the method cannot use, or no finite beams
        for some channel. Under a transformation of JAX
        values are not checked.
    """
    aim = make_aim(objective, power)
    known, noise_power = _arrays(h_user, h_eve, noise_power, error_user, error_eve)
    noise_power = _noise(known.h_user, known.h_eve, noise_power, noise_user, noise_eve)
    erring = _errs(known)
    estimates = _error_pair(csi_error, erring)
    uncertain = erring or estimates is not None
    if method is None:
        method = DEFAULT_UNCERTAIN if uncertain else DEFAULT
    chosen = methods.make(method, **options)
    name = method if isinstance(method, str) else type(method).__name__
    one: Any = 1.0  # a number, by which methods know that nothing is left to divide
    channels = Channels(*_over_noise(known.h_user, known.h_eve, noise_power), one)
    key = jax.random.key(0) if key is None else key
    if not uncertain and aim.plain:  # where nothing is uncertain, whatever is asked over draws
        found = chosen(key, channels)
    elif not uncertain:
        aiming = methods.check_aims(name, chosen, aim.power)
        found = aiming.aimed(key, channels, aim.objective, aim.power)
    else:
        check_certain(aim)
        methods.check_knows(name, chosen, has_directions(known))
        if estimates is not None:
            known = estimated(channels.h_user, channels.h_eve, *estimates)
        else:
            known = Posterior(*channels[:2], *_errors(known, noise_power))
        knowing: Any = chosen
        found = knowing.given(key, known, aim.over_draws)
    if not any(isinstance(x, Tracer) for x in found.strategy):
        checks.check_designed(name, *found.strategy, batch_axes=found.strategy.w.ndim - 2)
    if not diagnostics:
        return found.strategy
    rate = value = sum_secrecy_rate(found.strategy, channels)
    if not aim.plain:
        value = objective_value(found.strategy, channels, objective=aim.objective)
    return found.strategy, Diagnostics(rate, *found[1:], value=value)


def _arrays(
    h_user: Any, h_eve: Any, noise_power: Any, error_user: Any, error_eve: Any
) -> tuple[Posterior, Any]:
    """What is known of the channels, checked for shape, and the noise."""
    roots = None, None
    if isinstance(h_user, Channels | Posterior):
        twice = {"h_eve": h_eve}
        if isinstance(h_user, Channels):
            twice["noise_power"] = noise_power
            h_user, h_eve, noise_power = h_user
        else:
            twice |= {"error_user": error_user, "error_eve": error_eve}
            h_user, h_eve, error_user, error_eve, *roots = h_user
        for name, given in twice.items():
            checks.require(
                given is None,
                f"`{name}` must be left out where it comes with `h_user`, as `Channels` or "
                "`Posterior`",
            )
    checks.require(h_eve is not None, "`h_eve` is missing")
    # Noise with an axis of receivers is no noise of a batch; others must agree with the channels.
    each = noise_power is None or np.ndim(noise_power) == np.ndim(h_user) - 1
    checks.check_channels(h_user, h_eve, 1.0 if each else noise_power)
    errors = []
    for name, error, h in (("error_user", error_user, h_user), ("error_eve", error_eve, h_eve)):
        error = np.zeros(h.shape[:-1], h.real.dtype) if error is None else error
        checks.check_error(name, error, h.shape[:-1])
        errors.append(error)
    return Posterior(h_user, h_eve, *errors, *roots), noise_power


def _noise(h_user: Any, h_eve: Any, noise_power: Any, noise_user: Any, noise_eve: Any) -> Any:
    """The noise power, put together where users' and eavesdroppers' are given apart."""
    checks.require(
        (noise_user is None) == (noise_eve is None),
        "`noise_user` and `noise_eve` must be given together",
    )
    if noise_user is not None:
        checks.require(
            noise_power is None,
            "`noise_power` must be left out where `noise_user` and `noise_eve` are given",
        )
        return receiver_noise(h_user, h_eve, noise_user, noise_eve).noise_power
    checks.require(noise_power is not None, "`noise_power` is missing")
    if isinstance(noise_power, Tracer) and not has_receiver_noise(h_user, h_eve, noise_power):
        checks.check_channels(h_user, h_eve, noise_power)  # others are checked with their values
    return noise_power


def _errs(known: Posterior) -> bool:
    """Whether anything is uncertain, as far as that can be seen."""
    errors = known.error_user, known.error_eve
    return any(isinstance(x, Tracer) or np.any(np.asarray(x) > 0) for x in errors)


def _error_pair(csi_error: Any, erring: bool) -> tuple[float, float] | None:
    """e of users' and of eavesdroppers' estimates; None where both are zero."""
    pair = csi_error if isinstance(csi_error, tuple) else (csi_error, csi_error)
    checks.require(
        len(pair) == 2, f"`csi_error` must be a number or a pair of them, but is {csi_error}"
    )
    for error in pair:
        checks.check_fraction("csi_error", error)
    if max(pair) == 0.0:
        return None
    checks.require(
        not erring, "`csi_error` must be left out where `error_user` or `error_eve` is given"
    )
    return pair


def _errors(known: Posterior, noise_power: Any) -> tuple[Any, ...]:
    """Errors over the noise: in float64 where they are concrete."""
    if not any(isinstance(x, Tracer) for x in jax.tree.leaves((known, noise_power))):
        return errors_over_noise(known, noise_power)
    h_user, h_eve, error_user, error_eve, root_user, root_eve = known
    noises = [jnp.asarray(x) for x in by_rows(h_user, h_eve, jnp.asarray(noise_power))]

    def root_over_noise(root: Any, noise: Any) -> Any:
        return None if root is None else over_noise(root, noise)

    return (
        jnp.asarray(error_user) / noises[0],
        jnp.asarray(error_eve) / noises[1],
        root_over_noise(root_user, noises[0]),
        root_over_noise(root_eve, noises[1]),
    )


def _over_noise(h_user: AnyArray, h_eve: AnyArray, noise_power: Any) -> tuple[AnyArray, AnyArray]:
    """The channels over the noise amplitude, once for all; checked where they are concrete."""
    if any(isinstance(x, Tracer) for x in (h_user, h_eve, noise_power)):
        h_user, h_eve, noise_power = whiten(Channels(h_user, h_eve, noise_power))
        return over_noise(h_user, noise_power), over_noise(h_eve, noise_power)
    checks.check_finite("h_user", h_user)
    checks.check_finite("h_eve", h_eve)
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2])
    checks.check_noise_power(noise_power, batch, h_user.shape[-2], h_eve.shape[-2])
    channels = normalise(Channels(h_user, h_eve, np.asarray(noise_power)))
    return channels.h_user, channels.h_eve

"""OPT: joint generalised power iteration precoding (GPIP) of beams and artificial noise.

E. Choi et al., "Joint precoding and artificial noise design for MU-MIMO wiretap channels",
IEEE TCOM 71(3), 2023; the optimiser behind P1's baseline OPT. Two faces of one solver: `opt`,
annealed and searched (the default design), and `plain_gpip`, the iteration as the literature runs
it; `refine` is a few steps of the first from a given strategy. `solve` compiles and runs them,
`step` has the mathematics of one step and the list of deviations.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec import checks
from jaxsec.channels.arguments import together
from jaxsec.precoding.gpip.solve import GpipResult, Inputs, solve
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS
from jaxsec.shapes import AnyArray
from jaxsec.strategy import Strategy

DEFAULT_STEPS = 16
PLAIN_STEPS = 30
PLAIN_SMOOTHING = 0.5
"""Smoothing at which the plain iteration does best over P1's scenario, bit/s/Hz."""
REFINING = (0.3, 0.1)
"""First and last smoothing of `refine`, bit/s/Hz."""


def annealing(num_steps: int = DEFAULT_STEPS, first: float = 2.0, last: float = 0.04) -> np.ndarray:
    """Smoothing of each step, falling geometrically, in bit/s/Hz.

    Large smoothing first spreads the jamming over all eavesdroppers, small smoothing then trades
    them off one against another; a small one from the start sees only the worst and oscillates.

    >>> annealing(3, first=1.0, last=0.01).round(4).tolist()
    [1.0, 0.1, 0.01]

    Args:
      num_steps: steps of the iteration.
      first: smoothing of the first step, bit/s/Hz.
      last: smoothing of the last step, bit/s/Hz.

    Returns:
      [num_steps], NumPy.

    Raises:
      InputError: a number is not positive.
    """
    checks.check_at_least("num_steps", num_steps, 1)
    checks.check_positive("first", first)
    checks.check_positive("last", last)
    return np.geomspace(first, last, num_steps)


_DEFAULT_SCHEDULE = annealing()


@together
def opt(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    num_noise_beams: int = DEFAULT_NOISE_BEAMS,
    num_starts: int = 1,
    key: Key[Array, ""] | None = None,
    user_weights: Float[ArrayLike, "... K"] | None = None,
    smoothing: Float[ArrayLike, "num_steps"] | None = None,
    tolerance: float = 1e-3,
) -> GpipResult:
    """Beams and noise that maximise the (weighted) sum secrecy rate; annealed, searched GPIP.

    From the closed-form start (regularised zero-forcing, noise aimed at the eavesdroppers, power
    split by search), each step moves along B⁻¹(A − B)f by a line search on the smooth rate, which
    never falls at fixed smoothing; the smoothing is annealed; the best iterate by *true* rate is
    returned. Any M, K, L, J. Jitted inside; differentiable by unrolling; safe in float32.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 2)
    >>> found = opt(channels)
    >>> found.strategy.w.shape, found.info.rate.shape
    ((2, 8, 2), (2,))

    Args:
      h_user: users' channels as rows, [..., K, M]; or `Channels`, which hold the next two as well.
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      num_noise_beams: J; more than 2 gain next to nothing in P1's scenario.
      num_starts: to the closed-form start one is added that grows the set of served users, then
        random ones, and the best design is kept. Worth it where K ≥ M, where optima differ in
        which users they serve; `benchmarks.optimality` shows by how much.
      key: for the random starts; needed when `num_starts` > 1.
      user_weights: weights of the sum, not negative; all one by default.
      smoothing: one value a step (`annealing`), positive; it sets the number of steps.
      tolerance: residual below which `info.converged` is set.

    Returns:
      The strategy at full power, and `GpipInfo`.

    Raises:
      InputError: shapes or dtypes that do not fit; counts out of range; a missing `key`.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    checks.check_at_least("num_noise_beams", num_noise_beams, 0)
    checks.check_at_least("num_starts", num_starts, 1)
    checks.require(
        num_starts == 1 or key is not None, "`key` must be given when `num_starts` is above 1"
    )
    _check_weights(user_weights, h_user)
    schedule = _DEFAULT_SCHEDULE if smoothing is None else _check_schedule(smoothing)
    key = key if num_starts > 1 else None
    return solve(
        Inputs(h_user, h_eve, noise_power, user_weights, None, schedule, tolerance, key),
        num_noise_beams=num_noise_beams,
        num_starts=num_starts,
        plain=False,
    )


@together
def refine(
    strategy: Strategy,
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    num_steps: int = 2,
) -> Strategy:
    """A few of OPT's steps from a given strategy, which lies in the span of the channels or loses
    the rest; but for rounding, never of a lower true rate than what is there.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 2)
    >>> start = jaxsec.design(channels, method="rzf-ns", num_noise_beams=2)
    >>> better = refine(start, channels)
    >>> rates = [jaxsec.sum_secrecy_rate(x, channels) for x in (start, better)]
    >>> bool((rates[1] >= rates[0]).all())
    True

    Args:
      strategy: w [..., M, K] and v [..., M, J], of the channels' batch shape.
      h_user: users' channels as rows, [..., K, M]; or `Channels`, which hold the next two as well.
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      num_steps: steps; smoothing falls from `REFINING` bit/s/Hz over them.

    Returns:
      w [..., M, K] and v [..., M, J] at full power.

    Raises:
      InputError: shapes or dtypes that do not fit, or no step.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    checks.check_at_least("num_steps", num_steps, 1)
    u = jnp.concatenate([strategy.w, strategy.v], axis=-1)
    schedule = np.geomspace(*REFINING, num_steps)
    return solve(
        Inputs(h_user, h_eve, noise_power, None, u, schedule, 0.0, None),
        num_noise_beams=strategy.v.shape[-1],
        num_starts=1,
        plain=False,
    ).strategy


@together
def plain_gpip(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    num_noise_beams: int = DEFAULT_NOISE_BEAMS,
    user_weights: Float[ArrayLike, "... K"] | None = None,
    smoothing: float = PLAIN_SMOOTHING,
    num_steps: int = PLAIN_STEPS,
    tolerance: float = 1e-3,
) -> GpipResult:
    """The literature's GPIP: fixed smoothing, full steps f ← B⁻¹A f, last iterate.

    P1's smoothing of 0.01 makes it oscillate below RZF-NS; 0.5 is its best over P1's scenario.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 2)
    >>> plain_gpip(channels).info.rate_history.shape
    (30, 2)

    Args:
      h_user: users' channels as rows, [..., K, M]; or `Channels`, which hold the next two as well.
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      num_noise_beams: J.
      user_weights: weights of the sum, [..., K], not negative; all one by default.
      smoothing: of the maximum over eavesdroppers, bit/s/Hz.
      num_steps: steps.
      tolerance: residual below which `info.converged` is set.

    Returns:
      The strategy at full power, and `GpipInfo`.

    Raises:
      InputError: shapes or dtypes that do not fit; a number out of range.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    checks.check_at_least("num_noise_beams", num_noise_beams, 0)
    checks.check_at_least("num_steps", num_steps, 1)
    checks.check_positive("smoothing", smoothing)
    _check_weights(user_weights, h_user)
    schedule = np.full(num_steps, smoothing)
    return solve(
        Inputs(h_user, h_eve, noise_power, user_weights, None, schedule, tolerance, None),
        num_noise_beams=num_noise_beams,
        num_starts=1,
        plain=True,
    )


def _check_weights(user_weights: ArrayLike | None, h_user: AnyArray) -> None:
    if user_weights is None:
        return
    checks.require(
        jnp.shape(user_weights)[-1:] == (h_user.shape[-2],),
        f"`user_weights` must have shape [..., K] with K = {h_user.shape[-2]}, but has shape "
        f"{jnp.shape(user_weights)}",
    )
    checks.check_batches(h_user=(h_user, 2), user_weights=(user_weights, 1))


def _check_schedule(smoothing: ArrayLike) -> ArrayLike:
    shape = jnp.shape(smoothing)
    checks.require(
        len(shape) == 1 and shape[0] >= 1,
        f"`smoothing` must have shape [num_steps] with at least one step, but has shape {shape}",
    )
    if isinstance(smoothing, np.ndarray | list | tuple):
        values = np.asarray(smoothing)
        checks.require(
            bool((np.isfinite(values) & (values > 0)).all()), "`smoothing` must be positive"
        )
    return smoothing

"""Designs for channels known with errors: RZF-NS searched on draws, and stochastic GPIP.

Both take what is known of every link, its mean and the variance of its error, and design for the
mean of the sum secrecy rate over the channels that this leaves possible, or for the rate that is
kept with a probability. Errors may have a covariance (`channels.covariance`).
"""

from jaxtyping import Array, ArrayLike, Float, Key

from jaxsec import checks
from jaxsec.channels.knowledge import Posterior
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.precoding.robust.solve import QUANTILE_MARGIN, REFINED_MARGIN, solve
from jaxsec.secrecy import MEAN, Outage, OverDraws
from jaxsec.strategy import Strategy

DEFAULT_STEPS = 60
DEFAULT_DRAWS = 64
REFINING_DRAWS = 128
"""Of a step of `refine`: from a good design fewer and better steps are ahead of more."""
SPLIT_DRAWS = 256
"""Draws on which RZF-NS is searched."""


def rzf_ns_robust(
    key: Key[Array, ""],
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: OverDraws = MEAN,
) -> Strategy:
    """RZF-NS for uncertain channels: aimed and isotropic noise, their powers searched on draws.

    Beams are regularised by the errors; noise in the users' null space is aimed at the
    eavesdroppers' means or isotropic (S. Goel and R. Negi, Guaranteeing Secrecy using Artificial
    Noise, IEEE TWC 2008). Where of eavesdroppers nothing but the gain is known, nothing better has
    been found.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> known = jaxsec.channels.knowledge.estimated(channels.h_user, channels.h_eve, 0.1)
    >>> strategy = rzf_ns_robust(jax.random.key(1), known, channels.noise_power)
    >>> strategy.w.shape, strategy.v.shape
    ((4, 8, 2), (4, 8, 6))

    Args:
      key: for the draws.
      known: means and errors of all links.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: over the draws, `secrecy.MEAN` or `secrecy.Outage(0.05)`.

    Returns:
      w [..., M, K] and v [..., M, J] at full power, J = M − K, or 0 where users leave no room.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    return _design(key, known, noise_power, objective=objective, num_steps=0, num_draws=SPLIT_DRAWS)


def stochastic_gpip(
    key: Key[Array, ""],
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: OverDraws = MEAN,
    num_steps: int = DEFAULT_STEPS,
    num_draws: int = DEFAULT_DRAWS,
) -> Strategy:
    """Robust OPT: generalised power iteration on fresh draws of what is not known (`step`).

    From RZF-NS with powers searched on draws, or a single user's beam where that is worth more; the
    best of the result, a single user's beam, and RZF-NS with powers searched on more draws is kept,
    by draws of its own.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> known = jaxsec.channels.knowledge.estimated(channels.h_user, channels.h_eve, 0.1)
    >>> outage = jaxsec.secrecy.Outage(0.05)
    >>> key, noise = jax.random.key(1), channels.noise_power
    >>> stochastic_gpip(key, known, noise, objective=outage, num_steps=4).v.shape
    (4, 8, 6)

    Args:
      key: for the draws.
      known: means and errors of all links.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: over the draws, `secrecy.MEAN` or `secrecy.Outage(0.05)`.
      num_steps: of the iteration.
      num_draws: fresh draws of every step.

    Returns:
      w [..., M, K] and v [..., M, J] at full power, J = M − K, or 0 where users leave no room.

    Raises:
      InputError: a shape or dtype does not fit, or a count is below 1.
    """
    margin = QUANTILE_MARGIN if isinstance(objective, Outage) else 0.0
    options = {"objective": objective, "num_steps": num_steps, "num_draws": num_draws}
    return _iterated(key, known, noise_power, None, margin, **options)


def refine(
    key: Key[Array, ""],
    strategy: Strategy,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: OverDraws = MEAN,
    num_steps: int = 10,
    num_draws: int = REFINING_DRAWS,
    margin: Float[ArrayLike, "..."] | None = None,
) -> Strategy:
    """A few steps of stochastic GPIP from a given design; the better of both, by draws.

    What the design sends outside the span of the means, where errors have no direction, is spread
    there evenly, as noise.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> known = jaxsec.channels.knowledge.estimated(channels.h_user, channels.h_eve, 0.1)
    >>> start = jaxsec.design(channels, method="opt")
    >>> refine(jax.random.key(1), start, known, channels.noise_power).w.shape
    (4, 8, 2)

    Args:
      key: for the draws.
      strategy: w [..., M, K] and v [..., M, J] at full power.
      known: means and errors of all links.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: over the draws, `secrecy.MEAN` or `secrecy.Outage(0.05)`.
      num_steps: of the iteration.
      num_draws: fresh draws of every step.
      margin: share by which the result must be ahead of the given design, a scalar or [...]; by
        default 0.1% where the objective is a quantile, and nothing where it is a mean.

    Returns:
      w [..., M, K] and v [..., M, J] at full power; J is what it was, but at most K + L in the
      span of the means, and M − K − L for the isotropic noise outside of it.

    Raises:
      InputError: a shape or dtype does not fit, or a count is below 1.
    """
    checks.check_batches(w=(strategy.w, 2), v=(strategy.v, 2), h_user=(known.h_user, 2))
    if margin is None:
        margin = REFINED_MARGIN if isinstance(objective, Outage) else 0.0
    options = {"objective": objective, "num_steps": num_steps, "num_draws": num_draws}
    return _iterated(key, known, noise_power, strategy, margin, **options)


def _iterated(key, known: Posterior, *args, num_steps: int, num_draws: int, **options) -> Strategy:
    checks.check_at_least("num_steps", num_steps, 1)
    checks.check_at_least("num_draws", num_draws, 1)
    return _design(key, known, *args, num_steps=num_steps, num_draws=num_draws, **options)


def _design(
    key,
    known: Posterior,
    noise_power,
    strategy: Strategy | None = None,
    margin: Float[ArrayLike, "..."] = 0.0,
    **options,
) -> Strategy:
    checks.check_channels(known.h_user, known.h_eve, noise_power)
    checks.check_batches(
        h_user=(known.h_user, 2),
        h_eve=(known.h_eve, 2),
        error_user=(known.error_user, 1),
        error_eve=(known.error_eve, 1),
        noise_power=(noise_power, 0),
        margin=(margin, 0),
    )
    args = (key, known, noise_power, strategy, margin)
    return PROGRAMS.get(solve, args, **options)(*args)

"""Beams for any objective and power constraint, by first-order ascent from good designs."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Complex, Float, Int, Key

from jaxsec import checks
from jaxsec.channels.arguments import together
from jaxsec.precoding import gpip
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.precoding.first_order.problems import problems
from jaxsec.precoding.first_order.solve import solve
from jaxsec.precoding.linear import mrt, rzf_ns
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS
from jaxsec.secrecy import (
    ConstantModulus,
    LeastPower,
    Objective,
    PowerConstraint,
    TotalPower,
    limit_power,
    normalise_power,
)
from jaxsec.secrecy.power import check_noise_beams
from jaxsec.shapes import AnyArray
from jaxsec.strategy import Strategy

DEFAULT_STEPS = 24
LEAST_POWER_STEPS = 36
"""Of `LeastPower`, whose power follows the beams."""
SMOOTHING = (1.0, 0.01)
"""First and last smoothing of the ascent, bit/s/Hz."""


class AscentInfo(NamedTuple):
    """What the ascent did, for the start that was kept."""

    value: Float[Array, "..."]
    """The objective of the design, as seen by the solver."""
    iterations: Int[Array, "..."]
    """Step that found the design; 0 if its start was not improved."""
    residual: Float[Array, "..."]
    """Norm of the preconditioned direction at the last step; 0 at a stationary point."""
    converged: Bool[Array, "..."]
    """Whether the residual is within the tolerance."""


class AscentResult(NamedTuple):
    """A design and how it was reached."""

    strategy: Strategy
    info: AscentInfo


def default_steps(objective: Objective) -> int:
    """Steps of an ascent for an objective."""
    return LEAST_POWER_STEPS if isinstance(objective, LeastPower) else DEFAULT_STEPS


def default_noise_beams(
    objective: Objective, num_users: int, num_eves: int, num_antennas: int
) -> int:
    """Noise beams of an ascent: against colluding eavesdroppers, one for each of them where the
    users leave that many dimensions.

    Together they null what has fewer dimensions than they have antennas; against each of them alone
    more than `DEFAULT_NOISE_BEAMS` gain next to nothing (`python -m benchmarks.noise_beams`).
    """
    wanted = min(num_eves, num_antennas - num_users) if objective.colluding else 0
    return max(wanted, DEFAULT_NOISE_BEAMS)


@together
def ascent(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: Objective,
    constraint: PowerConstraint | None = None,
    num_noise_beams: int | None = None,
    num_starts: int = 1,
    key: Key[Array, ""] | None = None,
    num_steps: int | None = None,
    tolerance: float = 1e-3,
) -> AscentResult:
    """Beams and noise that maximise any objective under any power constraint.

    From OPT's design and from RZF-NS, each shaped and scaled to the constraint, for constant
    modulus from MRT too, the ascent follows the smooth objective by a preconditioned gradient with
    a search (`first_order.step`, `first_order.modulus`), its smoothing annealed; the best iterate
    by the true value is returned, so that no start is above it.
    Compiled inside; safe in float32.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 2)
    >>> found = ascent(channels, objective=jaxsec.secrecy.WorstUser())
    >>> found.strategy.w.shape, found.info.value.shape
    ((2, 8, 2), (2,))

    Args:
      h_user: users' channels as rows, [..., K, M]; or `Channels`, which hold the next two as well.
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: a row of `secrecy.OBJECTIVES`.
      constraint: a row of `secrecy.POWERS`; total power by default.
      num_noise_beams: J; by default `default_noise_beams`, where the constraint allows any.
      num_starts: above 1, that many less one random starts are added.
      key: for the random starts; needed when `num_starts` > 1.
      num_steps: of the ascent; by default `default_steps` of the objective.
      tolerance: residual below which `info.converged` is set.

    Returns:
      The strategy, within the constraint, and `AscentInfo`.

    Raises:
      InputError: shapes or dtypes that do not fit; counts out of range; a missing `key`.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    constraint = TotalPower() if constraint is None else constraint
    check_noise_beams(constraint, num_noise_beams)
    if num_noise_beams is None:
        sizes = h_user.shape[-2], h_eve.shape[-2], h_user.shape[-1]
        num_noise_beams = default_noise_beams(objective, *sizes)
    checks.check_at_least("num_noise_beams", num_noise_beams, 0)
    checks.check_at_least("num_starts", num_starts, 1)
    num_steps = default_steps(objective) if num_steps is None else num_steps
    checks.check_at_least("num_steps", num_steps, 1)
    checks.require(
        num_starts == 1 or key is not None, "`key` must be given when `num_starts` is above 1"
    )
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2], jnp.shape(noise_power))
    n, num_users, num_antennas = math.prod(batch), h_user.shape[-2], h_user.shape[-1]
    checks.require(
        n > 0, f"`h_user` must hold at least one channel, but has shape {np.shape(h_user)}"
    )
    rows = problems(batch, h_user, h_eve, noise_power, objective, constraint)
    found = _designs(rows.h, constraint, num_users, num_noise_beams)
    drawn = () if key is None else jax.random.split(key, num_starts - 1)
    size = n, num_antennas, num_users + num_noise_beams
    found += [_random(key_start, size, rows.h.dtype, num_users) for key_start in drawn]
    starts = [jnp.concatenate(constraint.shaped(*start), axis=-1) for start in found]
    rows = rows._replace(starts=jnp.stack(starts, axis=1))
    smoothing = jnp.asarray(np.geomspace(*SMOOTHING, num_steps), rows.h.real.dtype)
    best = solve(rows, smoothing, num_users)
    # Once more, for what a change of coordinates has rounded.
    beams = limit_power(best.u[..., :num_users], best.u[..., num_users:], rows.constraint)
    strategy, value, iterations, residual = jax.tree.map(
        lambda x: x.reshape(*batch, *x.shape[1:]), (Strategy(*beams), *best[1:])
    )
    info = AscentInfo(value, iterations, residual, residual <= tolerance)
    return AscentResult(strategy, info)


def _designs(
    h: Complex[Array, "n R M"], constraint: PowerConstraint, num_users: int, num_noise_beams: int
) -> list[Strategy]:
    """What the ascent starts from beside random beams."""
    user, eve = h[:, :num_users], h[:, num_users:]
    links: Any = user, eve
    options: dict[str, Any] = {"num_noise_beams": num_noise_beams}
    found = [gpip.opt(user, eve, 1.0, **options).strategy]
    found.append(PROGRAMS.get(_rzf_ns, links, **options)(*links))
    if isinstance(constraint, ConstantModulus):  # which keeps of MRT's beams what they are for
        w = PROGRAMS.get(mrt, links[:1])(user)
        found.append(Strategy(w, w[..., :0]))
    return found


def _rzf_ns(user: Array, eve: Array, *, num_noise_beams: int) -> Strategy:
    """RZF-NS, its noise aimed: beams for every user, in the span of the channels."""
    return rzf_ns(user, eve, 1.0, num_noise_beams=num_noise_beams)


def _random(key: Key[Array, ""], size: tuple[int, ...], dtype: Any, num_users: int) -> Strategy:
    """Gaussian beams at full power."""
    u = jax.random.normal(key, size, dtype)
    return Strategy(*normalise_power(u[..., :num_users], u[..., num_users:]))

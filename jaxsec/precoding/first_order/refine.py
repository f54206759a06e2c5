"""A few steps of the ascent from a given strategy."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.channels.arguments import together
from jaxsec.precoding.first_order.problems import problems
from jaxsec.precoding.first_order.solve import solve
from jaxsec.secrecy import Objective, PowerConstraint, limit_power
from jaxsec.shapes import AnyArray, flat
from jaxsec.strategy import Strategy

REFINING = (0.3, 0.03)
"""First and last smoothing, bit/s/Hz."""


@together
def refine(
    strategy: Strategy,
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: Objective,
    constraint: PowerConstraint,
    num_steps: int,
) -> Strategy:
    """A few steps of `ascent` from a given strategy; never of a lower value than that, scaled back.

    Where the constraint is on the total power, what of it lies outside the span of the channels is
    lost.

    Args:
      strategy: w [..., M, K] and v [..., M, J], of the channels' batch shape.
      h_user: users' channels as rows, [..., K, M]; or `Channels`, which hold the next two as well.
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: a row of `secrecy.OBJECTIVES`.
      constraint: a row of `secrecy.POWERS`.
      num_steps: steps; smoothing falls from `REFINING` bit/s/Hz over them.

    Returns:
      w [..., M, K] and v [..., M, J], within the constraint; J = 0 where it allows no noise.

    Raises:
      InputError: shapes or dtypes that do not fit, or no step.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    checks.check_at_least("num_steps", num_steps, 1)
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2], jnp.shape(noise_power))
    num_users = h_user.shape[-2]
    rows = problems(batch, h_user, h_eve, noise_power, objective, constraint)
    start = flat(batch, jnp.concatenate(constraint.shaped(*strategy), axis=-1), 2)
    start = start.astype(rows.h.dtype)
    smoothing = jnp.asarray(np.geomspace(*REFINING, num_steps), rows.h.real.dtype)
    u = solve(rows._replace(starts=start[:, None]), smoothing, num_users).u
    # Once more, for what a change of coordinates has rounded.
    beams = limit_power(u[..., :num_users], u[..., num_users:], rows.constraint)
    return Strategy(*(x.reshape(*batch, *x.shape[1:]) for x in beams))

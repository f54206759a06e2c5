"""A few steps of the ascent from a given strategy."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.channels.arguments import together
from jaxsec.precoding.first_order.solve import Rows, solve
from jaxsec.secrecy import Objective, PowerConstraint, limit_power
from jaxsec.secrecy.rows import over_channels
from jaxsec.shapes import AnyArray, flat, over_noise
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
      w [..., M, K] and v [..., M, J], within the constraint.

    Raises:
      InputError: shapes or dtypes that do not fit, or no step.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    checks.check_at_least("num_steps", num_steps, 1)
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2], jnp.shape(noise_power))
    num_users, num_antennas = h_user.shape[-2:]
    objective = over_channels(objective, batch, num_users, num_antennas)
    constraint = over_channels(constraint, batch, num_users, num_antennas)
    both = [flat(batch, over_noise(h, noise_power), 2) for h in (h_user, h_eve)]
    h = jnp.concatenate(both, axis=1)
    start = flat(batch, jnp.concatenate(strategy, axis=-1), 2).astype(h.dtype)
    rows = jax.tree.map(
        lambda x: x.reshape(math.prod(batch), *x.shape[len(batch) :]), (objective, constraint)
    )
    smoothing = jnp.asarray(np.geomspace(*REFINING, num_steps), h.real.dtype)
    u = solve(Rows(h, start[:, None], *rows), smoothing, num_users).u
    u = u.reshape(*batch, *u.shape[1:])
    # Once more, for what a change of coordinates has rounded.
    return Strategy(*limit_power(u[..., :num_users], u[..., num_users:], constraint))

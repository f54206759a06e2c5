"""How to share the power between data and artificial noise: a line search, all trials at once."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.problem import Iterate, Problem, Rates, rates_of, start_from


def best_split(
    problem: Problem, unit: SplitComplex, fractions: np.ndarray
) -> tuple[Iterate, Rates]:
    """Beams at the signal fraction, out of `fractions`, of the largest sum secrecy rate.

    Args:
      problem: the channels, B of them.
      unit: [D, N, B] beams, users' first; ‖w‖² = K and ‖v‖² = J, or less where some are zero.
      fractions: [T] shares of the power for data, in [0, 1].

    Returns:
      Beams of unit total power (what zero beams do not use goes to the others), and their rates.
    """
    num_users, num_beams = problem.weights.shape[0], unit.shape[1]
    num_noise_beams = num_beams - num_users
    if num_noise_beams == 0:
        fractions = np.ones(1)
    table = np.concatenate(
        [
            np.tile(fractions / num_users, (num_users, 1)),
            np.tile((1.0 - fractions) / max(num_noise_beams, 1), (num_noise_beams, 1)),
        ]
    )
    share: Float[Array, "N T 1"] = jnp.asarray(table, unit.re.dtype)[..., None]
    power = (
        algebra.hermitian_product(problem.h, unit).abs2()[:, :, None] * share[None]
    )  # [R, N, T, B]
    noise = algebra.sum_first(
        share * algebra.squared_norm(unit)[:, None]
    )  # ‖f‖² of each trial, [T, B]
    noise = jnp.where(noise > 0, noise, 1.0)
    smoothing = jnp.asarray(1.0, unit.re.dtype)  # of no effect on the hard rate
    rates = rates_of(problem, power, noise, smoothing)
    best = jnp.argmax(rates.hard, axis=0)
    chosen = jnp.take_along_axis(jnp.sqrt(share), best[None, None], axis=1)[:, 0]  # [N, B]
    reached = jax.tree.map(lambda x: jnp.take_along_axis(x, best[None], axis=0)[0], rates)
    return start_from(problem, unit.scale(chosen)), reached

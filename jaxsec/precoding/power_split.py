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
    per_beam = [fractions / num_users, (1.0 - fractions) / max(num_noise_beams, 1)]
    share: Float[Array, "2 T 1"] = jnp.asarray(np.stack(per_beam), unit.re.dtype)[..., None]
    # Noise beams share their power evenly, so that together they are one more beam to any receiver.
    heard = algebra.hermitian_product(problem.h, unit).abs2()  # [R, N, B]
    power = heard[:, :num_users, None] * share[None, :1]  # [R, K, T, B]
    norm2 = algebra.squared_norm(unit)  # [N, B]
    noise = share[0] * algebra.sum_first(norm2[:num_users])[None]  # ‖f‖² of each trial, [T, B]
    if num_noise_beams:
        jamming = algebra.sum_second(heard[:, num_users:])[:, None]  # [R, 1, B]
        power = jnp.concatenate([power, (jamming * share[1:])[:, None]], axis=1)
        noise = noise + share[1] * algebra.sum_first(norm2[num_users:])[None]
    noise = jnp.where(noise > 0, noise, 1.0)
    smoothing = jnp.asarray(1.0, unit.re.dtype)  # of no effect on the hard rate
    rates = rates_of(problem, power, noise, smoothing)
    best = jnp.argmax(rates.hard, axis=0)
    root = jnp.take_along_axis(jnp.sqrt(share), best[None, None], axis=1)[:, 0]  # [2, B]
    chosen = jnp.repeat(root, np.array([num_users, num_noise_beams]), axis=0)  # [N, B]
    reached = jax.tree.map(lambda x: jnp.take_along_axis(x, best[None], axis=0)[0], rates)
    return start_from(problem, unit.scale(chosen)), reached

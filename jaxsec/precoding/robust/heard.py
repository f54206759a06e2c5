"""Powers that receivers hear in every draw, and the secrecy rates that follow.

Interference is a sum of non-negative terms, never a difference: next to a strong beam a difference
is rounding.
"""

import itertools
import operator
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsec.precoding.batched.kernels import no_inline
from jaxsec.precoding.robust.draws import Amplitudes, Draws, amplitudes, power, power_of_all
from jaxsec.precoding.robust.problem import Beams, Uncertain
from jaxsec.secrecy import LN2


class Heard(NamedTuple):
    """What every receiver hears, over the receivers' noise."""

    users: Float[Array, "D R K B"]
    """Power of every user's beam."""
    noise: Float[Array, "D R B"]
    """Of noise beams, of what is outside the span, and of the receiver itself."""


def noise_of(
    known: Uncertain, draws: Draws, heard: Amplitudes, outside: Float[Array, "B"]
) -> Float[Array, "D R B"]:
    """The power of noise beams, of noise outside the span, and of the receiver's noise."""
    everywhere = 1.0 + known.error[None] * draws.gamma[..., None] * outside[None, None]
    return everywhere + power_of_all(heard) if heard.mean.shape[2] else everywhere


def sum_rates(known: Uncertain, draws: Draws, beams: Beams, num_users: int) -> Float[Array, "D B"]:
    """Sum secrecy rate of P1 (7) in every draw, bit/s/Hz, of beams of unit total power."""
    heard = amplitudes(known, draws, beams.f[:, num_users:])
    noise = noise_of(known, draws, heard, beams.outside)
    return _rates_of(Heard(power(amplitudes(known, draws, beams.f[:, :num_users])), noise))


def rates(heard: Heard) -> Float[Array, "D B"]:
    """Σ_k max(R_k − max_l R^e_lk, 0) in every draw; inside of a kernel."""
    _, num_receivers, num_users, _ = heard.users.shape
    rest = [_without_each(heard, r) for r in range(num_receivers)]
    total = jnp.zeros_like(heard.noise[:, 0])
    for k in range(num_users):
        leaked = jnp.zeros_like(total)
        for r in range(num_users, num_receivers):
            leaked = jnp.maximum(leaked, heard.users[:, r, k] / rest[r][k])
        # Of (1 + heard)/(1 + leaked) what exceeds one, which rates near zero are all made of.
        excess = (heard.users[:, k, k] / rest[k][k] - leaked) / (1.0 + leaked)
        total = total + jnp.log1p(jnp.maximum(excess, 0.0))
    return total / LN2


_rates_of = no_inline(rates)


@no_inline
def interference(heard: Heard) -> tuple[Float[Array, "D K B"], Float[Array, "D K L B"]]:
    """All that users, and for each user's beam eavesdroppers, hear beside that beam."""
    num_users = heard.users.shape[2]
    own = [_without_each(heard, k)[k] for k in range(num_users)]
    eves = Heard(heard.users[:, num_users:], heard.noise[:, num_users:])
    return jnp.stack(own, axis=1), jnp.stack(_without_each(eves, slice(None)), axis=1)


def _without_each(heard: Heard, r: Any) -> list[Array]:
    """What receiver r hears without user k's beam, for every k; two sums from either end."""
    beams = [heard.users[:, r, k] for k in range(heard.users.shape[2])]
    found = list(itertools.accumulate(beams[:-1], operator.add, initial=heard.noise[:, r]))
    after = itertools.accumulate(beams[:0:-1], operator.add)
    for k, total in zip(range(len(beams) - 2, -1, -1), after, strict=True):
        found[k] = found[k] + total
    return found

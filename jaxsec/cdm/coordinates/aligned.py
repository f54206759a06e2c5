"""Received gains of channels brought into one form, for networks that do not know the symmetries.

No rate depends on the order of users, on that of eavesdroppers, or on the phase of a link, and the
set denoiser does not either. A network that reads a table as an image or a vector would have to
learn it: here it meets one channel of each such family only. Users and eavesdroppers are each put
in order of their links' strength, the strongest first, and every link is turned so that its inner
product with the strongest user's is real and not negative.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from jaxsec import checks
from jaxsec.cdm.coordinates import features, received
from jaxsec.diffusion.condition import Condition
from jaxsec.shapes import AnyArray
from jaxsec.strategy import Strategy


class Frame(NamedTuple):
    """Channels in that form, and which users they were."""

    base: received.Frame
    order: Int[Array, "n K"]
    """The user that stands at each place."""


def frame(
    h_user: Complex[AnyArray, "n K M"],
    h_eve: Complex[AnyArray, "n L M"],
    noise_power: Float[ArrayLike, "..."],
    num_noise_beams: int,
) -> Frame:
    """What the coordinates of these channels are measured against.

    Raises:
      InputError: as `received.frame` does.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    h_user, h_eve = jnp.asarray(h_user), jnp.asarray(h_eve)
    order = _by_strength(h_user)
    users = jnp.take_along_axis(h_user, order[..., None], axis=1)
    eves = jnp.take_along_axis(h_eve, _by_strength(h_eve)[..., None], axis=1)
    first = users[:, :1]
    base = received.frame(_turned(users, first), _turned(eves, first), noise_power, num_noise_beams)
    return Frame(base, order)


def encode(frame: Frame, strategy: Strategy) -> Complex[Array, "n R N"]:
    """The table of a strategy: changes of what is received from the reference."""
    strategy = Strategy(_taken(strategy.w, frame.order), strategy.v)
    return received.to_gains(frame.base, received.fix_gauge(frame.base, strategy)) - (
        frame.base.gains
    )


def decode(frame: Frame, table: Complex[Array, "n R N"], num_users: int) -> Strategy:
    """The strategy of a table, its beams in the order of the users; not scaled to the budget."""
    found = received.from_gains(frame.base, frame.base.gains + table, num_users)
    return Strategy(_taken(found.w, _inverse(frame.order)), found.v)


def reference(frame: Frame) -> Complex[Array, "n M N"]:
    """The beams that a table of zeros stands for."""
    num_users = frame.order.shape[1]
    u = frame.base.reference
    return jnp.concatenate(
        [_taken(u[..., :num_users], _inverse(frame.order)), u[..., num_users:]], axis=-1
    )


def condition(frame: Frame, num_users: int, spread: Float[AnyArray, "R N"]) -> Condition:
    """What a model is told of the channels in that form."""
    return features.condition(frame.base, num_users, spread)


def _by_strength(h: Complex[Array, "n R M"]) -> Int[Array, "n R"]:
    power = jnp.sum(jnp.square(h.real) + jnp.square(h.imag), axis=-1)
    return jnp.argsort(-power, axis=1)


def _inverse(order: Int[Array, "n K"]) -> Int[Array, "n K"]:
    return jnp.argsort(order, axis=1)


def _turned(h: Complex[Array, "n R M"], first: Complex[Array, "n 1 M"]) -> Complex[Array, "n R M"]:
    """Links with firstᴴh real and not negative; those at right angles to it stay as they are."""
    overlap = jnp.einsum("nom,nrm->nr", first.conj(), h, precision="highest")
    power = jnp.square(overlap.real) + jnp.square(overlap.imag)
    there = power > 0
    turn = jnp.where(there, overlap.conj() * jax.lax.rsqrt(jnp.where(there, power, 1.0)), 1.0)
    return h * turn[..., None]


def _taken(w: Complex[Array, "n M K"], order: Int[Array, "n K"]) -> Complex[Array, "n M K"]:
    return jnp.take_along_axis(w, order[:, None], axis=2)

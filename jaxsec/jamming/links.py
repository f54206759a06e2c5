"""Signed secrecy rates of many powers in many slots, for search.

The same as `rates.signed_secrecy_rates`, many powers a slot: slots are the last axis, along which
one instruction computes several; sums over access points are written out; the gradient is a
formula; and what several consumers read is computed once, which XLA must be told (`kernels`).

Shapes: A access points, U users, E eavesdroppers, S powers tried in a slot, N slots.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.jamming import rates, sums
from jaxsec.precoding.batched import kernels


class Links(NamedTuple):
    """Gains in 1/watt: received power over receiver noise, for a watt."""

    own: Float[Array, "U 1 N"]
    """From a user's access point."""
    cross: Float[Array, "A U 1 N"]
    """From all others; 0 from its own."""
    eve: Float[Array, "A E 1 N"]


class _Heard(NamedTuple):
    """What the gradient needs of the rates."""

    interference: Float[Array, "U S N"]
    """I_u = 1 + Σ_{a≠s} p_a g_au, with s the access point of user u."""
    jammed: Float[Array, "A E S N"]
    """J_ae = 1 + Σ_{b≠a} p_b g_be."""
    snr_user: Float[Array, "U S N"]
    """γ_u = p_s g_su / I_u."""
    snr_eve: Float[Array, "A E S N"]
    """γ_ae = p_a g_ae / J_ae."""
    strongest: Float[Array, "A S N"]
    """max_e γ_ae."""


def links(gains: Float[Array, "N R A"], num_users: int) -> Links:
    """From the gains of receivers R = U + E, users first."""
    size = gains.shape[-1]
    served_by = rates.serving(num_users, size)
    turned = jnp.transpose(gains, (2, 1, 0))[:, :, None]
    other = (np.arange(size)[:, None] != served_by).astype(np.float32)[:, :, None, None]
    own = jnp.sum(turned[:, :num_users] * (1.0 - other), axis=0)
    return Links(own, turned[:, :num_users] * other, turned[:, num_users:])


def of_users(x: Float[Array, "A S N"], num_users: int) -> Float[Array, "U S N"]:
    """What belongs to the access point that serves a user."""
    return jnp.concatenate([x] * -(-num_users // len(x)))[:num_users]


@jax.custom_vjp
def signed_secrecy_rates(power: Float[Array, "A S N"], links: Links) -> Float[Array, "U S N"]:
    """Rate of each user less that of the strongest eavesdropper on its signal, bit/s/Hz.

    To 1e-5 bit/s/Hz; differentiable in the powers only.
    """
    return _forward(power, links)[0]


def _forward(
    power: Float[Array, "A S N"], links: Links
) -> tuple[Float[Array, "U S N"], tuple[Links, _Heard]]:
    signal, interference = _at_users(power, links)
    snr_eve, jammed = _at_eves(*_heard_by_eves(power, links))
    heard = _Heard(
        interference, jammed, signal / interference, snr_eve, jnp.max(snr_eve, axis=1, initial=0.0)
    )
    return _rates(heard) * _scale(links), (links, heard)


def _backward(
    saved: tuple[Links, _Heard], weight: Float[Array, "U S N"]
) -> tuple[Float[Array, "A S N"], None]:
    """With w the weights, and v_ae the sum of those of a's users where e hears them best:

    ∂/∂p_b = Σ_{u: s=b} w_u g_bu / (I_u (1 + γ_u)) − Σ_{u: s≠b} w_u g_bu γ_u / (I_u (1 + γ_u))
             − Σ_e v_be g_be / (J_be (1 + γ_be)) + Σ_e g_be Σ_{a≠b} v_ae γ_ae / (J_ae (1 + γ_ae))
    """
    links, heard = saved
    weight = weight * _scale(links)
    slope, pull = _eve_slopes(weight, heard)
    return _user_gradient(weight, links, heard) + _eve_gradient(slope, pull, links), None


signed_secrecy_rates.defvjp(_forward, _backward)


@kernels.no_inline
def _at_users(
    power: Float[Array, "A S N"], links: Links
) -> tuple[Float[Array, "U S N"], Float[Array, "U S N"]]:
    """Signal and interference."""
    signal = of_users(power, len(links.own)) * links.own
    return signal, 1.0 + sums.over_first(power[:, None] * links.cross)


@kernels.no_inline
def _heard_by_eves(
    power: Float[Array, "A S N"], links: Links
) -> tuple[Float[Array, "A E S N"], Float[Array, "A E S N"]]:
    """Signals, and what jams each of them."""
    heard = power[:, None] * links.eve
    return heard, 1.0 + sums.over_others(heard)


@kernels.no_inline
def _at_eves(
    heard: Float[Array, "A E S N"], jammed: Float[Array, "A E S N"]
) -> tuple[Float[Array, "A E S N"], Float[Array, "A E S N"]]:
    return heard / jammed, jammed


@kernels.no_inline
def _rates(heard: _Heard) -> Float[Array, "U S N"]:
    """In nats of the time that a user is served."""
    strongest = of_users(heard.strongest, len(heard.snr_user))
    return jnp.log((1.0 + heard.snr_user) / (1.0 + strongest))


@kernels.no_inline
def _user_gradient(
    weight: Float[Array, "U S N"], links: Links, heard: _Heard
) -> Float[Array, "A S N"]:
    """The first two sums of `_backward`."""
    slope = weight / (heard.interference * (1.0 + heard.snr_user))
    lost = jnp.swapaxes(links.cross, 0, 1) * (slope * heard.snr_user)[:, None]
    return _of_access_points(slope * links.own, len(links.cross)) - sums.over_first(lost)


@kernels.no_inline
def _eve_slopes(
    weight: Float[Array, "U S N"], heard: _Heard
) -> tuple[Float[Array, "A E S N"], Float[Array, "A E S N"]]:
    """v / (J (1 + γ)), and that times γ."""
    best = (heard.snr_eve == heard.strongest[:, None]) & (heard.snr_eve > 0.0)
    weight = jnp.where(best, _of_access_points(weight, len(best))[:, None], 0.0)
    slope = weight / (heard.jammed * (1.0 + heard.snr_eve))
    return slope, slope * heard.snr_eve


@kernels.no_inline
def _eve_gradient(
    slope: Float[Array, "A E S N"], pull: Float[Array, "A E S N"], links: Links
) -> Float[Array, "A S N"]:
    """The last two sums of `_backward`."""
    net = links.eve * (sums.over_others(pull) - slope)
    return sums.over_first(jnp.swapaxes(net, 0, 1))


def _scale(links: Links) -> Float[np.ndarray, "U 1 1"]:
    """A user's share of the time, and bits for nats."""
    shares = rates.time_shares(len(links.own), len(links.cross))
    return shares[:, None, None] / np.float32(rates.LN2)


def _of_access_points(x: Float[Array, "U S N"], size: int) -> Float[Array, "{size} S N"]:
    """Sums over the users of an access point."""
    missing = np.zeros((-len(x) % size, *x.shape[1:]), np.float32)
    return sums.over_first(jnp.concatenate((x, missing)).reshape(-1, size, *x.shape[1:]))

"""Secrecy rates in double precision, in plain NumPy: the judge of what float32 has designed.

Written apart from `jaxsec.secrecy`, so that a design is not judged by the code that made it.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxsec import keys
from jaxsec.channels import Channels
from jaxsec.channels.knowledge import Posterior, sample
from jaxsec.channels.noise import by_rows
from jaxsec.secrecy import Objective
from jaxsec.secrecy.over_draws import draws_missed
from jaxsec.strategy import Strategy

JUDGING_DRAWS = 1000
"""Draws by which a design for channels that are not known exactly is judged."""


def secrecy_rates(strategy: Strategy, channels: Channels) -> np.ndarray:
    """R_k^sec of P1 (5) in float64, bit/s/Hz.

    Args:
      strategy: w [..., M, K], v [..., M, J].
      channels: `h_user` [..., K, M], `h_eve` [..., L, M], `noise_power` (), [...] or [..., K + L],
        of any precision.

    Returns:
      [..., K].
    """
    rates = link_rates(strategy, channels)
    return np.maximum(rates.user - rates.wiretap, 0.0)


def objective_value(strategy: Strategy, channels: Channels, objective: Objective) -> np.ndarray:
    """An objective [...] of the rates in float64, of arguments as `secrecy_rates` has them."""
    rates = link_rates(strategy, channels)
    together = colluding_wiretap_rates(strategy, channels) if objective.colluding else rates.wiretap
    spent = sum(np.sum(np.abs(np.asarray(u, np.complex128)) ** 2, axis=(-2, -1)) for u in strategy)
    with jax.enable_x64(True):
        secrecy = jnp.asarray(np.maximum(rates.user - together, 0.0))
        return np.asarray(objective.value(secrecy, jnp.asarray(spent)))


class LinkRates(NamedTuple):
    """What users and eavesdroppers can decode, bit/s/Hz."""

    user: np.ndarray
    """[..., K], R_k of P1 (3)."""
    wiretap: np.ndarray
    """[..., K], of the strongest eavesdropper on user k's message, P1 (4)."""


def link_rates(strategy: Strategy, channels: Channels) -> LinkRates:
    """Rates in float64, of arguments as `secrecy_rates` has them."""
    noise_user, noise_eve = by_rows(*channels)
    user_sinr = _sinr(strategy, channels.h_user, noise_user)  # [..., K, K]
    eve_sinr = _sinr(strategy, channels.h_eve, noise_eve)  # [..., L, K]
    user = np.log1p(np.diagonal(user_sinr, axis1=-2, axis2=-1))
    wiretap = np.log1p(np.max(eve_sinr, axis=-2, initial=0.0))
    return LinkRates(user / np.log(2.0), wiretap / np.log(2.0))


def colluding_wiretap_rates(strategy: Strategy, channels: Channels) -> np.ndarray:
    """What all eavesdroppers together decode of each user's message, by joint MMSE combining.

    log2(1 + aᴴ(I + RRᴴ)⁻¹a) in float64, R what is received of all but beam k (Tse & Viswanath,
    Fundamentals of Wireless Communication, 8.3.3): by singular values of R, whose squares may be
    out of any precision beside I. Arguments as `secrecy_rates` has them.

    Returns:
      [..., K], bit/s/Hz.
    """
    h = _over_noise(channels.h_eve, by_rows(*channels)[1])
    beams, noise = (h.conj() @ np.asarray(u, np.complex128) for u in strategy)  # [..., L, K or J]
    rates = []
    for k in range(beams.shape[-1]):
        rest = np.concatenate([np.delete(beams, k, axis=-1), noise], axis=-1)
        left, singular, _ = np.linalg.svd(rest)
        spread = np.zeros(left.shape[:-1])
        spread[..., : singular.shape[-1]] = singular**2
        along = np.swapaxes(left, -1, -2).conj() @ beams[..., k : k + 1]  # [..., L, 1]
        rates.append(np.log1p(np.sum(np.abs(along[..., 0]) ** 2 / (1.0 + spread), axis=-1)))
    return np.stack(rates, axis=-1) / np.log(2.0)


class Promise(NamedTuple):
    """What a strategy reaches on draws of what its channels may be; bit/s/Hz."""

    secrecy_rate: np.ndarray
    """[N, K], the mean of every user's."""
    outage_secrecy_rate: np.ndarray
    """[N], the sum that is kept with the probability asked for."""


def over_posterior(
    key: Key[Array, ""],
    strategy: Strategy,
    known: Posterior,
    noise_power: Any,
    outage_probability: float,
) -> Promise:
    """Mean rates and the outage secrecy rate, on `JUDGING_DRAWS` draws of every channel.

    Args:
      key: for the draws; not one that a designer had.
      strategy: w [N, M, K], v [N, M, J].
      known: means and errors of N channels.
      noise_power: () or [N].
      outage_probability: ε.
    """
    rates, kept = [], []
    noise_power = np.broadcast_to(np.asarray(noise_power), known.h_user.shape[:1])
    for n in range(known.h_user.shape[0]):
        one = jax.tree.map(lambda x, n=n: x[n : n + 1], known)
        h_user, h_eve = sample(keys.step(key, n), one, JUDGING_DRAWS)
        channels = Channels(h_user[:, 0], h_eve[:, 0], noise_power[n])
        shape = (JUDGING_DRAWS,)
        w, v = (jnp.broadcast_to(jnp.asarray(x[n]), (*shape, *x.shape[1:])) for x in strategy)
        rate = secrecy_rates(Strategy(w, v), channels)
        rates.append(rate.mean(axis=0))
        missed = draws_missed(JUDGING_DRAWS, outage_probability)
        kept.append(np.sort(rate.sum(axis=1))[missed])
    return Promise(np.stack(rates), np.stack(kept))


def _sinr(strategy: Strategy, h: Any, noise_power: Any) -> np.ndarray:
    """At [..., r, k]: SINR of beam k at receiver r; noise as `by_rows` gives it."""
    h = _over_noise(h, noise_power)
    beams = np.abs(h.conj() @ np.asarray(strategy.w, np.complex128)) ** 2  # [..., R, K]
    noise = np.sum(np.abs(h.conj() @ np.asarray(strategy.v, np.complex128)) ** 2, axis=-1)
    # Interference is a sum over the other beams: total minus signal would cancel.
    others = beams @ (1.0 - np.eye(beams.shape[-1]))
    return beams / (others + noise[..., None] + 1.0)


def _over_noise(h: Any, noise_power: Any) -> np.ndarray:
    return np.asarray(h, np.complex128) / np.sqrt(np.asarray(noise_power, np.float64))[..., None]

"""What given beams and artificial noise are worth on given channels, whoever made either.

In float64 and plain NumPy (`judge`), so that neither a designer's own code nor its precision has a
say. Channels may be the true ones where a design knew estimates of them.
"""

from typing import NamedTuple

import numpy as np

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.report import judge
from jaxsec.secrecy.over_draws import draws_missed
from jaxsec.strategy import Strategy


class Evaluation(NamedTuple):
    """What a strategy reaches on N channels, in bit/s/Hz, and the power that it takes."""

    user_rate: np.ndarray
    """[N, K], what each user decodes."""
    wiretap_rate: np.ndarray
    """[N, K], what the strongest eavesdropper decodes of it."""
    secrecy_rate: np.ndarray
    """[N, K], the first above the second, not negative."""
    colluding_secrecy_rate: np.ndarray
    """[N, K], the same against all eavesdroppers together."""
    antenna_power: np.ndarray
    """[N, M], power of each antenna in units of the budget P."""
    outage_probability: float
    """Share ε of the channels that `outage_secrecy_rate` gives up."""

    @property
    def sum_secrecy_rate(self) -> np.ndarray:
        """[N]; its mean is the ergodic sum secrecy rate of channels that are draws of fading."""
        return np.sum(self.secrecy_rate, axis=-1)

    @property
    def colluding_sum_secrecy_rate(self) -> np.ndarray:
        """[N]."""
        return np.sum(self.colluding_secrecy_rate, axis=-1)

    @property
    def worst_user_secrecy_rate(self) -> np.ndarray:
        """[N]."""
        return np.min(self.secrecy_rate, axis=-1)

    @property
    def outage_secrecy_rate(self) -> float:
        """The largest sum secrecy rate that at most a share ε of the channels falls below."""
        rate = np.sort(self.sum_secrecy_rate.reshape(-1))
        return float(rate[draws_missed(rate.size, self.outage_probability)])

    @property
    def power(self) -> np.ndarray:
        """[N], ‖w‖² + ‖v‖²; above 1 the budget is exceeded, which is not put right."""
        return np.sum(self.antenna_power, axis=-1)


def evaluate(
    strategy: Strategy, channels: Channels, *, outage_probability: float = 0.05
) -> Evaluation:
    """What a strategy is worth on channels, neither of them changed.

    >>> h = np.ones((1, 1, 4), complex)
    >>> strategy = jaxsec.Strategy(np.full((1, 4, 1), 0.5 + 0j), np.zeros((1, 4, 0), complex))
    >>> found = evaluate(strategy, jaxsec.Channels(h, h[:, :0], 0.01))
    >>> round(float(found.sum_secrecy_rate[0]), 4), found.power  # log2(1 + 4 / 0.01)
    (8.6475, array([1.]))

    Args:
      strategy: w [N, M, K] and v [N, M, J]; or [1, ...] or without N, one for all channels.
      channels: concrete, `h_user` [N, K, M], `h_eve` [N, L, M], and `noise_power`, one number,
        [N] or [N, K + L].
      outage_probability: ε in [0, 1), of `outage_secrecy_rate`.

    Returns:
      Rates and powers, NumPy arrays.

    Raises:
      InputError: a shape or dtype does not fit, or a value is not finite.
    """
    _check(strategy, channels, outage_probability)
    with np.errstate(over="ignore", invalid="ignore"):
        rates = judge.link_rates(strategy, channels)
        together = judge.colluding_wiretap_rates(strategy, channels)
    checks.require(
        all(bool(np.isfinite(x).all()) for x in (*rates, together)),
        "|hᴴw|²/noise_power is beyond double precision: are they in the same linear units?",
    )
    batch = rates.user.shape[:-1]
    u = np.concatenate([np.asarray(x, np.complex128) for x in strategy], axis=-1)
    antenna_power = np.sum(np.abs(u) ** 2, axis=-1)
    return Evaluation(
        rates.user,
        np.broadcast_to(rates.wiretap, rates.user.shape),
        np.maximum(rates.user - rates.wiretap, 0.0),
        np.maximum(rates.user - together, 0.0),
        np.broadcast_to(antenna_power, (*batch, antenna_power.shape[-1])),
        outage_probability,
    )


def _check(strategy: Strategy, channels: Channels, outage_probability: float) -> None:
    h_user, h_eve, noise_power = channels
    checks.check_channels(h_user, h_eve)
    for name, u in strategy._asdict().items():
        checks.check_rank(name, u, "[..., M, K]" if name == "w" else "[..., M, J]")
        checks.check_complex(name, u)
        checks.check_finite(name, u)
    (k, m), w, v = h_user.shape[-2:], strategy.w.shape, strategy.v.shape
    checks.require(
        w[-2:] == (m, k),
        f"`w` must have M = {m} rows and K = {k} columns, as the channels have antennas and users, "
        f"but has shape {w}",
    )
    checks.require(v[-2] == m, f"`v` must have M = {m} rows, but has shape {v}")
    checks.check_finite("h_user", h_user)
    checks.check_finite("h_eve", h_eve)
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2])
    for name, u in strategy._asdict().items():
        checks.check_broadcasts(name, u, (*batch, *u.shape[-2:]))
    checks.check_noise_power(noise_power, batch, k, h_eve.shape[-2])
    checks.require(
        0.0 <= outage_probability < 1.0,
        f"`outage_probability` must lie in [0, 1), but is {outage_probability}",
    )

"""Best known sum secrecy rates, to report optimality gaps against.

The problem is not convex: "best known" is the largest rate that a long float64 run of OPT finds
from many starts, not a proof. For one user and one eavesdropper the optimum is known in closed
form (`single_pair_rate`), and OPT reaches it.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.precoding import gpip
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS


def best_known(
    key: Key[Array, ""],
    channels: Channels,
    *,
    num_noise_beams: int = DEFAULT_NOISE_BEAMS,
    num_starts: int = 9,
    num_steps: int = 200,
) -> np.ndarray:
    """Best known sum secrecy rate of every channel, by many starts of OPT in float64.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 2)
    >>> key = jax.random.key(1)
    >>> best = best_known(key, channels, num_starts=2, num_steps=30)
    >>> bool((best >= jaxsec.design(channels, diagnostics=True)[1].rate - 0.1).all())
    True

    Args:
      key: for the random starts; the closed-form start is always among them.
      channels: arrays with one batch axis; computed in float64 whatever their precision.
      num_noise_beams: J of the reference design.
      num_starts: starts, the best kept.
      num_steps: annealing steps of each.

    Returns:
      [n] float64, bit/s/Hz.

    Raises:
      InputError: shapes, dtypes or counts that do not fit.
    """
    h_user, h_eve = np.asarray(channels.h_user), np.asarray(channels.h_eve)
    checks.check_channels(h_user, h_eve)
    checks.check_at_least("num_starts", num_starts, 1)
    with jax.enable_x64(True):
        result = gpip.opt(
            jnp.asarray(h_user, jnp.complex128),
            jnp.asarray(h_eve, jnp.complex128),
            jnp.asarray(np.asarray(channels.noise_power), jnp.float64),
            num_noise_beams=num_noise_beams,
            num_starts=num_starts,
            key=key,
            smoothing=gpip.annealing(num_steps, last=0.01),
        )
        return np.asarray(result.info.rate)


def single_pair_rate(
    h_user: Complex[ArrayLike, "... 1 M"],
    h_eve: Complex[ArrayLike, "... 1 M"],
    noise_power: Float[ArrayLike, "..."],
) -> Float[np.ndarray, "..."]:
    """Secrecy capacity for K = L = 1: log2 λ_max(I + hhᴴ/n, I + ggᴴ/n), in float64.

    Khisti and Wornell, Secure transmission with multiple antennas I, IEEE TIT 2010, Theorem 2. The
    generalised eigenvalue is the larger root of λ² − 2bλ + c: with a = ‖h‖²/n, e = ‖g‖²/n and
    the determinant d = a·e − |hᴴg|²/n² ≥ 0, outside span{h, g} it is 1, and inside
    (1 + e)λ² − (2 + a + e + d)λ + (1 + a) = 0.

    >>> h, g = np.array([[1.0 + 0j, 0.0]]), np.array([[0.6 + 0j, 0.8]])
    >>> round(float(single_pair_rate(h, g, 0.1)), 4)
    2.9426

    Args:
      h_user: the user's channel, [..., 1, M].
      h_eve: the eavesdropper's channel, [..., 1, M].
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].

    Returns:
      [...], bit/s/Hz, NumPy.

    Raises:
      InputError: there is not exactly one user and one eavesdropper.
    """
    user, eve = np.asarray(h_user, np.complex128), np.asarray(h_eve, np.complex128)
    for name, h in (("h_user", user), ("h_eve", eve)):
        checks.require(
            h.ndim >= 2 and h.shape[-2] == 1,
            f"`{name}` must have shape [..., 1, M], but has shape {h.shape}",
        )
    noise = np.asarray(noise_power, np.float64)
    user, eve = user[..., 0, :], eve[..., 0, :]
    a = np.sum(np.abs(user) ** 2, axis=-1) / noise
    e = np.sum(np.abs(eve) ** 2, axis=-1) / noise
    overlap = np.abs(np.sum(np.conj(user) * eve, axis=-1)) ** 2 / noise**2
    half = (2.0 + a + e + np.maximum(a * e - overlap, 0.0)) / 2.0
    root = half + np.sqrt(np.maximum(half**2 - (1.0 + a) * (1.0 + e), 0.0))
    return np.asarray(np.maximum(np.log2(root / (1.0 + e)), 0.0))

"""Denoised estimates of channels, and how far off they are: what `jaxsec.design` takes.

The denoiser's first call estimates the posterior mean m(y) = E[h | y] of a link from its pilots
y = h + n, n ~ CN(0, σ²·I). Tweedie's formula gives the posterior's covariance from its slope,

    Cov[h | y] = σ²·∂m/∂y

(Wirtinger's ∂; B. Efron, Tweedie's Formula and Selection Bias, JASA 2011, (2.8)). What a chain of
more calls ends at, G(y), is a function of y as well, so at an antenna, on average,

    E[|h − G|² | y] = tr Cov[h | y]/M + ‖m − G‖²/M.

The second term is what the chain costs in squared error, and it is never negative: no deterministic
function of y has a smaller error than m.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from jaxsec import checks
from jaxsec.channel_denoising import levels
from jaxsec.channel_denoising.pilots.file import ChannelDenoiser, shipped
from jaxsec.channel_denoising.pilots.network import to_complex, to_real
from jaxsec.channel_denoising.pilots.train import PREDICTIONS, Config
from jaxsec.channels.knowledge import Posterior
from jaxsec.shapes import AnyArray

SLOPES_A_CALL = 256
"""Links whose slopes are found at a time, which takes memory."""


class Denoised(NamedTuple):
    """Links of unit mean power, estimated."""

    h: Complex[Array, "n M"]
    error: Float[Array, "n"]
    """E|h_m − estimate_m|² given the pilots, of the M antennas' mean."""


class Link(NamedTuple):
    """Pilots, what they are multiplied by, and the step where the chain begins; or many."""

    y: Complex[Array, "*n M"]
    scale: Float[Array, "*n"]
    first: Int[Array, "*n"]


def estimate(
    model: ChannelDenoiser,
    y: Complex[Array, "n M"],
    noise: Float[Array, "n"],
    *,
    num_steps: int = 1,
    network: str = "denoiser",
) -> Denoised:
    """Estimates of links from their pilots. To be compiled.

    Args:
      model: trained on links of this kind.
      y: pilots of links of unit mean power.
      noise: σ² of each; 1/σ², the signal-to-noise ratio, must be that of a step.
      num_steps: calls of the network on the way down the chain.
      network: `denoiser`, or `regressor`, the control, whose one call puts out the link itself.
    """
    first = levels.entry(-10.0 * jnp.log10(noise))
    scale = jnp.sqrt(2.0 / (1.0 + noise))
    apply, params = model.config.network.apply, getattr(model, network)

    def chain(link: Link, num_steps: int) -> Complex[Array, "M"]:
        z = to_real(link.scale * link.y[None])
        x0 = levels.denoise(
            lambda z, t: jnp.asarray(apply(params, z, t)), z, link.first, num_steps,
            prediction=PREDICTIONS[network],
        )  # fmt: skip
        return to_complex(x0)[0] / jnp.sqrt(2.0)

    def variance(link: Link) -> Float[Array, ""]:
        return mean_slope(lambda y: chain(link._replace(y=y), 1), link.y)

    each = Link(y, scale, first)
    error = noise * jax.lax.map(variance, each, batch_size=SLOPES_A_CALL)
    mean = jax.vmap(lambda link: chain(link, 1))(each)
    if num_steps == 1:
        return Denoised(mean, error)
    end = jax.vmap(lambda link: chain(link, num_steps))(each)
    return Denoised(end, error + jnp.mean(jnp.square(jnp.abs(end - mean)), axis=-1))


def mean_slope(
    mean: Callable[[Complex[Array, "M"]], Complex[Array, "M"]], y: Complex[Array, "M"]
) -> Float[Array, ""]:
    """tr(∂m/∂y)/M: of the noise, the share that the estimate lets through.

    No posterior's is negative; where that of a network is, it is taken for 0.
    """
    size = 2 * y.shape[-1]

    def of_parts(parts: Float[Array, "2 M"]) -> Float[Array, "2 M"]:
        return to_real(mean(jax.lax.complex(parts[0], parts[1]))[None])[0]

    # ∂/∂y = (∂/∂Re − j·∂/∂Im)/2; its trace has the real part (Σ ∂Re/∂Re + Σ ∂Im/∂Im)/2.
    jacobian = jax.jacfwd(of_parts)(to_real(y[None])[0]).reshape(size, size)
    return jnp.maximum(jnp.trace(jacobian) / size, 0.0)


def denoise_channels(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_user: float | Float[ArrayLike, "... K"],
    noise_eve: float | Float[ArrayLike, "... L"],
    *,
    gain_user: float | Float[ArrayLike, "... K"],
    gain_eve: float | Float[ArrayLike, "... L"],
    model: ChannelDenoiser | None = None,
    num_steps: int = 1,
) -> Posterior:
    """Means and errors of channels, given least-squares estimates h + n of them, n of CN(0, σ²).

    What `channels.knowledge.least_squares` does for Rayleigh channels, for those that the model was
    trained on; the result goes to `jaxsec.design`. Formulas: at the top of
    `jaxsec/channel_denoising/pilots/estimate.py`.

    >>> pilots = jnp.ones((1, 2, 16), complex), jnp.ones((1, 0, 16), complex)
    >>> known = denoise_channels(*pilots, 1.0, 1.0, gain_user=1.0, gain_eve=1.0)
    >>> known.h_user.shape, bool((known.error_user < 1.0).all())
    ((1, 2, 16), True)

    Args:
      h_user: estimates of the users' channels as rows, [..., K, M].
      h_eve: of the eavesdroppers', [..., L, M].
      noise_user: σ² of each link's estimate in units of |h|², a scalar or [..., K], concrete.
      noise_eve: the same, a scalar or [..., L].
      gain_user: large-scale amplitude gain of each link, a scalar or [..., K], concrete.
      gain_eve: the same, a scalar or [..., L].
      model: a trained denoiser; without, the one that is shipped.
      num_steps: calls of its network; of more than one, what the chain costs in squared error is
        counted in.

    Returns:
      Means and errors of all links.

    Raises:
      InputError: a shape or dtype is wrong, the antennas are not the model's, or a link's
        signal-to-noise ratio gain²/σ² is out of the model's range.
    """
    checks.check_channels(h_user, h_eve)
    checks.check_at_least("num_steps", num_steps, 1)
    model = shipped() if model is None else model
    wanted, given = model.config.num_antennas, h_user.shape[-1]
    checks.require(
        given == wanted,
        f"`h_user` and `h_eve` must have the model's {wanted} antennas, but have {given}",
    )
    sides = {"user": (h_user, noise_user, gain_user), "eve": (h_eve, noise_eve, gain_eve)}
    found = [_side(name, *side, model, num_steps) for name, side in sides.items()]
    (mean_user, error_user), (mean_eve, error_eve) = found
    return Posterior(mean_user, mean_eve, error_user, error_eve)


def _side(
    name: str, h: Any, noise: Any, gain: Any, model: ChannelDenoiser, num_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Means and errors of the users' links, or of the eavesdroppers'."""
    for kind, given in (("noise", noise), ("gain", gain)):
        checks.check_broadcasts(f"{kind}_{name}", given, h.shape[:-1])
    gain = np.broadcast_to(np.asarray(gain, np.float64), h.shape[:-1])
    share = np.asarray(noise, np.float64) / np.square(gain)
    with np.errstate(divide="ignore", invalid="ignore"):
        levels.check_snr(f"gain_{name}²/noise_{name}", -10.0 * np.log10(share))
    unit = (np.asarray(h) / gain[..., None]).reshape(-1, h.shape[-1]).astype(np.complex64)
    flat = jnp.asarray(np.broadcast_to(share, gain.shape).reshape(-1), jnp.float32)
    if not flat.size:
        return np.asarray(h), np.zeros(h.shape[:-1], h.real.dtype)
    found = _estimate(model.config, model[1:], jnp.asarray(unit), flat, num_steps)
    mean = np.asarray(found.h).reshape(h.shape) * gain[..., None]
    error = np.asarray(found.error).reshape(gain.shape) * np.square(gain)
    return mean.astype(h.dtype), error.astype(h.real.dtype)


@functools.partial(jax.jit, static_argnums=(0, 4))
def _estimate(
    config: Config, weights: Any, y: Complex[Array, "n M"], noise: Float[Array, "n"], num_steps: int
) -> Denoised:
    return estimate(ChannelDenoiser(config, *weights), y, noise, num_steps=num_steps)

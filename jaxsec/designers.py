"""`jaxsec.design` and the table of methods behind it; a new designer joins the table."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec import checks, posterior
from jaxsec.channels import Channels
from jaxsec.normalise import normalise
from jaxsec.posterior import Posterior
from jaxsec.precoding import gpip, linear
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.shapes import AnyArray, over_noise
from jaxsec.strategy import Strategy

DEFAULT_NOISE_BEAMS = 2
"""J where a method does not fix it; in P1's scenario more noise beams gain next to nothing."""
DENOISERS = ("set", "unet")
"""Networks that method "cdm" is shipped with."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of the methods; each uses those that mean something to it.

    Raises:
      InputError: a count is out of its range.
    """

    key: Key[Array, ""] | None = None
    """For methods that draw random numbers; None is a fixed one."""
    num_noise_beams: int | None = None
    """J; None is each method's own: 2, or the whole null space (M − K) for "rzf-ns"."""
    num_starts: int = 1
    """Starts of "opt", the best kept."""
    num_samples: int = 1
    """Candidates of a diffusion model, the best kept."""
    refine: int = 0
    """Steps of OPT's iteration after "cdm", "cdm-f" or "cdm-mlp"."""
    ddim_steps: int | None = None
    """Sampling steps of a diffusion model; None is 4."""
    denoiser: str = "set"
    """The network of "cdm": "set" for any K and L up to 8, "unet" for K = 2 and L = 4."""
    csi_error: float = 0.0
    """Error variance of the channels, which are estimates, for "opt-loaded" and "cdm-f-robust"."""

    def __post_init__(self) -> None:
        checks.require(
            self.denoiser in DENOISERS,
            f"`denoiser` must be one of {', '.join(DENOISERS)}, but is {self.denoiser!r}",
        )
        checks.require(
            0.0 <= self.csi_error < 1.0,
            f"`csi_error` must lie in [0, 1), but is {self.csi_error}",
        )
        checks.check_at_least("num_starts", self.num_starts, 1)
        checks.check_at_least("num_samples", self.num_samples, 1)
        checks.check_at_least("refine", self.refine, 0)
        if self.num_noise_beams is not None:
            checks.check_at_least("num_noise_beams", self.num_noise_beams, 0)
        if self.ddim_steps is not None:
            checks.check_at_least("ddim_steps", self.ddim_steps, 1)


Designer = Callable[[AnyArray, AnyArray, Options], Strategy]
"""From channels over the receiver noise, [..., K, M] and [..., L, M]: for them noise power is 1."""


def _mrt(h_user: AnyArray) -> Strategy:
    return _without_noise_beams(linear.mrt(h_user))


def _zf(h_user: AnyArray) -> Strategy:
    return _without_noise_beams(linear.zf(h_user))


def _rzf(h_user: AnyArray) -> Strategy:
    return _without_noise_beams(linear.rzf(h_user, 1.0))


def _without_noise_beams(w: Complex[Array, "... M K"]) -> Strategy:
    return Strategy(w, w[..., :0])


def _for_users(precoder: Callable[[AnyArray], Strategy]) -> Designer:
    def designer(h_user: AnyArray, h_eve: AnyArray, options: Options) -> Strategy:
        del h_eve, options
        return PROGRAMS.get(precoder, h_user)(h_user)

    return designer


def _null_space(h_user: AnyArray, h_eve: AnyArray, *, num_noise_beams: int | None) -> Strategy:
    return linear.rzf_ns(h_user, h_eve, 1.0, num_noise_beams=num_noise_beams)


def _rzf_ns(h_user: AnyArray, h_eve: AnyArray, options: Options) -> Strategy:
    channels = (h_user, h_eve)
    return PROGRAMS.get(_null_space, channels, num_noise_beams=options.num_noise_beams)(*channels)


def _rzf_ns_aimed(h_user: AnyArray, h_eve: AnyArray, options: Options) -> Strategy:
    return _rzf_ns(h_user, h_eve, dataclasses.replace(options, num_noise_beams=_beams(options)))


def _opt_plain(h_user: AnyArray, h_eve: AnyArray, options: Options) -> Strategy:
    return gpip.plain_gpip(h_user, h_eve, 1.0, num_noise_beams=_beams(options)).strategy


def _opt(h_user: AnyArray, h_eve: AnyArray, options: Options) -> Strategy:
    return gpip.opt(
        h_user,
        h_eve,
        1.0,
        num_noise_beams=_beams(options),
        num_starts=options.num_starts,
        key=_key(options) if options.num_starts > 1 else None,
    ).strategy


def _opt_loaded(h_user: AnyArray, h_eve: AnyArray, options: Options) -> Strategy:
    if options.csi_error == 0.0:
        return _opt(h_user, h_eve, options)
    loaded = PROGRAMS.get(_loaded, (h_user, h_eve), csi_error=options.csi_error)(h_user, h_eve)
    return _opt(loaded.h_user, loaded.h_eve, options)


def _loaded(h_user: AnyArray, h_eve: AnyArray, *, csi_error: float) -> Channels:
    return posterior.loaded(_known(h_user, h_eve, csi_error=csi_error), 1.0)


def _known(h_user: AnyArray, h_eve: AnyArray, *, csi_error: float) -> Posterior:
    return posterior.posterior(h_user, h_eve, csi_error)


def _generative(weights: Callable[[Options], str]) -> Designer:
    def designer(h_user: AnyArray, h_eve: AnyArray, options: Options) -> Strategy:
        from jaxsec import cdm, pretrained  # flax, which the classical designs do without

        model = pretrained.load(weights(options))
        _check_beams(options, model.num_noise_beams)
        strategy = cdm.design(
            model,
            _key(options),
            h_user,
            h_eve,
            1.0,
            num_samples=options.num_samples,
            num_steps=options.ddim_steps or cdm.DEFAULT_STEPS,
        )
        if options.refine:
            strategy = gpip.refine(strategy, h_user, h_eve, 1.0, num_steps=options.refine)
        return strategy

    return designer


def _robust(h_user: AnyArray, h_eve: AnyArray, options: Options) -> Strategy:
    from jaxsec import cdm, pretrained, robust

    model = pretrained.load("cdm-f-robust")
    _check_beams(options, model.num_noise_beams)
    checks.require(
        options.refine == 0 or options.csi_error == 0.0,
        f"`refine` must be 0 where `csi_error` is not: OPT's iteration trusts the channels, but is "
        f"{options.refine}",
    )
    strategy = robust.design(
        model,
        _key(options),
        PROGRAMS.get(_known, (h_user, h_eve), csi_error=options.csi_error)(h_user, h_eve),
        1.0,
        num_samples=options.num_samples,
        num_steps=options.ddim_steps or cdm.DEFAULT_STEPS,
    )
    if options.refine:
        strategy = gpip.refine(strategy, h_user, h_eve, 1.0, num_steps=options.refine)
    return strategy


def _key(options: Options) -> Key[Array, ""]:
    return jax.random.key(0) if options.key is None else options.key


def _check_beams(options: Options, wanted: int) -> None:
    given = options.num_noise_beams
    checks.require(
        given in (None, wanted),
        f"`num_noise_beams` must be {wanted} for a diffusion model, but is {given}",
    )


def _beams(options: Options) -> int:
    given = options.num_noise_beams
    return DEFAULT_NOISE_BEAMS if given is None else given


METHODS: dict[str, Designer] = {
    "mrt": _for_users(_mrt),
    "zf": _for_users(_zf),
    "rzf": _for_users(_rzf),
    "rzf-ns": _rzf_ns,
    "rzf-ns-aimed": _rzf_ns_aimed,
    "opt-plain": _opt_plain,
    "opt": _opt,
    "opt-loaded": _opt_loaded,
    "cdm": _generative(lambda options: f"cdm-{options.denoiser}"),
    "cdm-mlp": _generative(lambda options: "cdm-mlp"),
    "cdm-f": _generative(lambda options: "cdm-f"),
    "cdm-f-robust": _robust,
}
"""Every method by its name on the command line."""


def design(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    method: str = "opt",
    *,
    key: Key[Array, ""] | None = None,
    num_noise_beams: int | None = None,
    num_starts: int = 1,
    num_samples: int = 1,
    refine: int = 0,
    ddim_steps: int | None = None,
    denoiser: str = "set",
    csi_error: float = 0.0,
) -> Strategy:
    """Beams and artificial noise for given channels, by any method of the library.

    Args:
      h_user, h_eve: channels, complex and finite; L = 0 is allowed. Of NumPy's complex128 the
        whole range serves: they are divided by the noise in float64.
      noise_power: σ0²/P, a positive scalar or one a channel.
      method: a name in `METHODS`.
      key: for methods that draw random numbers; a fixed key by default, so that the same call
        gives the same design.
      num_noise_beams: J; by default 2, or the whole null space (M − K) for "rzf-ns".
      num_starts: starts of "opt", the best kept.
      num_samples: candidates of a diffusion model, the best by true rate kept.
      refine: steps of OPT's iteration on what a diffusion model has made.
      ddim_steps: sampling steps of a diffusion model; 4 by default.
      denoiser: network of "cdm", "set" or "unet"; the second serves K = 2 and L = 4 only.
      csi_error: error variance of `h_user` and `h_eve`, which are estimates as
        `estimate_channels` makes them; heeded by "opt-loaded" and "cdm-f-robust".

    Returns:
      w [..., M, K] and v [..., M, J] with ‖w‖² + ‖v‖² = 1.

    Raises:
      InputError: an unknown method, an option out of range, channels that are malformed, not
        finite or without noise, more users or eavesdroppers than the method can serve, or no
        finite beams for some channel. Under a transformation of JAX values are not checked.
    """
    checks.require(
        method in METHODS, f"`method` must be one of {', '.join(METHODS)}, but is {method!r}"
    )
    checks.check_channels(h_user, h_eve, noise_power)
    h_user, h_eve = _over_noise(h_user, h_eve, noise_power)
    options = Options(
        key=key,
        num_noise_beams=num_noise_beams,
        num_starts=num_starts,
        num_samples=num_samples,
        refine=refine,
        ddim_steps=ddim_steps,
        denoiser=denoiser,
        csi_error=csi_error,
    )
    strategy = METHODS[method](h_user, h_eve, options)
    if not any(isinstance(x, Tracer) for x in strategy):
        checks.check_designed(method, *strategy, batch_axes=strategy.w.ndim - 2)
    return strategy


def _over_noise(
    h_user: AnyArray, h_eve: AnyArray, noise_power: ArrayLike
) -> tuple[AnyArray, AnyArray]:
    """The channels over the noise amplitude, once for all; checked where they are concrete."""
    if any(isinstance(x, Tracer) for x in (h_user, h_eve, noise_power)):
        return over_noise(h_user, noise_power), over_noise(h_eve, noise_power)
    checks.check_finite("h_user", h_user)
    checks.check_finite("h_eve", h_eve)
    batch = jnp.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2])
    checks.check_noise_power(noise_power, batch)
    channels = normalise(Channels(h_user, h_eve, np.asarray(noise_power)))
    return channels.h_user, channels.h_eve

"""The methods of `jaxsec.design`, a type each, and the table of their names.

    jaxsec.design(channels, method=Gpip(num_starts=8))
    jaxsec.design(channels, method="opt", num_starts=8)  # the same

A method is a frozen dataclass: its fields are its options, the only ones that it heeds, and calling
it with a key and channels designs. `METHODS` gives every name on the command line its type and the
fields that the name fixes. A new designer joins the table, and with it the property tests, the
command line and the comparison.
"""

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Bool, Float, Int, Key

from jaxsec import checks
from jaxsec.channels import Channels, knowledge
from jaxsec.precoding import gpip, linear
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.strategy import Strategy

DEFAULT_NOISE_BEAMS = 2
"""J where a method does not fix it; in P1's scenario more noise beams gain next to nothing."""
DENOISERS = ("set", "unet")
"""Networks that "cdm" is shipped with."""


class Designed(NamedTuple):
    """What a method has found, and how; None where it has no such thing."""

    strategy: Strategy
    iterations: Int[Array, "..."] | None = None
    """Step that found the design; 0 if its start was not improved."""
    residual: Float[Array, "..."] | None = None
    """‖B⁻¹(A − B)f‖ at the last step of a power iteration; 0 at a stationary point."""
    converged: Bool[Array, "..."] | None = None
    """Whether the residual is within the iteration's tolerance."""
    candidate_rates: Float[Array, "... S"] | None = None
    """What each of a diffusion model's S candidates was worth to the choice, bit/s/Hz."""


@runtime_checkable
class Method(Protocol):
    """A designer of beams and artificial noise, with its options."""

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        """Designs for channels of any leading batch shape; `key` is for what is drawn."""
        ...


@dataclasses.dataclass(frozen=True)
class Mrt:
    """Maximum-ratio transmission without artificial noise (`precoding.linear.mrt`)."""

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return _without_noise(_compiled(linear.mrt, channels.h_user))


@dataclasses.dataclass(frozen=True)
class Zf:
    """Zero-forcing without artificial noise (`precoding.linear.zf`)."""

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return _without_noise(_compiled(linear.zf, channels.h_user))


@dataclasses.dataclass(frozen=True)
class Rzf:
    """Regularised zero-forcing without artificial noise (`precoding.linear.rzf`)."""

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return _without_noise(_compiled(linear.rzf, channels.h_user, channels.noise_power))


@dataclasses.dataclass(frozen=True)
class RzfNs:
    """RZF-NS: regularised zero-forcing and null-space noise (`precoding.linear.rzf_ns`).

    Raises:
      InputError: an option is out of its range.
    """

    signal_fraction: float | None = None
    """Share of the power for data; by default searched for every channel."""
    num_noise_beams: int | None = None
    """J, noise beams aimed at the eavesdroppers; by default the whole null space, M-K."""

    def __post_init__(self) -> None:
        if self.signal_fraction is not None:
            checks.check_fraction("signal_fraction", self.signal_fraction)
        if self.num_noise_beams is not None:
            checks.check_at_least("num_noise_beams", self.num_noise_beams, 0)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return Designed(_compiled(linear.rzf_ns, *channels, **dataclasses.asdict(self)))


@dataclasses.dataclass(frozen=True)
class Gpip:
    """OPT: annealed and searched generalised power iteration (`precoding.gpip.opt`).

    Raises:
      InputError: an option is out of its range.
    """

    num_starts: int = 1
    """Starting points of the iteration, of which the best result is kept."""
    num_noise_beams: int = DEFAULT_NOISE_BEAMS
    """J, noise beams."""
    num_steps: int = gpip.DEFAULT_STEPS
    """Steps of the power iteration."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_starts", self.num_starts, 1)
        checks.check_at_least("num_noise_beams", self.num_noise_beams, 0)
        checks.check_at_least("num_steps", self.num_steps, 1)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        found = gpip.opt(
            *channels,
            num_noise_beams=self.num_noise_beams,
            num_starts=self.num_starts,
            key=key if self.num_starts > 1 else None,
            smoothing=gpip.annealing(self.num_steps),
        )
        return _iterated(found)


@dataclasses.dataclass(frozen=True)
class LoadedGpip(Gpip):
    """OPT on channels scaled so that their error counts as noise (`knowledge.diagonal_loading`).

    Raises:
      InputError: an option is out of its range.
    """

    csi_error: float = 0.0
    """Error variance of the channels that the method is given, in [0, 1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_error(self.csi_error)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        return super().__call__(key, _compiled(_loaded, *channels, csi_error=self.csi_error))


@dataclasses.dataclass(frozen=True)
class PlainGpip:
    """The literature's power iteration: fixed smoothing, full steps (`precoding.gpip.plain_gpip`).

    Raises:
      InputError: an option is out of its range.
    """

    num_noise_beams: int = DEFAULT_NOISE_BEAMS
    """J, noise beams."""
    num_steps: int = gpip.PLAIN_STEPS
    """Steps of the power iteration."""
    smoothing: float = gpip.PLAIN_SMOOTHING
    """Of the maximum over eavesdroppers, bit/s/Hz."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_noise_beams", self.num_noise_beams, 0)
        checks.check_at_least("num_steps", self.num_steps, 1)
        checks.check_positive("smoothing", self.smoothing)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return _iterated(gpip.plain_gpip(*channels, **dataclasses.asdict(self)))


@dataclasses.dataclass(frozen=True)
class Diffusion:
    """CDM: candidates of a diffusion model, the best kept (`jaxsec.cdm.design`).

    Raises:
      InputError: an option is out of its range, or there is no such model.
    """

    model: str = "cdm-f"
    """A shipped model (`cdm.pretrained`), "cdm" for the one of `denoiser`, or a .npz file."""
    num_samples: int = 1
    """Candidates that a diffusion model samples for a channel, of which the best is kept."""
    refine: int = 0
    """Steps of opt's iteration on what a diffusion model has sampled."""
    ddim_steps: int = 4
    """Sampling steps of a diffusion model."""
    denoiser: Literal["set", "unet"] = "set"
    """Network of cdm: set for any K and L up to 8, unet for K=2 and L=4."""

    def __post_init__(self) -> None:
        checks.require(
            self.denoiser in DENOISERS,
            f"`denoiser` must be one of {', '.join(DENOISERS)}, but is {self.denoiser!r}",
        )
        checks.require(
            self.model == "cdm" or self.denoiser == "set",
            f"`denoiser` is for the model 'cdm', but `model` is {self.model!r}",
        )
        checks.check_at_least("num_samples", self.num_samples, 1)
        checks.check_at_least("refine", self.refine, 0)
        checks.check_at_least("ddim_steps", self.ddim_steps, 1)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        from jaxsec.cdm import designer  # flax, which the classical designs do without

        strategy, rates = designer.candidates(
            key,
            self.weights(),
            *channels,
            num_samples=self.num_samples,
            num_steps=self.ddim_steps,
        )
        return _refined(strategy, channels, self.refine)._replace(candidate_rates=rates)

    def weights(self) -> Any:
        """The model, read from its file."""
        from jaxsec.cdm import file, pretrained

        name = f"cdm-{self.denoiser}" if self.model == "cdm" else self.model
        return file.load(name) if name.endswith(".npz") else pretrained.load(name)


@dataclasses.dataclass(frozen=True)
class RobustDiffusion:
    """CDM told how far off its channels are (`cdm.robust.design`).

    Raises:
      InputError: an option is out of its range.
    """

    csi_error: float = 0.0
    """Error variance of the channels that the method is given, in [0, 1)."""
    num_samples: int = 1
    """Candidates that a diffusion model samples for a channel, of which the best is kept."""
    refine: int = 0
    """Steps of opt's iteration on what a diffusion model has sampled."""
    ddim_steps: int = 4
    """Sampling steps of a diffusion model."""

    def __post_init__(self) -> None:
        _check_error(self.csi_error)
        checks.check_at_least("num_samples", self.num_samples, 1)
        checks.check_at_least("refine", self.refine, 0)
        checks.check_at_least("ddim_steps", self.ddim_steps, 1)
        checks.require(
            self.refine == 0 or self.csi_error == 0.0,
            "`refine` must be 0 where `csi_error` is not: OPT's iteration trusts the channels, but "
            f"is {self.refine}",
        )

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        from jaxsec.cdm import pretrained, robust

        links = channels.h_user, channels.h_eve
        known = _compiled(_estimated, *links, csi_error=self.csi_error)
        strategy, rates = robust.candidates(
            key,
            pretrained.load("cdm-f-robust"),
            known,
            channels.noise_power,
            num_samples=self.num_samples,
            num_steps=self.ddim_steps,
        )
        return _refined(strategy, channels, self.refine)._replace(candidate_rates=rates)


class Row(NamedTuple):
    """A name of `METHODS`."""

    method: type[Any]
    fixed: Mapping[str, Any] = {}
    """Options that the name fixes."""
    defaults: Mapping[str, Any] = {}
    """Options whose default differs from the type's."""

    @property
    def options(self) -> tuple[str, ...]:
        """The options that the method heeds."""
        fields = dataclasses.fields(self.method)
        return tuple(field.name for field in fields if field.name not in self.fixed)


def _shipped(name: str) -> Row:
    return Row(Diffusion, {"model": name, "denoiser": "set", "num_noise_beams": 2})


METHODS: dict[str, Row] = {
    "mrt": Row(Mrt),
    "zf": Row(Zf),
    "rzf": Row(Rzf),
    "rzf-ns": Row(RzfNs),
    "rzf-ns-aimed": Row(RzfNs, defaults={"num_noise_beams": DEFAULT_NOISE_BEAMS}),
    "opt-plain": Row(PlainGpip),
    "opt": Row(Gpip),
    "opt-loaded": Row(LoadedGpip),
    "cdm": Row(Diffusion, {"model": "cdm", "num_noise_beams": 2}),
    "cdm-mlp": _shipped("cdm-mlp"),
    "cdm-antenna": _shipped("cdm-antenna"),
    "cdm-f": _shipped("cdm-f"),
    "cdm-f-robust": Row(RobustDiffusion, {"num_noise_beams": 2}),
}
"""Every method by its name on the command line."""

NEUTRAL: Mapping[str, Any] = {
    "num_starts": 1,
    "num_samples": 1,
    "refine": 0,
    "csi_error": 0.0,
    "denoiser": "set",
}
"""Values at which an option asks for nothing: no contradiction where it is not heeded."""


def make(method: str | Method, **options: Any) -> Method:
    """The method of a name, with its options.

    Args:
      method: a name in `METHODS`, a .npz file of a diffusion model, or a method as it is.
      options: fields of its type; None stands for the method's own.

    Raises:
      InputError: there is no such method, it does not heed an option, or an option is out of its
        range.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if not isinstance(method, str):
        checks.require(
            isinstance(method, Method),
            f"`method` must be a name or a method such as Gpip(), but is {method!r}",
        )
        checks.require(
            not given,
            f"`{next(iter(given), None)}` must be a field of `method` where that is no name, "
            f"as in {type(method).__name__}(...)",
        )
        return method
    row = _shipped(method) if method.endswith(".npz") else METHODS.get(method)
    if row is None:
        raise checks.InputError(
            f"`method` must be one of {', '.join(METHODS)}, or a .npz file, but is {method!r}"
        )
    for name in given:
        _check_heeded(method, row, name, given[name])
    own = {field.name for field in dataclasses.fields(row.method)}
    values = {**row.defaults, **given, **row.fixed}
    return row.method(**{name: value for name, value in values.items() if name in own})


def heeded_by(option: str) -> tuple[str, ...]:
    """Names of the methods that heed an option."""
    return tuple(name for name, row in METHODS.items() if option in row.options)


def _check_heeded(method: str, row: Row, option: str, value: Any) -> None:
    known = heeded_by(option)
    checks.require(bool(known), f"there is no option `{option}` of any method")
    if option in row.options:
        return
    wanted = row.fixed.get(option, NEUTRAL.get(option))
    checks.require(
        wanted is not None and value == wanted,
        f"`{option}` is not heeded by method {method!r}, but by {', '.join(known)}"
        + (f" (here it is {wanted!r})" if option in row.fixed else "")
        + f"; it is {value!r}",
    )


def _check_error(csi_error: float) -> None:
    checks.require(0.0 <= csi_error < 1.0, f"`csi_error` must lie in [0, 1), but is {csi_error}")


def _compiled(fn: Callable[..., Any], *args: Any, **static: Hashable) -> Any:
    """`fn` of arrays and of options by name, as a program that is dropped when it is not used."""
    return PROGRAMS.get(fn, args, **static)(*args)


def _estimated(h_user: Any, h_eve: Any, *, csi_error: float) -> knowledge.Posterior:
    return knowledge.estimated(h_user, h_eve, csi_error)


def _loaded(h_user: Any, h_eve: Any, noise_power: Any, *, csi_error: float) -> Channels:
    known = knowledge.estimated(h_user, h_eve, csi_error)
    return knowledge.diagonal_loading(known, noise_power)


def _without_noise(w: Array) -> Designed:
    return Designed(Strategy(w, w[..., :0]))


def _iterated(found: gpip.GpipResult) -> Designed:
    info = found.info
    return Designed(found.strategy, info.iterations, info.residual, info.converged)


def _refined(strategy: Strategy, channels: Channels, num_steps: int) -> Designed:
    if num_steps == 0:
        return Designed(strategy)
    return Designed(gpip.refine(strategy, *channels, num_steps=num_steps))

"""Options that commands share, and the checks of their values."""

import dataclasses
from typing import Annotated, Any, Literal, TypeVar

import tyro

from jaxsec import checks, methods
from jaxsec.channels import Scenario

METHODS = tuple(methods.METHODS)
Config = TypeVar("Config")


@dataclasses.dataclass(frozen=True)
class ScenarioOptions(Scenario):
    """The fields of `Scenario` as options; checked by `scenario`, not while they are parsed."""

    def __post_init__(self) -> None:
        pass

    def scenario(self) -> Scenario:
        """The checked scenario."""
        return Scenario(**dataclasses.asdict(self))


@dataclasses.dataclass(frozen=True)
class MethodOptions:
    """What methods can be told; each heeds what means something to it."""

    num_noise_beams: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """J, noise beams. None is each method's own: 2, or M-K for rzf-ns."""
    num_starts: int = 1
    """Starting points for opt, of which the best result is kept."""
    num_samples: int = 1
    """Candidates that a diffusion model samples for a channel, of which the best is kept."""
    refine: int = 0
    """Steps of opt's iteration on what a diffusion model has sampled."""
    ddim_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Sampling steps of a diffusion model. None is 4."""
    denoiser: Literal["set", "unet"] = "set"
    """Network of cdm: set for any K and L up to 8, unet for K=2 and L=4."""
    csi_error: float = 0.0
    """Error variance of the channels that methods are given, for opt-loaded and cdm-f-robust."""

    def check(self) -> None:
        """Raises `InputError`, naming the option, where a count is out of range."""
        for name, least in (
            ("num_noise_beams", 0),
            ("num_starts", 1),
            ("num_samples", 1),
            ("refine", 0),
            ("ddim_steps", 1),
        ):
            value = getattr(self, name)
            if value is not None:
                checks.check_at_least(f"--{name.replace('_', '-')}", value, least)
        checks.require(
            0.0 <= self.csi_error < 1.0,
            f"`--csi-error` must lie in [0, 1), but is {self.csi_error}",
        )


def check_seed(seed: int) -> None:
    """The seed must fit 32 bits."""
    checks.require(0 <= seed < 2**32, f"`--seed` must lie in [0, 2**32), but is {seed}")


def check_method(option: str, method: str) -> None:
    """The method must be a row of `methods.METHODS`."""
    checks.require(
        method in METHODS, f"`{option}` must be one of {', '.join(METHODS)}, but is {method!r}"
    )


def configure(kind: type[Config], command: Any, *besides: str) -> Config:
    """A configuration from the options of a command that have the names of its fields.

    Args:
      kind: a dataclass; fields that the command has no option for keep their defaults.
      command: the parsed command.
      besides: names of all its options that are no field of the configuration.

    Raises:
      TypeError: an option is neither a field nor named in `besides`, so that nothing would heed it.
      InputError: a value is out of its range.
    """
    fields = {field.name for field in dataclasses.fields(kind)}  # pyright: ignore
    options = {field.name: getattr(command, field.name) for field in dataclasses.fields(command)}
    unheeded = sorted(options.keys() - fields - set(besides))
    missing = sorted(set(besides) - options.keys())
    if unheeded or missing:
        raise TypeError(f"options that nothing heeds: {unheeded}; that do not exist: {missing}")
    return kind(**{name: value for name, value in options.items() if name in fields})

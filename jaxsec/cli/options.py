"""Options that commands share, and the checks of their values."""

import dataclasses
import os
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxsec import checks, methods
from jaxsec.channels import Scenario
from jaxsec.files.archive import check_writable

METHODS = tuple(methods.METHODS)


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


def check_outputs(inputs: tuple[Path, ...], *outputs: tuple[Path | None, tuple[str, ...]]) -> None:
    """Every output, with the endings it may have, can be written and replaces no other file."""
    taken = {os.path.realpath(path) for path in inputs}
    for path, endings in outputs:
        if path is None:
            continue
        check_writable(path, endings)
        real = os.path.realpath(path)
        checks.require(real not in taken, f"{path}: is already an input or output of this command")
        taken.add(real)

"""Methods that sample from a diffusion model."""

import dataclasses
from typing import Any, Literal

from jaxtyping import Array, Key

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.channels.knowledge import Posterior, exact
from jaxsec.methods.method import Designed, only_mean
from jaxsec.precoding import gpip
from jaxsec.secrecy import OverDraws
from jaxsec.strategy import Strategy

DENOISERS = ("set", "unet")
"""Networks that "cdm" is shipped with."""


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

    num_samples: int = 1
    """Candidates that a diffusion model samples for a channel, of which the best is kept."""
    refine: int = 0
    """Steps of opt's iteration on what a diffusion model has sampled."""
    ddim_steps: int = 4
    """Sampling steps of a diffusion model."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_samples", self.num_samples, 1)
        checks.check_at_least("refine", self.refine, 0)
        checks.check_at_least("ddim_steps", self.ddim_steps, 1)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        found = self._sampled(key, exact(channels.h_user, channels.h_eve))
        refined = _refined(found.strategy, channels, self.refine)
        return refined._replace(candidate_rates=found.candidate_rates)

    def given(self, key: Key[Array, ""], known: Posterior, objective: OverDraws) -> Designed:
        only_mean("cdm-f-robust", objective)
        checks.require(
            self.refine == 0,
            "`refine` must be 0 where channels are not known exactly: OPT's iteration trusts them, "
            f"but is {self.refine}",
        )
        return self._sampled(key, known)

    def _sampled(self, key: Key[Array, ""], known: Posterior) -> Designed:
        from jaxsec.cdm import pretrained, robust

        strategy, rates = robust.candidates(
            key,
            pretrained.load("cdm-f-robust"),
            known,
            1.0,
            num_samples=self.num_samples,
            num_steps=self.ddim_steps,
        )
        return Designed(strategy, candidate_rates=rates)


def _refined(strategy: Strategy, channels: Channels, num_steps: int) -> Designed:
    if num_steps == 0:
        return Designed(strategy)
    return Designed(gpip.refine(strategy, *channels, num_steps=num_steps))

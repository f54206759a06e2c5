"""Methods that sample from a diffusion model."""

import dataclasses
import functools
import os
from typing import Any, ClassVar, Literal

import jax
from jaxtyping import Array, Key

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.channels.knowledge import Posterior
from jaxsec.methods.method import Designed
from jaxsec.precoding import gpip
from jaxsec.precoding.first_order.refine import refine as ascend_from
from jaxsec.precoding.robust import refine
from jaxsec.secrecy import Objective, Outage, OverDraws, PowerConstraint
from jaxsec.strategy import Strategy

SHIPPED = {
    "cdm": {"set": "cdm-set", "unet": "cdm-unet"},
    "cdm-f": {"set": "cdm-f", "unet": "cdm-f-unet"},
}
"""Models that are shipped with more than one network, and their weights by the network."""


@dataclasses.dataclass(frozen=True)
class Diffusion:
    """CDM: candidates of a diffusion model, the best kept (`jaxsec.cdm.design`).

    Models are trained for the sum secrecy rate at total power. What else is asked for chooses among
    the same candidates, scaled to the power constraint, and RZF-NS; and refines the one chosen.

    Raises:
      InputError: an option is out of its range, or there is no such model.
    """

    trained_for: ClassVar[str] = "the sum secrecy rate at total power"
    """Whatever a design is asked for."""

    model: str = "cdm"
    """A shipped model (`cdm.pretrained`), of "cdm" and "cdm-f" that of `denoiser`, or a .npz
    file."""
    num_samples: int = 1
    """Candidates that a diffusion model samples for a channel, of which the best is kept."""
    refine: int = 0
    """Steps of opt's iteration, or of its ascent for another objective or power constraint, on what
    a diffusion model has sampled."""
    ddim_steps: int | None = None
    """Sampling steps of a diffusion model, by default 4; of `cdm-f` 1."""
    denoiser: Literal["set", "unet"] = "set"
    """Network of cdm and cdm-f: set for any K and L up to 8, unet for K=2 and L=4."""

    def __post_init__(self) -> None:
        networks = SHIPPED["cdm"]
        checks.require(
            self.denoiser in networks,
            f"`denoiser` must be one of {', '.join(networks)}, but is {self.denoiser!r}",
        )
        checks.require(
            self.model in SHIPPED or self.denoiser == "set",
            f"`denoiser` is for the models {' and '.join(SHIPPED)}, but `model` is {self.model!r}",
        )
        checks.check_at_least("num_samples", self.num_samples, 1)
        checks.check_at_least("refine", self.refine, 0)
        if self.ddim_steps is not None:
            checks.check_at_least("ddim_steps", self.ddim_steps, 1)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        from jaxsec.cdm import designer  # flax, which the classical designs do without

        strategy, rates = designer.candidates(key, self.weights(), *channels, **self._sampling())
        return _refined(strategy, channels, self.refine)._replace(candidate_rates=rates)

    def aimed(
        self,
        key: Key[Array, ""],
        channels: Channels,
        objective: Objective,
        power: PowerConstraint,
    ) -> Designed:
        """Candidates chosen by the objective under the constraint, and refined by it."""
        from jaxsec.cdm import designer

        rows: Any = {"objective": objective, "constraint": power}
        strategy, values = designer.candidates(
            key, self.weights(), *channels, **self._sampling(), **rows
        )
        if self.refine:
            strategy = ascend_from(strategy, *channels, num_steps=self.refine, **rows)
        return Designed(strategy, candidate_rates=values)

    def weights(self) -> Any:
        """The model, read from its file once."""
        from jaxsec.cdm import pretrained

        name = SHIPPED[self.model][self.denoiser] if self.model in SHIPPED else self.model
        if not name.endswith(".npz"):
            return pretrained.load(name)
        written = os.stat(name).st_mtime_ns if os.path.exists(name) else None
        return _read(os.path.abspath(name), written)

    def _sampling(self) -> dict[str, Any]:
        """How candidates are made."""
        return {"num_samples": self.num_samples, "num_steps": self.ddim_steps}


@dataclasses.dataclass(frozen=True)
class RobustDiffusion(Diffusion):
    """CDM told how far off its channels are, and what is asked for (`cdm.robust.design`).

    Or the same network without diffusion, of one call and no noise, where the model is one
    ("setnet-robust"): it does not sample, so that there are no candidates but RZF-NS.

    Raises:
      InputError: an option is out of its range, or there is no such model.
    """

    model: str = "cdm-f"
    """A shipped model that is told errors, or a .npz file."""
    refine: int = 0
    """Steps of opt's iteration, or of opt-robust's, on what a diffusion model has sampled."""
    fallback: bool = True
    """Whether designs that are not generated, of rzf-ns or a short run of opt, are candidates too.
    Without them one sample is what the network generates, as it is."""

    def given(self, key: Key[Array, ""], known: Posterior, objective: OverDraws) -> Designed:
        from jaxsec.cdm import robust

        key, key_steps = jax.random.split(key)
        how = {**self._sampling(), "refined": self.refine > 0}
        strategy, rates = robust.candidates(
            key, self.weights(), known, 1.0, objective=objective, **how
        )
        if self.refine:
            options: Any = {"objective": objective, "num_steps": self.refine}
            if self.fallback and isinstance(objective, Outage):
                options["margin"] = robust.margin(rates)
            strategy = refine(key_steps, strategy, known, 1.0, **options)
        judged = self.fallback or self.num_samples > 1
        return Designed(strategy, candidate_rates=rates if judged else None)

    def _sampling(self) -> dict[str, Any]:
        return {**super()._sampling(), "fallback": self.fallback}


def _refined(strategy: Strategy, channels: Channels, num_steps: int) -> Designed:
    if num_steps == 0:
        return Designed(strategy)
    return Designed(gpip.refine(strategy, *channels, num_steps=num_steps))


@functools.lru_cache(maxsize=4)
def _read(path: str, written: int | None) -> Any:
    """The model of a file as it was written then."""
    from jaxsec.cdm import file

    del written
    return file.load(path)

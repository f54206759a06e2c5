"""What a method is, and what it gives back."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Bool, Float, Int, Key

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.channels.knowledge import Posterior
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.secrecy import MEAN, Objective, OverDraws, PowerConstraint
from jaxsec.strategy import Strategy


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
    """What each of a diffusion model's S candidates was worth to the choice: samples first, then
    designs that were candidates beside them; in bit/s/Hz, or as the objective."""


@runtime_checkable
class Method(Protocol):
    """A designer of beams and artificial noise, with its options."""

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        """Designs for channels of any leading batch shape; `key` is for what is drawn."""
        ...


@runtime_checkable
class Knowing(Protocol):
    """A method that can use what is known of channels beside their means.

    One that can also use an error's covariance says so: `takes_directions` is True.
    """

    def given(self, key: Key[Array, ""], known: Posterior, objective: OverDraws) -> Designed:
        """Designs for an objective over the channels that what is known leaves possible.

        Args:
          key: for what is drawn.
          known: over the receiver noise, of any leading batch shape.
          objective: over draws.
        """
        ...


@runtime_checkable
class Aiming(Protocol):
    """A method that can be asked for any objective under any power constraint."""

    def aimed(
        self,
        key: Key[Array, ""],
        channels: Channels,
        objective: Objective,
        power: PowerConstraint,
    ) -> Designed:
        """Designs for channels that are known exactly.

        Args:
          key: for what is drawn.
          channels: over the receiver noise, of any leading batch shape.
          objective: a row of `secrecy.OBJECTIVES`.
          power: a row of `secrecy.POWERS`.
        """
        ...


def only_mean(name: str, objective: OverDraws) -> None:
    """Refuses what a method that knows no objective but the mean cannot be asked for."""
    checks.require(
        objective == MEAN, f"method {name!r} designs for the mean, and `objective` is {objective}"
    )


def compiled(fn: Callable[..., Any], *args: Any, **static: Any) -> Any:
    """`fn` of arrays and of options by name, as a program that is dropped when it is not used."""
    return PROGRAMS.get(fn, args, **static)(*args)

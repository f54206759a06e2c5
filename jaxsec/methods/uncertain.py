"""Methods without learning for channels that are not known exactly (`precoding.robust`)."""

import dataclasses
from typing import ClassVar

from jaxtyping import Array, Key

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.channels.knowledge import Posterior, exact
from jaxsec.methods.method import Designed
from jaxsec.precoding.robust import design, rzf_ns_robust, stochastic_gpip
from jaxsec.secrecy import MEAN, OverDraws


@dataclasses.dataclass(frozen=True)
class RobustRzfNs:
    """RZF-NS with powers of data, aimed and isotropic noise searched on draws (`rzf_ns_robust`)."""

    takes_directions: ClassVar[bool] = True
    """Errors may have a covariance."""

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        return self.given(key, exact(channels.h_user, channels.h_eve), MEAN)

    def given(self, key: Key[Array, ""], known: Posterior, objective: OverDraws) -> Designed:
        return Designed(rzf_ns_robust(key, known, 1.0, objective=objective))


@dataclasses.dataclass(frozen=True)
class StochasticGpip:
    """Robust OPT: power iteration on fresh draws of the channels (`stochastic_gpip`).

    Raises:
      InputError: an option is out of its range.
    """

    takes_directions: ClassVar[bool] = True
    """Errors may have a covariance."""

    num_steps: int = design.DEFAULT_STEPS
    """Steps of the power iteration."""
    num_draws: int = design.DEFAULT_DRAWS
    """Fresh draws of the channels at every step."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_steps", self.num_steps, 1)
        checks.check_at_least("num_draws", self.num_draws, 1)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        return self.given(key, exact(channels.h_user, channels.h_eve), MEAN)

    def given(self, key: Key[Array, ""], known: Posterior, objective: OverDraws) -> Designed:
        options = dataclasses.asdict(self)
        return Designed(stochastic_gpip(key, known, 1.0, objective=objective, **options))

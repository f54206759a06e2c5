"""What a policy is to the trainer: four functions of arrays.

Shapes: B states, O entries of an observation, A of an action.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Float, Key

from jaxsec.diffusion.process import Schedule
from jaxsec.rl.denoising import Examples

Value = Callable[[Float[Array, "B A"]], Float[Array, "B"]]
"""How good actions are in the states of a batch: a critic, or the environment itself."""

Mean = Callable[[Array], Array]
"""Of a batch's statistic, over all devices."""


class Loss(NamedTuple):
    """What an actor makes small, and what to watch."""

    loss: Float[Array, ""]
    metrics: dict[str, Float[Array, ""]]


@runtime_checkable
class Policy(Protocol):
    """A policy's networks; parameters and randomness are given to it. A value, and hashable."""

    @property
    def observation_size(self) -> int:
        """O."""
        ...

    @property
    def action_size(self) -> int:
        """A."""
        ...

    def init(self, key: Key[Array, ""]) -> Any:
        """Fresh parameters."""
        ...

    def noise(self, key: Key[Array, ""], batch: int) -> Any:
        """All randomness of the actions in `batch` states: an array, B its last axis but one."""
        ...

    def act(self, params: Any, noise: Any, observation: Float[Array, "B O"]) -> Float[Array, "B A"]:
        """An action in each state, in [-1, 1]."""
        ...

    def loss(
        self,
        params: Any,
        noise: Any,
        observation: Float[Array, "B O"],
        value: Value,
        mean: Mean,
    ) -> Loss:
        """Minus the mean value of the policy's actions, and what goes with it.

        Args:
          params: to be differentiated in.
          noise: of this policy, for B states.
          observation: of the states.
          value: of actions in them.
          mean: of a batch's statistics.
        """
        ...


@runtime_checkable
class Denoises(Policy, Protocol):
    """A policy that can learn to denoise actions that are given to it."""

    @property
    def schedule(self) -> Schedule:
        """Noise levels of its steps."""
        ...

    def denoising_loss(
        self, params: Any, observation: Float[Array, "B O"], examples: Examples
    ) -> Float[Array, ""]:
        """How far the network is from telling actions from noise.

        Args:
          params: to be differentiated in.
          observation: of B states.
          examples: actions in them.
        """
        ...

"""How a policy is trained: the hyperparameters of `jaxsec.rl`, checked."""

import dataclasses
import math
from typing import Any, Literal, get_args

from jaxsec import checks
from jaxsec.diffusion.chain import Bound, Prediction
from jaxsec.rl import table
from jaxsec.rl.actor_loss import ActorLoss
from jaxsec.rl.layout import Layout, Levels
from jaxsec.rl.moe import Specialist
from jaxsec.rl.policy import Denoises


@dataclasses.dataclass(frozen=True)
class Config:
    """How a policy is trained. Counts of slots and samples are those of all devices together.

    Raises:
      InputError: a number is out of its range, or the policy is unknown.
    """

    policy: str = "moe-gdm"
    """One of `jaxsec.rl.table.POLICIES`."""
    network: table.Network = "flat"
    """Of actor and critics: full layers; such as keep to the symmetries of the observation; such as
    also work out the interference that an action makes, where entries are levels of links; or such
    as also work out how it would change, from estimates where gains are observed with errors."""
    gradient: Literal["critic", "environment", "smooth"] = "critic"
    """What the actor climbs: learned critics, the reward itself, which has a gradient, or its
    smooth form, whose temperature falls by equal factors."""
    actor_loss: ActorLoss = "pathwise"
    """What the actor learns by: the gradient of an action's value through all that makes it; or, of
    a diffusion policy, denoising: of its own actions, weighted by their values; of the noise that
    the value's slope stands for (score); or of a teacher's actions, in jamming the optimiser's.
    Weighted, use `bound` hold: where a tanh is flat it stands still; by score, also `prediction`
    noise."""
    num_proposals: int = 8
    """Actions in a state, of which the weighted loss learns."""
    window: int = 1
    """Slots over which a reward is climbed, in those after the first of which the policy acts as it
    is: above 1 where actions move the state."""
    first_temperature: float = 1.0
    """Of the smooth reward before the first update."""
    last_temperature: float = 0.1
    """And at the end."""
    width: int = 128
    """Of the actor's layers."""
    critic_width: int = 256
    """Of the critics'."""
    num_steps: int = 6
    """Denoising steps."""
    num_experts: int = 3
    """Of a mixture."""
    num_selected: int = 1
    """Experts that act in a state."""
    load_balance_weight: float = 0.01
    """Of the term that keeps a mixture's experts in use alike."""
    shared_fraction: float = 0.7
    """Of a state's part in training, what all experts get alike; the rest is one's."""
    specialist: Specialist = "selected"
    """Whose that is: the expert's that the gate selects, or, where experts are to be candidates for
    the reward to choose from, the one's whose action is worth most in the state."""
    bound: Bound = "tanh"
    """How a diffusion policy keeps its actions to their range."""
    prediction: Prediction = "start"
    """What a denoiser puts out."""
    num_updates: int = 5000
    """Gradient updates in all."""
    num_slots: int = 256
    """Slots collected an update."""
    batch_size: int = 256
    """Transitions a batch; with the environment's own gradient, the slots of an update are it."""
    replay_size: int = 65536
    """Transitions remembered."""
    actor_learning_rate: float = 2e-3
    """The actor's largest learning rate; it falls as a cosine to zero."""
    critic_learning_rate: float = 2e-3
    """The critics'."""
    decay: Literal["cosine", "none"] = "cosine"
    """How learning rates fall."""
    optimiser: Literal["adam", "muon"] = "adam"
    """AdamW, or Muon for matrices and AdamW, with Nesterov's momentum, for the rest; at the same
    rates."""
    weight_decay: float = 0.0
    """Of either."""
    critic_warmup: int = 300
    """Updates in which critics learn and the actor waits."""
    discount: float = 0.0
    """Of the next slot's value."""
    tau: float = 0.005
    """Share of the newest parameters in those of the averaged actor and the target critics."""
    exploration: float = 0.15
    """Standard deviation of the noise on collected actions, the largest of that on proposals."""
    epsilon: float = 0.0
    """Share of the collected actions that are uniform instead, so that critics know of them too."""

    def __post_init__(self) -> None:
        layout = Layout(1, (0,), levels=Levels(nats=1.0, noise=0.0, reach=1.0))
        policy = table.make(self.policy, 1, 1, layout=layout, **self.policy_options())
        for name in ("critic_width", "num_updates", "num_slots", "batch_size", "replay_size"):
            checks.check_at_least(name, getattr(self, name), 1)
        checks.check_at_least("critic_warmup", self.critic_warmup, 0)
        checks.require(
            self.replay_size % self.num_slots == 0,
            f"`replay_size` must be a multiple of `num_slots` = {self.num_slots}, "
            f"but is {self.replay_size}",
        )
        checks.require(
            self.gradient in ("critic", "environment", "smooth"),
            f"`gradient` must be critic, environment or smooth, but is {self.gradient!r}",
        )
        checks.require(
            self.actor_loss in get_args(ActorLoss),
            f"`actor_loss` must be {', '.join(get_args(ActorLoss))}, but is {self.actor_loss!r}",
        )
        checks.require(
            self.actor_loss == "pathwise" or isinstance(policy, Denoises),
            f"`actor_loss` must be pathwise for all policies but gdm, but is {self.actor_loss!r} "
            f"for {self.policy!r}",
        )
        checks.check_at_least("num_proposals", self.num_proposals, 2)
        checks.check_at_least("window", self.window, 1)
        checks.require(
            self.actor_loss != "imitation" or (self.gradient, self.window) == ("environment", 1),
            "`actor_loss` imitation, of a teacher that knows the reward of a slot, must have "
            "`gradient` environment and `window` 1, "
            f"but has {self.gradient!r} and {self.window}",
        )
        checks.require(
            self.window == 1 or (self.gradient != "critic" and self.discount > 0),
            "`window` above 1 must have a `gradient` other than critic and a `discount` above 0, "
            f"but has {self.gradient!r} and {self.discount}",
        )
        for name in (
            "actor_learning_rate",
            "critic_learning_rate",
            "first_temperature",
            "last_temperature",
        ):
            checks.check_positive(name, getattr(self, name))
        for name in ("discount", "tau", "shared_fraction", "epsilon"):
            checks.check_fraction(name, getattr(self, name))
        for name in ("load_balance_weight", "weight_decay", "exploration"):
            value = getattr(self, name)
            checks.require(
                math.isfinite(value) and value >= 0,
                f"`{name}` must be finite and not negative, but is {value}",
            )
        checks.require(
            self.optimiser in ("adam", "muon"),
            f"`optimiser` must be adam or muon, but is {self.optimiser!r}",
        )
        checks.require(
            self.decay in ("cosine", "none"),
            f"`decay` must be cosine or none, but is {self.decay!r}",
        )

    def policy_options(self) -> dict[str, Any]:
        """What makes the policy's network, as `table.make` takes it."""
        names = (
            "width",
            "network",
            "num_steps",
            "num_experts",
            "num_selected",
            "load_balance_weight",
        )
        names += ("shared_fraction", "specialist", "bound", "prediction")
        return {name: getattr(self, name) for name in names}

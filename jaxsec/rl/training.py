"""Training of a policy on an environment, for several seeds at once, on all devices.

    training = Training(Config(policy="gdm"), environment)
    state = training.init(seeds=[0, 1])
    state, metrics = training.run(state, num_updates=100)
    actors = state.actor  # parameters; seeds lead

Collecting, replay and updates are one compiled loop (`jaxsec.rl.replica`). In most environments
here an action moves nothing, so that a slot's reward is all there is to value, and the discount is
0 unless asked for. It is to be near 1 where access points have batteries, for critics or for
rewards over a window of slots (`jaxsec.rl.window`).
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsec import checks
from jaxsec.rl import learner, parallel, turns
from jaxsec.rl.actor_loss import Teacher
from jaxsec.rl.config import Config
from jaxsec.rl.environment import Environment, Smooth
from jaxsec.rl.estimator import Shown
from jaxsec.rl.learner import Agent, Learner, Scale
from jaxsec.rl.policy import Denoises, Policy
from jaxsec.rl.replica import Task
from jaxsec.rl.turns import Turns
from jaxsec.rl.window import Unbroken


class State(NamedTuple):
    """A training after some updates; what can be read of it leads with seeds."""

    replicas: Any
    """All that is carried, in the layout of `jaxsec.rl.parallel`."""
    num_updates: int
    """Done so far."""

    @property
    def learner(self) -> Learner:
        """Networks and optimisers."""
        return parallel.first_device(self.replicas.learner)

    @property
    def actor(self) -> Any:
        """Parameters of the averaged actors, which act in the end."""
        return parallel.first_device(self.replicas.learner.ema)

    @property
    def critic(self) -> Any:
        """Parameters of the critics."""
        return parallel.first_device(self.replicas.learner.critic)

    @property
    def scale(self) -> Scale:
        """Of rewards, in which critics value; of a single environment."""
        return parallel.first_device(self.replicas.scale)


@dataclasses.dataclass(frozen=True)
class Training:
    """What is trained, and how. A value: an equal training finds what is compiled for this one.

    Raises:
      InputError: there are not as many devices, slots or batch do not divide by their number, or
        the environment has no smooth reward to be climbed, nor a teacher whose actions are to be
        imitated, or does not show what is to be estimated, or others cannot take turns with it.
    """

    config: Config
    environment: Environment
    devices: int = 0
    """How many to train on; 0 for all there are."""
    own_policy: Policy | None = None
    """Instead of the one that the configuration names."""
    teacher: Teacher | None = None
    """Whose actions are imitated, where the configuration says so."""
    others: tuple[Environment, ...] = ()
    """Of other sizes, which take turns with the environment, an update each (`jaxsec.rl.turns`)."""

    def __post_init__(self) -> None:
        checks.require(
            0 <= self.devices <= jax.device_count(),
            f"`devices` must lie in [0, {jax.device_count()}], all there are, "
            f"but is {self.devices}",
        )
        checks.require(
            self.config.gradient != "smooth"
            or all(isinstance(one, Smooth) for one in self.environments),
            "`gradient` must be critic or environment where the environment has no smooth reward, "
            "but is 'smooth'",
        )
        checks.require(
            self.config.window == 1 or all(isinstance(one, Unbroken) for one in self.environments),
            "`window` must be 1 where the environment cannot be followed without new starts, "
            f"but is {self.config.window}",
        )
        checks.require(
            self.config.actor_loss == "pathwise" or isinstance(self.policy, Denoises),
            "`own_policy` must have a denoising loss where `actor_loss` is "
            f"{self.config.actor_loss!r}",
        )
        checks.require(
            self.config.actor_loss != "imitation" or self.teacher is not None,
            "`teacher` must be given where `actor_loss` is imitation",
        )
        checks.require(
            not self.agent.estimates or isinstance(self.environment, Shown),
            "`network` must not be unfolded where the environment does not show the truth of what "
            "is observed with errors, but is",
        )
        checks.require(
            not self.agent.estimates or self.config.gradient != "critic",
            "`gradient` must be environment or smooth where what is observed with errors is "
            "estimated, whose truth is not remembered with a transition, but is "
            f"{self.config.gradient!r}",
        )
        if self.others:
            checks.require(
                self.own_policy is None, "`own_policy` must be None where there are `others`"
            )
            turns.check(self.config, self.environments)
        for name in ("num_slots", "batch_size", "replay_size"):
            count = getattr(self.config, name)
            checks.require(
                count % self.num_devices == 0,
                f"`{name}` must be a multiple of {self.num_devices}, the number of devices, "
                f"but is {count}",
            )

    @property
    def num_devices(self) -> int:
        """How many share the work."""
        return self.devices or jax.device_count()

    @property
    def environments(self) -> tuple[Environment, ...]:
        """The environment, and the others."""
        return (self.environment, *self.others)

    @property
    def agent(self) -> Agent:
        """What acts and judges, in the environment."""
        if self.own_policy is not None:
            return Agent(self.config, self.own_policy)
        return learner.make_agent(self.config, self.environment)

    @property
    def policy(self) -> Policy:
        """What acts."""
        return self.agent.policy

    @property
    def task(self) -> Task | Turns:
        """What every device is told."""
        task = Task(self.agent, self.environment, self.num_devices, self.teacher)
        if not self.others:
            return task
        agents = [learner.make_agent(self.config, one) for one in self.others]
        more = zip(agents, self.others, strict=True)
        return Turns((task, *(Task(agent, one, self.num_devices) for agent, one in more)))

    def init(self, seeds: Int[Any, "S"] | list[int], actor: Any = None) -> State:
        """Before the first update.

        Args:
          seeds: trained side by side.
          actor: parameters to begin with, seeds leading; fresh ones by default.

        Raises:
          InputError: `actor` has not the arrays of this policy's.
        """
        replicas = parallel.init(self.task, jnp.asarray(seeds))
        if actor is None:
            return State(replicas, 0)
        fresh = replicas.learner.actor
        wanted, given = (jax.tree.map(jnp.shape, x) for x in (parallel.first_device(fresh), actor))
        checks.require(
            wanted == given,
            f"`actor` must have the arrays of this policy's for {len(seeds)} seeds, {wanted}, "
            f"but has {given}",
        )
        begun = jax.tree.map(lambda old, new: jnp.broadcast_to(new[None], old.shape), fresh, actor)
        started = replicas.learner._replace(actor=begun, ema=jax.tree.map(jnp.copy, begun))
        return State(replicas._replace(learner=started), 0)

    def run(self, state: State, num_updates: int) -> tuple[State, dict[str, Float[Array, "S"]]]:
        """Goes on for some updates.

        Args:
          state: is used up.
          num_updates: to do now.

        Returns:
          The state after them, and metrics, means over the updates.
        """
        replicas, metrics = parallel.run(self.task, state.replicas, state.num_updates, num_updates)
        return State(replicas, state.num_updates + num_updates), metrics

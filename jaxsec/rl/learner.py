"""Actor and critics, and what they learn from a batch: pure functions of arrays.

    learner = init(agent, key)
    learner, metrics = update(agent, learner, scale, batch, noise, update_index)

The critics regress on the reward and, with a discount above 0, on the value of what the action led
to, by the averaged actor and slowly moving target critics (T. Lillicrap et al., Continuous control
with deep reinforcement learning, 2016); of twins the lower one counts (S. Fujimoto et al.,
Addressing Function Approximation Error in Actor-Critic Methods, 2018). The actor climbs what the
critics value, or the reward itself where that has a gradient, or learns from actions
(`jaxsec.rl.actor_loss`).

Shapes: B transitions, O entries of an observation, A of an action, V critics.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key

from jaxsec.rl import actor_loss, equivariant, estimator, table
from jaxsec.rl.chunks import by_chunks
from jaxsec.rl.config import Config
from jaxsec.rl.environment import Environment
from jaxsec.rl.layout import LaidOut, Layout
from jaxsec.rl.networks import Critic
from jaxsec.rl.policy import Loss, Mean, Policy, Value
from jaxsec.rl.replay import Transition


@dataclasses.dataclass(frozen=True)
class Agent:
    """What acts, what judges, and how both learn; parameters are given to it."""

    config: Config
    policy: Policy
    layout: Layout | None = None
    """Of observations, whose symmetries the critics keep to, and whose interference they work out
    where it has levels; None for flat ones."""

    @property
    def estimates(self) -> bool:
        """Whether the actor estimates what is observed with errors."""
        return self.layout is not None and self.layout.uncertain

    @property
    def critic(self) -> nn.Module:
        """V networks that value actions."""
        width, count = self.config.critic_width, table.num_values(self.config.policy)
        if self.layout is None:
            return Critic(width, count)
        return equivariant.Critic(self.layout, width, count)

    @property
    def actor_optimiser(self) -> optax.GradientTransformation:
        """Of the policy's parameters."""
        return self._optimiser(self.config.actor_learning_rate)

    @property
    def critic_optimiser(self) -> optax.GradientTransformation:
        """Of the critics'."""
        return self._optimiser(self.config.critic_learning_rate)

    def act(
        self, actor: Any, key: Key[Array, ""], observation: Float[Array, "B O"]
    ) -> Float[Array, "B A"]:
        """An action in each state, in [-1, 1]."""
        return self.act_with(actor, self.policy.noise(key, len(observation)), observation)

    def act_with(
        self, actor: Any, noise: Float[Array, "*T B D"], observation: Float[Array, "B O"]
    ) -> Float[Array, "B A"]:
        """The same with the policy's noise given."""
        act = functools.partial(self.policy.act, actor)
        return by_chunks(act, noise, observation)

    def noise(self, key: Key[Array, ""], batch: int) -> Any:
        """All randomness of an update on `batch` states."""
        config = self.config
        return actor_loss.noise(
            config.actor_loss,
            self.policy,
            key,
            batch,
            num_proposals=config.num_proposals,
            exploration=config.exploration,
        )

    def values(
        self, critic: Any, observation: Float[Array, "B O"], action: Float[Array, "B A"]
    ) -> Float[Array, "V B"]:
        """What every critic holds of actions, in scaled rewards."""
        return self.critic.apply({"params": critic}, observation, action)  # pyright: ignore

    def lowest_value(
        self, critic: Any, observation: Float[Array, "B O"], action: Float[Array, "B A"]
    ) -> Float[Array, "B"]:
        """The lowest of the critics' values, which is what counts."""
        return jnp.min(self.values(critic, observation, action), axis=0)

    def _optimiser(self, rate: float) -> optax.GradientTransformation:
        schedule = rate
        if self.config.decay == "cosine":
            schedule = optax.cosine_decay_schedule(rate, self.config.num_updates)
        decay = self.config.weight_decay
        if self.config.optimiser == "muon":
            # A root mean square of 0.2, as Adam's: Liu et al., Muon is Scalable, 2025.
            return optax.contrib.muon(
                schedule,
                weight_decay=decay,
                adam_weight_decay=decay,
                muon_weight_dimension_numbers=_matrices,
                consistent_rms=0.2,
            )
        return optax.adamw(schedule, weight_decay=decay)


def _matrices(params: Any) -> Any:
    """Which parameters are matrices, and along which axes: kernels, of each expert apart."""
    along = optax.contrib.MuonDimensionNumbers(reduction_axis=-2, output_axis=-1)
    return jax.tree.map_with_path(
        lambda path, _: along if path[-1].key == "kernel" else None, params
    )


def make_agent(config: Config, environment: Environment) -> Agent:
    """The agent that a configuration names, for an environment."""
    sizes = environment.observation_size, environment.action_size
    layout = environment.layout if isinstance(environment, LaidOut) else None
    policy = table.make(config.policy, *sizes, layout=layout, **config.policy_options())
    return Agent(config, policy, table.laid_out(config.network, layout))


class Learner(NamedTuple):
    """Networks and their optimisers."""

    actor: Any
    ema: Any
    """Exponential moving average of the actor: what acts in the end, and gives targets."""
    critic: Any
    target: Any
    """The same of the critics; only where the discount is above 0."""
    actor_optimiser: Any
    critic_optimiser: Any


class Scale(NamedTuple):
    """Of rewards, so that values are of order one."""

    mean: Float[Array, ""]
    """0 where the discount is 1: returns would move with the length of an episode."""
    deviation: Float[Array, ""]

    def __call__(self, reward: Float[Array, "*B"]) -> Float[Array, "*B"]:
        """Scaled rewards."""
        return (reward - self.mean) / self.deviation


def networks(agent: Agent, key: Key[Array, ""]) -> tuple[Any, Any]:
    """Fresh parameters of actor and critics."""
    key_actor, key_critic = jax.random.split(key)
    observation = jnp.zeros((1, agent.policy.observation_size))
    action = jnp.zeros((1, agent.policy.action_size))
    critic = agent.critic.init(key_critic, observation, action)["params"]
    return agent.policy.init(key_actor), critic


def init(agent: Agent, key: Key[Array, ""]) -> Learner:
    """Before the first update."""
    actor, critic = networks(agent, key)
    return Learner(
        actor,
        actor,
        critic,
        critic if agent.config.discount > 0 else None,
        agent.actor_optimiser.init(actor),
        agent.critic_optimiser.init(critic),
    )


def update(
    agent: Agent,
    learner: Learner,
    scale: Scale,
    batch: Transition,
    noise: Any,
    update_index: Int[Array, ""],
    *,
    reward: Value | None = None,
    taught: Float[Array, "B A"] | None = None,
    truth: Float[Array, "B E C"] | None = None,
    mean: Mean = lambda x: x,
) -> tuple[Learner, dict[str, Any]]:
    """One step of critics and actor on a batch.

    Args:
      agent: who learns.
      learner: before.
      scale: of rewards.
      batch: a device's share.
      noise: of the actor's loss, for this share.
      update_index: updates done before.
      reward: of actions in the batch's states, to be climbed itself; None to learn critics from the
        batch and to climb them.
      taught: a teacher's actions in these states, where they are imitated.
      truth: entries of these states that are observed with errors, where they are estimated.
      mean: of gradients and statistics over all devices; as they are on a single one.

    Returns:
      The learner after it, and what to watch.
    """
    metrics: dict[str, Any] = {}
    if reward is None:
        own = actor_loss.of_policy(noise)
        learner, metrics["critic_loss"] = _update_critic(agent, learner, scale, batch, own, mean)

    def value(action: Float[Array, "B A"]) -> Float[Array, "B"]:
        if reward is None:
            return agent.lowest_value(learner.critic, batch.observation, action)
        return scale(reward(action))

    loss_of = actor_loss.make(
        agent.policy, learner.actor, noise, batch.observation, mean, value=value, taught=taught
    )
    if truth is not None:
        loss_of = _with_estimates(agent, loss_of, batch.observation, truth)
    learner, watched = _update_actor(agent, learner, loss_of, update_index, mean)
    return learner, metrics | watched


def critic_target(
    agent: Agent, learner: Learner, scale: Scale, batch: Transition, noise: Any
) -> Float[Array, "B"]:
    """r + γ·min Q'(s', π'(s')), in scaled rewards; after a termination nothing follows.

    s' belongs to the same episode: where it has been truncated, its value counts as any other.
    After a termination all rewards are 0, which is (0 − mean)/deviation when scaled, ever after.
    """
    reward = scale(batch.reward)
    if batch.next_observation is None or batch.bootstraps is None:
        return reward
    action = agent.policy.act(learner.ema, noise, batch.next_observation)
    after = agent.lowest_value(learner.target, batch.next_observation, action)
    discount = agent.config.discount
    nothing = scale(jnp.zeros(())) / (1.0 - discount) if discount < 1 else jnp.zeros(())
    return reward + discount * jnp.where(batch.bootstraps, after, nothing)


def critic_loss(
    agent: Agent, critic: Any, batch: Transition, target: Float[Array, "B"]
) -> Float[Array, ""]:
    """Mean over transitions and critics of (Q(s, a) − target)²."""
    values = agent.values(critic, batch.observation, batch.action)
    return jnp.mean((values - target[None]) ** 2)


def _with_estimates(
    agent: Agent,
    loss_of: Callable[[Any], Loss],
    observation: Float[Array, "B O"],
    truth: Float[Array, "B E C"],
) -> Callable[[Any], Loss]:
    """An actor's loss, and that of the estimators in it, which have no parameters in common."""

    def loss(actor: Any) -> Loss:
        assert agent.layout is not None  # which says that there is something to estimate
        acted = loss_of(actor)
        missed = estimator.loss(agent.layout, agent.config.width, actor, observation, truth)
        return Loss(acted.loss + missed, acted.metrics | {"estimator_loss": missed})

    return loss


def _update_critic(
    agent: Agent, learner: Learner, scale: Scale, batch: Transition, noise: Any, mean: Mean
) -> tuple[Learner, Float[Array, ""]]:
    """The critics' step, and their loss before it."""
    target = critic_target(agent, learner, scale, batch, noise)
    loss, gradient = jax.value_and_grad(lambda critic: critic_loss(agent, critic, batch, target))(
        learner.critic
    )
    updates, optimiser = agent.critic_optimiser.update(
        mean(gradient), learner.critic_optimiser, learner.critic
    )
    critic, slow = optax.apply_updates(learner.critic, updates), learner.target
    if slow is not None:
        slow = optax.incremental_update(critic, slow, agent.config.tau)
    return learner._replace(critic=critic, target=slow, critic_optimiser=optimiser), mean(loss)


def _update_actor(
    agent: Agent,
    learner: Learner,
    loss_of: Callable[[Any], Loss],
    update_index: Int[Array, ""],
    mean: Mean,
) -> tuple[Learner, dict[str, Any]]:
    """The actor's step; it stands still while critics warm up."""
    (loss, watched), gradient = jax.value_and_grad(loss_of, has_aux=True)(learner.actor)
    updates, optimiser = agent.actor_optimiser.update(
        mean(gradient), learner.actor_optimiser, learner.actor
    )
    actor_active = jnp.where(update_index >= agent.config.critic_warmup, 1.0, 0.0)
    updates = jax.tree.map(lambda x: actor_active * x, updates)
    actor = optax.apply_updates(learner.actor, updates)
    ema = optax.incremental_update(actor, learner.ema, agent.config.tau)
    metrics = {"actor_loss": mean(loss)} | dict(mean(watched))
    return learner._replace(actor=actor, ema=ema, actor_optimiser=optimiser), metrics

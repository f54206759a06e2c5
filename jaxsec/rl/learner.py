"""Training of a jamming policy: act, remember, judge, improve; one compiled loop.

    training = Training(config, environment)
    state = training.start(seeds)
    state, metrics = training.run(state, turn=0, num_updates=100)

An update collects slots, draws a batch from the replay buffer, moves the critics toward the rewards
and the actor toward what the critics value. Seeds are a batch (vmap), devices share out the slots,
the buffer and the batch, and average their gradients (pmap): all arrays of a state lead with
devices D and seeds S. The action does not move the channel, so that a slot's reward is all there is
to value, and the discount is 0 unless asked for.
"""

import functools
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Key

from jaxsec import checks
from jaxsec.rl import replay as replays
from jaxsec.rl import table
from jaxsec.rl.config import Config
from jaxsec.rl.networks import Critic
from jaxsec.rl.policy import Mean
from jaxsec.rl.replay import Replay

AXIS = "devices"
FIRST_SLOTS = 4096
"""Slots of random actions in the buffer at the start; the rewards' scale is taken from them."""


@runtime_checkable
class Environment(Protocol):
    """What can be trained on: an environment with default parameters and a reward of its own."""

    @property
    def observation_size(self) -> int: ...

    @property
    def action_size(self) -> int: ...

    def reset(self, key: Key[Array, ""]) -> tuple[Float[Array, "O"], Any]: ...

    def step(self, key: Key[Array, ""], state: Any, action: Float[Array, "A"]) -> Any: ...

    def reward(self, state: Any, action: Float[Array, "A"]) -> Float[Array, ""]: ...


class Transition(NamedTuple):
    """A slot, what was done, and what it gave; leads with the batch."""

    observation: Float[Array, "B O"]
    action: Float[Array, "B A"]
    reward: Float[Array, "B"]
    following: Float[Array, "B O"] | None
    """The next observation; only where the discount is above 0, as is `done`."""
    done: Bool[Array, "B"] | None


class Learner(NamedTuple):
    """Networks and their optimisers."""

    actor: Any
    average: Any
    """Running average of the actor: what acts in the end, and gives targets."""
    critic: Any
    target: Any
    """The same of the critics; only where the discount is above 0."""
    actor_optimiser: Any
    critic_optimiser: Any


class Scale(NamedTuple):
    """Of rewards, so that values are of order one."""

    mean: Float[Array, ""]
    deviation: Float[Array, ""]


class State(NamedTuple):
    """All that is carried from update to update, of one seed on one device."""

    learner: Learner
    scale: Scale
    environment: Any
    observation: Float[Array, "N O"]
    replay: Replay
    key: Key[Array, ""]


class Training:
    """A training of a policy on an environment, for several seeds at once, on all devices."""

    def __init__(self, config: Config, environment: Environment, devices: int = 0) -> None:
        """Checks that the work can be shared out.

        Args:
          config: how to train.
          environment: what on.
          devices: how many to train on; 0 for all there are.

        Raises:
          InputError: there are not as many, or slots or batch do not divide by their number.
        """
        self.config, self.environment = config, environment
        checks.require(
            0 <= devices <= jax.device_count(),
            f"`devices` must lie in [0, {jax.device_count()}], all there are, but is {devices}",
        )
        self.devices = jax.devices()[: devices or jax.device_count()]
        for name in ("num_slots", "batch_size", "replay_size"):
            checks.require(
                getattr(config, name) % len(self.devices) == 0,
                f"`{name}` must be a multiple of {len(self.devices)}, the number of devices, "
                f"but is {getattr(config, name)}",
            )
        self.policy = table.make(
            config.policy, environment.observation_size, environment.action_size, **config.network()
        )
        self.critic = Critic(config.critic_width, table.num_values(config.policy))

    # ------------------------------------------------------------------ several seeds and devices

    def start(self, seeds: Int[Any, "S"]) -> State:
        """The states before the first update."""
        keys = jax.vmap(jax.random.key)(jnp.asarray(seeds))
        ranks = jnp.arange(len(self.devices))
        begin = jax.vmap(self.begin, in_axes=(0, None))
        return jax.pmap(begin, AXIS, in_axes=(None, 0), devices=self.devices)(keys, ranks)

    def run(self, state: State, turn: int, num_updates: int) -> tuple[State, dict[str, Any]]:
        """Goes on for some updates.

        Args:
          state: is used up.
          turn: updates done before.
          num_updates: to do now.

        Returns:
          The state after them, and metrics [S], means over the updates.
        """
        state, metrics = self._compiled(num_updates)(state, jnp.asarray(turn, jnp.int32))
        return state, {name: values[0] for name, values in metrics.items()}

    @functools.cache  # noqa: B019 - a training lives as long as its programs
    def _compiled(self, num_updates: int) -> Any:
        def chunk(state: State, turn: Int[Array, ""]) -> tuple[State, dict[str, Any]]:
            # The turn is the same for all seeds: outside of vmap, the ring is written in place.
            def update(state: State, turn: Int[Array, ""]) -> tuple[State, dict[str, Any]]:
                return jax.vmap(self.update, in_axes=(0, None))(state, turn)

            state, metrics = jax.lax.scan(update, state, turn + jnp.arange(num_updates))
            return state, jax.tree.map(lambda x: jnp.mean(x, axis=0), metrics)

        return jax.pmap(chunk, AXIS, in_axes=(0, None), devices=self.devices, donate_argnums=(0,))

    # -------------------------------------------------------------------- one seed on one device

    def begin(self, key: Key[Array, ""], rank: Int[Array, ""]) -> State:
        """Networks, the same on all devices, and random slots, different on each."""
        key_networks, key_rest = jax.random.split(key)
        keys = jax.random.split(jax.random.fold_in(key_rest, rank), 4)
        key_first, key_reset, key_action, key = keys
        actor, critic = self.networks(key_networks)
        learner = Learner(
            actor,
            actor,
            critic,
            critic if self.config.discount > 0 else None,
            self._optimiser(self.config.actor_rate).init(actor),
            self._optimiser(self.config.critic_rate).init(critic),
        )
        slots = self._share(self.config.num_slots)
        observed, waiting = self._reset(key_reset, slots)
        count = min(FIRST_SLOTS, self.config.replay_size) // len(self.devices)
        size = (max(count, 1), self.environment.action_size)
        random = jax.random.uniform(key_action, size, minval=-1.0, maxval=1.0)
        key_first, key_step = jax.random.split(key_first)
        before, states = self._reset(key_first, size[0])
        _, first = self._step(key_step, before, states, random)
        average = _mean(jnp.mean(first.reward))
        variance = _mean(jnp.mean((first.reward - average) ** 2))
        scale = Scale(average, jnp.sqrt(variance) + 1e-6)
        remembered = replays.fill(first, self._share(self.config.replay_size))
        return State(learner, scale, waiting, observed, remembered, key)

    def networks(self, key: Key[Array, ""]) -> tuple[Any, Any]:
        """Fresh parameters of actor and critics."""
        key_actor, key_critic = jax.random.split(key)
        observation = jnp.zeros((1, self.environment.observation_size))
        action = jnp.zeros((1, self.environment.action_size))
        critic = self.critic.init(key_critic, observation, action)["params"]
        return self.policy.init(key_actor), critic

    def update(self, state: State, turn: Int[Array, ""]) -> tuple[State, dict[str, Any]]:
        """Collects, remembers, and learns from a batch."""
        key, key_act, key_step, key_batch, key_noise = jax.random.split(state.key, 5)
        action = self._explore(key_act, state)
        (observation, waiting), lived = self._step(
            key_step, state.observation, state.environment, action
        )
        replay = replays.add(state.replay, lived, turn)
        batch = replays.sample(key_batch, replay, self._share(self.config.batch_size))
        states = None
        if self.config.gradient == "environment":
            # The reward itself needs the slots, not what they have been answered with.
            batch = batch._replace(observation=state.observation)
            states = state.environment
        noise = self.policy.noise(key_noise, batch.observation.shape[0])
        learner, metrics = self.learn(state.learner, state.scale, batch, noise, states, turn)
        metrics["collected"] = _mean(jnp.mean(lived.reward))
        return State(learner, state.scale, waiting, observation, replay, key), metrics

    def learn(
        self,
        learner: Learner,
        scale: Scale,
        batch: Transition,
        noise: Any,
        states: Any,
        turn: Int[Array, ""],
        mean: Mean | None = None,
    ) -> tuple[Learner, dict[str, Any]]:
        """One step of critics and actor on a batch, averaged over devices.

        Args:
          learner: before.
          scale: of rewards.
          batch: a device's share.
          noise: of the policy, for this share.
          states: of the environment, whose reward is climbed; None to climb the critics.
          turn: updates done before.
          mean: over devices; the trainer's own if left out.
        """
        config, mean = self.config, mean or _mean
        metrics: dict[str, Any] = {}
        critic, critic_optimiser, target = learner.critic, learner.critic_optimiser, learner.target
        if states is None:
            goal = self._goal(learner, scale, batch, noise)
            loss, gradient = jax.value_and_grad(self._critic_loss)(critic, batch, goal)
            updates, critic_optimiser = self._optimiser(config.critic_rate).update(
                mean(gradient), critic_optimiser, critic
            )
            critic = optax.apply_updates(critic, updates)
            if target is not None:
                target = optax.incremental_update(critic, target, config.tracking)
            metrics["critic_loss"] = mean(loss)

        def value(action: Float[Array, "B A"]) -> Float[Array, "B"]:
            if states is None:
                return jnp.min(self.values(critic, batch.observation, action), axis=0)
            reward = jax.vmap(self.environment.reward)(states, action)
            return (reward - scale.mean) / scale.deviation

        def loss_of(actor: Any) -> tuple[Any, Any]:
            return self.policy.loss(actor, noise, batch.observation, value, mean)

        (loss, watched), gradient = jax.value_and_grad(loss_of, has_aux=True)(learner.actor)
        updates, actor_optimiser = self._optimiser(config.actor_rate).update(
            mean(gradient), learner.actor_optimiser, learner.actor
        )
        begun = jnp.where(turn >= config.critic_first, 1.0, 0.0)
        updates = jax.tree.map(lambda x: begun * x, updates)
        actor = optax.apply_updates(learner.actor, updates)
        average = optax.incremental_update(actor, learner.average, config.tracking)
        metrics |= {"actor_loss": mean(loss)} | dict(mean(watched))
        return Learner(actor, average, critic, target, actor_optimiser, critic_optimiser), metrics

    def _goal(
        self, learner: Learner, scale: Scale, batch: Transition, noise: Any
    ) -> Float[Array, "B"]:
        """r + γ·(1 − done)·min Q(s', a'), in scaled rewards."""
        reward = (batch.reward - scale.mean) / scale.deviation
        if batch.following is None or batch.done is None:
            return reward
        action = self.policy.act(learner.average, noise, batch.following)
        after = jnp.min(self.values(learner.target, batch.following, action), axis=0)
        return reward + self.config.discount * jnp.where(batch.done, 0.0, after)

    def _critic_loss(
        self, critic: Any, batch: Transition, goal: Float[Array, "B"]
    ) -> Float[Array, ""]:
        values = self.values(critic, batch.observation, batch.action)
        return jnp.mean((values - goal[None]) ** 2)

    def values(
        self, critic: Any, observation: Float[Array, "B O"], action: Float[Array, "B A"]
    ) -> Float[Array, "V B"]:
        """What every critic holds of actions, in scaled rewards."""
        return self.critic.apply({"params": critic}, observation, action)  # pyright: ignore

    def _explore(self, key: Key[Array, ""], state: State) -> Float[Array, "N A"]:
        scouting = self.config.random_share > 0
        key_policy, key_noise, *more_keys = jax.random.split(key, 4 if scouting else 2)
        size = self._share(self.config.num_slots)
        noise = self.policy.noise(key_policy, size)
        action = self.policy.act(state.learner.actor, noise, state.observation)
        more = self.config.exploration * jax.random.normal(key_noise, action.shape)
        action = jnp.clip(action + more, -1.0, 1.0)
        if scouting:
            key_random, key_which = more_keys
            random = jax.random.uniform(key_random, action.shape, minval=-1.0, maxval=1.0)
            scout = jax.random.uniform(key_which, (size, 1)) < self.config.random_share
            action = jnp.where(scout, random, action)
        return action

    def _reset(self, key: Key[Array, ""], count: int) -> tuple[Any, Any]:
        return jax.vmap(self.environment.reset)(jax.random.split(key, count))

    def _step(
        self, key: Key[Array, ""], observation: Any, states: Any, action: Any
    ) -> tuple[tuple[Any, Any], Transition]:
        keys = jax.random.split(key, len(action))
        following, states, reward, done, _ = jax.vmap(self.environment.step)(keys, states, action)
        looking = self.config.discount > 0
        lived = Transition(
            observation, action, reward, following if looking else None, done if looking else None
        )
        return (following, states), lived

    def _share(self, count: int) -> int:
        return count // len(self.devices)

    def _optimiser(self, rate: float) -> optax.GradientTransformation:
        schedule = rate
        if self.config.decay == "cosine":
            schedule = optax.cosine_decay_schedule(rate, self.config.num_updates)
        return optax.adamw(schedule, weight_decay=self.config.weight_decay)


def _mean(tree: Any) -> Any:
    return jax.lax.pmean(tree, AXIS)

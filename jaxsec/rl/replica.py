"""A training of one seed on one device: act, remember, learn.

    state = init(task, key, rank)
    state, metrics = update(task, state, update_index)

An update collects slots, draws a batch from the replay buffer, moves the critics toward the rewards
and the actor toward what the critics value. Both functions run inside `jax.pmap` over an axis
called `AXIS`, whose devices share out slots, buffer and batch and average their gradients.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxsec import keys
from jaxsec.rl import collect, learner, replay, window
from jaxsec.rl.actor_loss import Teacher
from jaxsec.rl.collect import Slots
from jaxsec.rl.config import Config
from jaxsec.rl.environment import Environment, Smooth
from jaxsec.rl.estimator import Shown
from jaxsec.rl.learner import Agent, Learner, Scale
from jaxsec.rl.policy import Value
from jaxsec.rl.replay import Replay
from jaxsec.rl.window import Unbroken

AXIS = "devices"
NUM_FIRST_SLOTS = 4096
"""Slots of random actions in the buffer at the start; the rewards' scale is taken from them."""


@dataclasses.dataclass(frozen=True)
class Task:
    """What is trained, on what, by how many devices together."""

    agent: Agent
    environment: Environment
    num_devices: int
    teacher: Teacher | None = None

    def share(self, count: int) -> int:
        """One device's part of a count."""
        return count // self.num_devices


class State(NamedTuple):
    """All that is carried from update to update."""

    learner: Learner
    scale: Scale
    slots: Slots
    replay: Replay
    key: Key[Array, ""]


def mean(tree: Any) -> Any:
    """Over devices."""
    return jax.lax.pmean(tree, AXIS)


def init(task: Task, key: Key[Array, ""], rank: Int[Array, ""]) -> State:
    """Networks, the same on all devices, and random slots, different on each."""
    config, environment = task.agent.config, task.environment
    key_networks, key_rest = jax.random.split(key)
    split = jax.random.split(jax.random.fold_in(key_rest, rank), 4)
    key_first, key_reset, key_action, key = split
    started = learner.init(task.agent, key_networks)
    waiting = collect.reset(environment, key_reset, task.share(config.num_slots))
    count = max(task.share(min(NUM_FIRST_SLOTS, config.replay_size)), 1)
    random = collect.random_actions(key_action, (count, environment.action_size))
    key_first, key_step = jax.random.split(key_first)
    slots = collect.reset(environment, key_first, count)
    _, first = collect.step(environment, key_step, slots, random, bootstrapping=config.discount > 0)
    scale = collect.scale_of(first.reward, mean, centred=config.discount < 1)
    remembered = replay.fill(first, task.share(config.replay_size))
    return State(started, scale, waiting, remembered, key)


def update(task: Task, state: State, update_index: Int[Array, ""]) -> tuple[State, dict[str, Any]]:
    """Collects, remembers, and learns from a batch.

    Args:
      task: what is trained.
      state: before.
      update_index: updates done before; the same for all seeds.
    """
    agent, environment = task.agent, task.environment
    config = agent.config
    key, key_act, key_step, key_batch, key_noise = jax.random.split(state.key, 5)
    action = collect.explore(agent, state.learner.actor, key_act, state.slots.observation)
    slots, transition = collect.step(
        environment, key_step, state.slots, action, bootstrapping=config.discount > 0
    )
    remembered = replay.add(state.replay, transition, update_index)
    batch = replay.sample(key_batch, remembered, task.share(config.batch_size))
    reward = taught = truth = None
    if config.gradient != "critic":
        # The reward itself needs the slots, not what they have been answered with.
        batch = batch._replace(observation=state.slots.observation)
        key_window = keys.stream(key_step, "window")
        reward = climbed(task, state.slots, state.learner.actor, key_window, update_index)
    if agent.estimates:
        assert isinstance(environment, Shown)  # as `Training` has seen to
        truth = jax.vmap(environment.truth)(state.slots.state)
    if config.actor_loss == "imitation":
        assert task.teacher is not None  # as `Training` has seen to
        taught = task.teacher(keys.stream(key_step, "teacher"), state.slots.state)
    learned, metrics = learner.update(
        agent,
        state.learner,
        state.scale,
        batch,
        agent.noise(key_noise, batch.observation.shape[0]),
        update_index,
        reward=reward,
        taught=taught,
        truth=truth,
        mean=mean,
    )
    metrics["collected"] = mean(transition.reward.mean())
    return State(learned, state.scale, slots, remembered, key), metrics


def climbed(
    task: Task, slots: Slots, actor: Any, key: Key[Array, ""], update_index: Int[Array, ""]
) -> Value:
    """The reward of actions in slots, or its smooth form; over a window, with what follows."""
    environment, config = task.environment, task.agent.config
    reward = jax.vmap(environment.reward)
    if config.gradient == "smooth":
        assert isinstance(environment, Smooth)  # as `Training` has seen to
        smooth, now = environment.smooth_reward, temperature(config, update_index)
        reward = jax.vmap(lambda state, action: smooth(state, action, now))
    if config.window == 1:
        return lambda action: reward(slots.state, action)
    assert isinstance(environment, Unbroken)  # as `Training` has seen to
    return window.value(task.agent, actor, environment, slots.state, key, reward)


def temperature(config: Config, update_index: Int[Array, ""]) -> Float[Array, ""]:
    """τ of the smooth reward after some updates."""
    first, last = config.first_temperature, config.last_temperature
    return first * jnp.power(last / first, update_index / config.num_updates)

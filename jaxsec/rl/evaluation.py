"""What trained policies are worth, on slots that they have not learned from.

Shapes: S seeds of a training, N slots, O entries of an observation, A of an action, C candidates, E
experts, W metrics.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec import keys
from jaxsec.rl import collect
from jaxsec.rl.chunks import by_chunks
from jaxsec.rl.collect import Slots
from jaxsec.rl.environment import Environment
from jaxsec.rl.learner import Agent
from jaxsec.rl.moe import MixtureOfExperts

CANDIDATE_DEVIATION = 0.1
"""Standard deviation of the noise on all candidate actions but the first."""


def sample(environment: Environment, seed: int, count: int) -> Slots:
    """Slots at the start of episodes, the same for all that are judged on them. Compiled."""
    return _sample(environment, jax.random.key(seed), count)


@functools.partial(jax.jit, static_argnums=(0, 2))
def _sample(environment: Environment, key: Key[Array, ""], count: int) -> Slots:
    return collect.reset(environment, key, count)


def candidates(
    agent: Agent,
    actor: Any,
    key: Key[Array, ""],
    observation: Float[Array, "N O"],
    count: int,
) -> Float[Array, "C N A"]:
    """Several actions a state: sampled from the policy, all but the first with noise added."""
    key_policy, key_noise = jax.random.split(key)
    sampled = jax.random.split(key_policy, count)
    actions = jax.vmap(lambda key: agent.act(actor, key, observation))(sampled)
    return _noisy(key_noise, actions, 1)


def _noisy(
    key: Key[Array, ""], actions: Float[Array, "C N A"], num_as_they_are: int
) -> Float[Array, "C N A"]:
    """With noise on all but the first candidates."""
    noisy = jnp.arange(actions.shape[0]) >= num_as_they_are
    more = CANDIDATE_DEVIATION * noisy[:, None, None] * jax.random.normal(key, actions.shape)
    return jnp.clip(actions + more, -1.0, 1.0)


def around(key: Key[Array, ""], each: Float[Array, "E N A"], count: int) -> Float[Array, "C N A"]:
    """Every expert's action, then these in turn with noise added, C = `count` > E in all."""
    in_turn = jnp.arange(count) % each.shape[0]
    return _noisy(key, each[in_turn], each.shape[0])


def experts(
    policy: MixtureOfExperts,
    actor: Any,
    noise: Float[Array, "T N A"],
    observation: Float[Array, "N O"],
) -> Float[Array, "E N A"]:
    """The action of every expert of a mixture."""

    def propose(noise: Array, observation: Array) -> Array:
        return policy.propose(actor, noise, policy.gated(actor, observation).features)

    return by_chunks(propose, noise, observation)


def best_valued(
    agent: Agent,
    critic: Any,
    observation: Float[Array, "N O"],
    actions: Float[Array, "C N A"],
) -> Float[Array, "N A"]:
    """Of each slot's candidates the one that the critics value most, the lower twin counting."""
    value = jax.vmap(lambda action: agent.lowest_value(critic, observation, action))(actions)
    return _take(actions, value)


def best_rewarded(
    environment: Environment, slots: Slots, actions: Float[Array, "C N A"]
) -> Float[Array, "N A"]:
    """Of each slot's candidates the one that really gives most."""
    return _take(actions, jax.vmap(lambda action: rewards(environment, slots, action))(actions))


def rewards(
    environment: Environment, slots: Slots, action: Float[Array, "N A"]
) -> Float[Array, "N"]:
    """What actions give."""
    return jax.vmap(environment.reward)(slots.state, action)


def ways_to_act(
    agent: Agent,
    environment: Environment,
    actor: Any,
    critic: Any,
    slots: Slots,
    key: Key[Array, ""],
    num_candidates: int,
) -> dict[str, Float[Array, "N A"]]:
    """Actions of one seed's networks, by how they are chosen.

    Returns:
      `alone`, as trained; of several candidates `best-of-C`, the one that the critics value most,
      and `best-of-C-true`, the one that really gives most; for a mixture `best-expert` and
      `best-expert-true`, the same of the experts' actions, and `best-of-C-by-experts` and
      `best-of-C-by-experts-true`, of these and noise around them, where C is larger than their
      number. Without critics, only the true ones.
    """
    observation = slots.observation
    key_alone, key_several = jax.random.split(key)
    noise = agent.policy.noise(key_alone, observation.shape[0])
    found = {"alone": agent.act_with(actor, noise, observation)}
    learned = agent.config.gradient == "critic"
    several: dict[str, Float[Array, "C N A"]] = {}
    if num_candidates > 1:
        several[f"best-of-{num_candidates}"] = candidates(
            agent, actor, key_several, observation, num_candidates
        )
    if isinstance(agent.policy, MixtureOfExperts):
        each = several["best-expert"] = experts(agent.policy, actor, noise, observation)
        if num_candidates > len(each):
            more = around(keys.stream(key, "experts"), each, num_candidates)
            several[f"best-of-{num_candidates}-by-experts"] = more
    for name, actions in several.items():
        if learned:
            found[name] = best_valued(agent, critic, observation, actions)
        found[f"{name}-true"] = best_rewarded(environment, slots, actions)
    return found


Ways = Callable[[Agent, Any, Any, Any, Slots, Key[Array, ""], int], dict[str, Float[Array, "N A"]]]
"""As `ways_to_act`; the environment may have to be of a kind."""


class Judgement(NamedTuple):
    """What a way to act reaches on slots, by seed."""

    reward: Float[Array, "S N"]
    values: Float[Array, "S W"]
    """Means over slots of the environment's metrics, unweighted."""


def judge(
    agent: Agent,
    environment: Environment,
    actors: Any,
    critics: Any,
    slots: Slots,
    *,
    seed: int,
    num_candidates: int,
    ways: Ways = ways_to_act,
) -> dict[str, Judgement]:
    """Every way to act with every seed's networks. Compiled.

    Args:
      agent: whose networks they are.
      environment: what slots are of.
      actors, critics: parameters; seeds lead.
      slots: to judge on.
      seed: of the policies' noise.
      num_candidates: C; 1 for no choice among several.
      ways: to act; by default those that need nothing but the policy, critics and rewards.
    """
    key = jax.random.key(seed)
    return _judge(agent, environment, num_candidates, ways, key, actors, critics, slots)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _judge(
    agent: Agent,
    environment: Environment,
    num_candidates: int,
    ways: Ways,
    key: Key[Array, ""],
    actors: Any,
    critics: Any,
    slots: Slots,
) -> dict[str, Judgement]:
    def one(actor: Any, critic: Any, key: Key[Array, ""]) -> dict[str, Judgement]:
        found = ways(agent, environment, actor, critic, slots, key, num_candidates)
        return {
            name: Judgement(rewards(environment, slots, action), values(environment, slots, action))
            for name, action in found.items()
        }

    of_seeds = jax.random.split(key, jax.tree.leaves(actors)[0].shape[0])
    return jax.lax.map(lambda x: one(*x), (actors, critics, of_seeds))


def values(
    environment: Environment, slots: Slots, action: Float[Array, "N A"]
) -> Float[Array, "W"]:
    """The environment's metrics of actions, means over slots."""
    return jnp.mean(jax.vmap(environment.values)(slots.state, action), axis=0)


def _take(actions: Float[Array, "C N A"], value: Float[Array, "C N"]) -> Float[Array, "N A"]:
    """Of each slot's actions that of the largest value."""
    return jnp.take_along_axis(actions, jnp.argmax(value, axis=0)[None, :, None], axis=0)[0]

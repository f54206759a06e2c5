"""What trained policies are worth, on slots that they have not learned from.

Shapes: S seeds of a training, N slots, A access points, C candidates.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec.jamming.environment import Environment as Jamming
from jaxsec.jamming.scenario import REGIMES
from jaxsec.rl.learner import Environment, Training
from jaxsec.rl.moe import MixtureOfExperts

SPREAD = 0.1
"""Standard deviation of what is added to all candidate actions but the first."""


class Slots(NamedTuple):
    """Slots to judge policies on, the same for all."""

    observation: Float[Array, "N O"]
    state: Any


def draw(environment: Environment, seed: int, count: int) -> Slots:
    """Slots at the start of episodes."""
    keys = jax.random.split(jax.random.key(seed), count)
    return Slots(*jax.jit(jax.vmap(environment.reset))(keys))


def act(
    training: Training, actor: Any, key: Key[Array, ""], observation: Float[Array, "N O"]
) -> Float[Array, "N A"]:
    """Actions of one seed's policy."""
    noise = training.policy.noise(key, observation.shape[0])
    return training.policy.act(actor, noise, observation)


def candidates(
    training: Training,
    actor: Any,
    key: Key[Array, ""],
    observation: Float[Array, "N O"],
    count: int,
) -> Float[Array, "C N A"]:
    """Several actions a state: drawn from the policy, all but the first with noise added."""
    key_policy, key_noise = jax.random.split(key)
    keys = jax.random.split(key_policy, count)
    actions = jax.vmap(lambda key: act(training, actor, key, observation))(keys)
    spread = SPREAD * (jnp.arange(count) > 0)[:, None, None]
    more = spread * jax.random.normal(key_noise, actions.shape)
    return jnp.clip(actions + more, -1.0, 1.0)


def experts(
    training: Training, actor: Any, key: Key[Array, ""], observation: Float[Array, "N O"]
) -> Float[Array, "E N A"]:
    """The action of every expert of a mixture."""
    policy = training.policy
    assert isinstance(policy, MixtureOfExperts)
    noise = policy.noise(key, observation.shape[0])
    return policy.propose(actor, noise, policy.gated(actor, observation).features)


def best_valued(
    training: Training,
    critic: Any,
    observation: Float[Array, "N O"],
    actions: Float[Array, "C N A"],
) -> Float[Array, "N A"]:
    """Of each slot's candidates the one that the critics value most, the lower twin counting."""
    value = jax.vmap(lambda a: jnp.min(training.values(critic, observation, a), axis=0))(actions)
    return jnp.take_along_axis(actions, jnp.argmax(value, axis=0)[None, :, None], axis=0)[0]


def rewards(
    environment: Environment, slots: Slots, action: Float[Array, "N A"]
) -> Float[Array, "N"]:
    """What actions give."""
    return jax.vmap(environment.reward)(slots.state, action)


def ways(
    training: Training,
    actor: Any,
    critic: Any,
    slots: Slots,
    key: Key[Array, ""],
    num_candidates: int,
) -> dict[str, Float[Array, "N A"]]:
    """Ways to act with one seed's networks.

    Returns:
      Actions by the name of the way: `alone`, as trained; `best-of-C`, of several candidates the
      one that the critics value most; for a mixture `best-expert`, of the experts' actions the one
      that the critics value most, and `best-expert-true`, the one that really gives most.
    """
    observation = slots.observation
    key_alone, key_several = jax.random.split(key)
    found = {"alone": act(training, actor, key_alone, observation)}
    learned = training.config.gradient == "critic"
    if learned and num_candidates > 1:
        several = candidates(training, actor, key_several, observation, num_candidates)
        found[f"best-of-{num_candidates}"] = best_valued(training, critic, observation, several)
    if isinstance(training.policy, MixtureOfExperts):
        each = experts(training, actor, key_alone, observation)
        if learned:
            found["best-expert"] = best_valued(training, critic, observation, each)
        reward = jax.vmap(lambda a: rewards(training.environment, slots, a))(each)
        best = jnp.argmax(reward, axis=0)[None, :, None]
        found["best-expert-true"] = jnp.take_along_axis(each, best, axis=0)[0]
    return found


class Judgement(NamedTuple):
    """What a way to act reaches on slots, by seed."""

    reward: Float[Array, "S N"]
    metrics: Float[Array, "S W"]
    """Means over slots of the scenario's metrics, unweighted."""


def judge(
    training: Training,
    environment: Jamming,
    actors: Any,
    critics: Any,
    slots: Slots,
    *,
    seed: int,
    num_candidates: int,
) -> dict[str, Judgement]:
    """Every way to act with every seed's networks, compiled here."""
    seeds = jax.tree.leaves(actors)[0].shape[0]

    def one(actor: Any, critic: Any, key: Key[Array, ""]) -> dict[str, Judgement]:
        found = ways(training, actor, critic, slots, key, num_candidates)
        return {
            name: Judgement(
                rewards(environment, slots, action),
                jnp.mean(jax.vmap(environment.values)(slots.state, action), axis=0),
            )
            for name, action in found.items()
        }

    keys = jax.random.split(jax.random.key(seed), seeds)
    return jax.jit(lambda *x: jax.lax.map(lambda y: one(*y), x))(actors, critics, keys)


def usage_by_regime(training: Training, actors: Any, slots: Slots) -> Float[Array, "S G E"]:
    """Share of a regime's slots in which each expert is selected.

    Regimes G: where eavesdroppers are (`scenario.REGIMES`), without and then with line of sight.
    """
    policy = training.policy
    assert isinstance(policy, MixtureOfExperts)
    slot = slots.state.slot
    regime = slot.regime + len(REGIMES) * (slot.rician_factor > 0)
    member = jax.nn.one_hot(regime, 2 * len(REGIMES))  # [N, G]
    count = jnp.maximum(jnp.sum(member, axis=0), 1.0)

    def one(actor: Any) -> Float[Array, "G E"]:
        selected = policy.gated(actor, slots.observation).selected > 0
        return member.T @ selected.astype(member.dtype) / count[:, None]

    return jax.jit(jax.vmap(one))(actors)


def front(
    training: Training,
    environment: Jamming,
    actors: Any,
    slots: Slots,
    weightings: Float[Array, "F W"],
    *,
    seed: int,
) -> Float[Array, "S F W"]:
    """Mean metrics of preference-conditioned policies, told the same preference in all slots."""
    count = slots.observation.shape[0]

    def one(actor: Any, weighting: Float[Array, "W"]) -> Float[Array, "W"]:
        preference = jnp.broadcast_to(weighting[None], (count, weighting.size))
        state = slots.state._replace(preference=preference)
        params = environment.default_params
        observation = jax.vmap(lambda s: environment.observe(s, params))(state)
        action = act(training, actor, jax.random.key(seed), observation)
        return jnp.mean(jax.vmap(environment.values)(state, action), axis=0)

    def all_weightings(actor: Any) -> Float[Array, "F W"]:
        return jax.lax.map(lambda weighting: one(actor, weighting), jnp.asarray(weightings))

    return jax.jit(lambda x: jax.lax.map(all_weightings, x))(actors)

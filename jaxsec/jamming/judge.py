"""Jamming policies judged on fresh slots, beside the oracle and the baselines.

Shapes: S seeds of a training, N slots, W metrics, G regimes, E experts, F weightings.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from jaxsec import checks, keys
from jaxsec.jamming import baselines, oracle, partial, refine
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.jamming.scenario import REGIMES, JammingScenario
from jaxsec.rl import evaluation
from jaxsec.rl.collect import Slots
from jaxsec.rl.learner import Agent
from jaxsec.rl.moe import MixtureOfExperts

MAX_CONSTANT_SLOTS = 2048
"""Slots that the best constant action is chosen on."""


class Row(NamedTuple):
    """What one way to act reaches."""

    name: str
    reward: np.ndarray
    """[S], means over slots."""
    metrics: np.ndarray
    """[W], means over seeds and slots."""
    microseconds: float | None = None
    """Of deciding a slot, where that has been measured (`jaxsec.jamming.pace`)."""


class Bounds(NamedTuple):
    """What needs no learning, on the same slots."""

    rows: list[Row]
    """Oracle first, which sees the truth; then the optimiser and what else can be done with what is
    known of the slots (`partial`): the best constant action, the heuristic, random actions."""
    best: np.ndarray
    """[N] the oracle's reward of each slot."""


def check_slots(scenario: JammingScenario) -> None:
    """Raises `InputError` where slots cannot be judged one by one: what batteries keep counts."""
    checks.require(
        scenario.battery is None,
        "`scenario` must have no batteries to be judged slot by slot, but has "
        f"battery={scenario.battery}; `jaxsec.jamming.episodes` goes through whole episodes",
    )


def bounds(environment: Environment, slots: Slots, seed: int) -> Bounds:
    """The oracle and the baselines; the constant action is chosen on slots of its own."""
    key_oracle, key_constant, key_random = jax.random.split(jax.random.key(seed), 3)
    found = oracle.best(environment, slots.state, key=key_oracle)
    count, size = slots.observation.shape[0], environment.action_size
    others = evaluation.sample(environment, seed + 1, min(MAX_CONSTANT_SLOTS, count))
    constant = baselines.best_constant(environment, others.state, key=key_constant)
    searches = partial.searches(environment, slots.state, keys.stream(seed, "judge/opt"))
    known = Slots(slots.observation, partial.estimated(environment, slots.state))
    actions = {
        "oracle": found.action,
        **{name: search() for name, search in searches.items()},
        "best constant": jnp.broadcast_to(constant[None], (count, size)),
        "heuristic": _heuristic(environment, known),
        "random": baselines.random_actions(key_random, count, size),
    }
    judged = {name: _worth(environment, slots, action) for name, action in actions.items()}
    rewards = {name: np.asarray(reward, np.float64) for name, (reward, _) in judged.items()}
    rows = [
        Row(name, np.mean(rewards[name], keepdims=True), np.asarray(values))
        for name, (_, values) in judged.items()
    ]
    return Bounds(rows, rewards["oracle"])


@functools.partial(jax.jit, static_argnums=0)
def _heuristic(environment: Environment, slots: Slots) -> Float[Array, "N A"]:
    return jax.vmap(lambda state: baselines.heuristic(environment, state))(slots.state)


@functools.partial(jax.jit, static_argnums=0)
def _worth(
    environment: Environment, slots: Slots, action: Float[Array, "N A"]
) -> tuple[Float[Array, "N"], Float[Array, "W"]]:
    """Rewards, and metrics in the mean."""
    rewards = evaluation.rewards(environment, slots, action)
    return rewards, evaluation.values(environment, slots, action)


def judge(
    name: str,
    trained: Trained,
    environment: Environment,
    slots: Slots,
    seed: int,
    candidates: int,
    search: str = "polish",
) -> list[Row]:
    """All ways to act with a trained policy, `search` of `optimise.SETTINGS` going on from some."""
    judged = evaluation.judge(
        trained.agent, environment, trained.actor, trained.critic, slots,
        seed=seed, num_candidates=candidates, ways=refine.searching(search),
    )  # fmt: skip
    return [
        Row(
            way_name(name, way),
            np.asarray(jnp.mean(found.reward, axis=1), np.float64),
            np.asarray(jnp.mean(found.values, axis=0)),
        )
        for way, found in judged.items()
    ]


def way_name(policy: str, way: str) -> str:
    """What a way to act with a policy is called in tables."""
    return policy if way == "alone" else f"{policy}, {way.replace('-', ' ')}"


def expert_load(trained: Trained, slots: Slots) -> dict[str, Any]:
    """Share of each regime's slots that go to each expert of a mixture, by seed."""
    load = np.asarray(expert_load_by_regime(trained.agent, trained.actor, slots))
    names = [*REGIMES, *(f"{name}, line of sight" for name in REGIMES)]
    present = load.sum(axis=(0, 2)) > 0
    return {name: load[:, i].round(4).tolist() for i, name in enumerate(names) if present[i]}


@functools.partial(jax.jit, static_argnums=0)
def expert_load_by_regime(agent: Agent, actors: Any, slots: Slots) -> Float[Array, "S G E"]:
    """Share of a regime's slots in which each expert is selected. Compiled.

    Regimes G: where eavesdroppers are (`scenario.REGIMES`), without and then with line of sight.
    """
    policy = agent.policy
    assert isinstance(policy, MixtureOfExperts)
    slot = slots.state.slot
    regime = slot.regime + len(REGIMES) * (slot.rician_factor > 0)
    member = jax.nn.one_hot(regime, 2 * len(REGIMES))  # [N, G]
    count = jnp.maximum(jnp.sum(member, axis=0), 1.0)

    def one(actor: Any) -> Float[Array, "G E"]:
        selected = policy.gated(actor, slots.observation).selected > 0
        return member.T @ selected.astype(member.dtype) / count[:, None]

    return jax.vmap(one)(actors)


def front(
    trained: Trained,
    environment: Environment,
    slots: Slots,
    weightings: Float[ArrayLike, "F W"],
    *,
    seed: int,
) -> Float[Array, "S F W"]:
    """Mean metrics of preference-conditioned policies, shown the same preference in all slots.

    Args:
      trained: policies of a scenario with preferences.
      environment: of that scenario.
      slots: to judge on; their own preferences are not used.
      weightings: factors of the metrics' weights, F of them.
      seed: of the policies' noise.
    """
    key, weightings = jax.random.key(seed), jnp.asarray(weightings, jnp.float32)
    return _front(trained.agent, environment, key, trained.actor, slots, weightings)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _front(
    agent: Agent,
    environment: Environment,
    key: Key[Array, ""],
    actors: Any,
    slots: Slots,
    weightings: Float[Array, "F W"],
) -> Float[Array, "S F W"]:
    count = slots.observation.shape[0]

    def one(actor: Any, weighting: Float[Array, "W"]) -> Float[Array, "W"]:
        preference = jnp.broadcast_to(weighting[None], (count, weighting.size))
        state = slots.state._replace(preference=preference)
        observation = jax.vmap(environment.get_obs)(state)
        action = agent.act(actor, key, observation)
        return evaluation.values(environment, Slots(observation, state), action)

    def all_weightings(actor: Any) -> Float[Array, "F W"]:
        return jax.lax.map(lambda weighting: one(actor, weighting), weightings)

    return jax.lax.map(all_weightings, actors)

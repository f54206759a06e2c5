"""Cooperative friendly jamming as an environment, P2, Section IV-B.

    environment = Environment(SCENARIOS["paper"])
    observation, state = environment.reset(key_reset)
    observation, state, reward, done, info = environment.step(key_step, state, action)

Pure functions of one slot with gymnax's signatures, to be batched by `vmap` and compiled by the
caller; differentiable in the action and in the parameters. The action sets the access points'
powers in the slot that is observed. It moves nothing else: the next slot is drawn whatever it was.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int, Key

from jaxsec.jamming import metrics, rates, slots
from jaxsec.jamming.metrics import Outcome
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.jamming.slots import Slot
from jaxsec.rl.spaces import Box

LEAST_SNR_DB, MOST_SNR_DB = -40.0, 220.0
"""Weaker and stronger links are observed as these: a link of zero gain has no logarithm."""
MIDDLE_SNR_DB, SCALE_SNR_DB = 20.0, 20.0
"""SNR at full power that is observed as 0, and the step that is observed as 1."""


class Params(NamedTuple):
    """Numbers that may be traced: batched, or differentiated."""

    weights: Float[ArrayLike, "W"]
    """Of the scenario's metrics."""
    min_power_w: Float[ArrayLike, ""]
    max_power_w: Float[ArrayLike, ""]
    circuit_power_w: Float[ArrayLike, ""]
    target_rate: Float[ArrayLike, ""]


class State(NamedTuple):
    """A slot that waits for its powers."""

    slot: Slot
    preference: Float[Array, "W"]
    """Factors of the metrics' weights in this slot."""
    previous: Float[Array, "A"]
    """Action of the slot before; 0 at the start of an episode."""
    time: Int[Array, ""]
    """Slots since the start of the episode."""


class Environment:
    """Jamming slots of a scenario."""

    def __init__(self, scenario: JammingScenario) -> None:
        self.scenario = scenario
        self.metrics = tuple(metrics.get(metric) for metric, _ in scenario.metrics)

    @property
    def name(self) -> str:
        return "CooperativeJamming"

    @property
    def default_params(self) -> Params:
        s = self.scenario
        weights = jnp.asarray([weight for _, weight in s.metrics], jnp.float32)
        return Params(weights, s.min_power_w, s.max_power_w, s.circuit_power_w, s.target_rate)

    @property
    def action_size(self) -> int:
        """A, one entry an access point."""
        return self.scenario.num_access_points

    @property
    def observation_size(self) -> int:
        """R·A gains, A previous actions, and the preference where slots have their own."""
        s = self.scenario
        receivers = s.num_users + s.num_eavesdroppers
        return (receivers + 1) * s.num_access_points + s.preferences * len(self.metrics)

    def action_space(self, params: Params | None = None) -> Box:
        """-1 is the least power of an access point, 1 the most."""
        return Box(-1.0, 1.0, (self.action_size,))

    def observation_space(self, params: Params | None = None) -> Box:
        """Bounded by the gains' cut, `LEAST_SNR_DB` and `MOST_SNR_DB`."""
        most = max(_normal(MOST_SNR_DB), len(self.metrics))
        return Box(_normal(LEAST_SNR_DB), most, (self.observation_size,))

    def reset(
        self, key: Key[Array, ""], params: Params | None = None
    ) -> tuple[Float[Array, "O"], State]:
        """The first slot of an episode."""
        params = self.default_params if params is None else params
        key_slot, key_preference = jax.random.split(key)
        state = State(
            slots.draw(key_slot, self.scenario),
            self._preference(key_preference),
            jnp.zeros((self.action_size,)),
            jnp.zeros((), jnp.int32),
        )
        return self.observe(state, params), state

    def step(
        self,
        key: Key[Array, ""],
        state: State,
        action: Float[Array, "A"],
        params: Params | None = None,
    ) -> tuple[Float[Array, "O"], State, Float[Array, ""], Bool[Array, ""], dict[str, Any]]:
        """Transmits with the powers of `action`, entries beyond ±1 being cut, and moves on.

        After the last slot of an episode the next one starts by itself, as in gymnax.

        Returns:
          Observation of the next slot, its state, the reward, whether the episode has ended, and
          info: every metric of the slot by its name.
        """
        params = self.default_params if params is None else params
        action = jnp.clip(action, -1.0, 1.0)
        values = self.values(state, action, params)
        time = state.time + 1
        done = time >= self.scenario.episode_length

        key_slot, key_preference = jax.random.split(key)
        slot = slots.draw(key_slot, self.scenario)
        if self.scenario.fading == "gauss-markov":
            aged = slots.age(state.slot, slot, self.scenario.correlation)
            slot = jax.tree.map(lambda new, old: jnp.where(done, new, old), slot, aged)
        following = State(
            slot,
            self._preference(key_preference),
            jnp.where(done, jnp.zeros_like(action), action),
            jnp.where(done, 0, time),
        )
        names = [metrics.name(metric) for metric, _ in self.scenario.metrics]
        info = dict(zip(names, values, strict=True))
        reward = jnp.dot(values, params.weights * state.preference)
        return self.observe(following, params), following, reward, done, info

    def observe(self, state: State, params: Params) -> Float[Array, "O"]:
        """Normalised log-gains, previous action, and preference where slots have their own."""
        gains = slots.gains(state.slot) * params.max_power_w
        level = 10.0 * jnp.log10(jnp.maximum(gains, 10.0 ** (LEAST_SNR_DB / 10.0)))
        seen = jnp.clip(_normal(level), _normal(LEAST_SNR_DB), _normal(MOST_SNR_DB))
        parts = [seen.ravel(), state.previous]
        if self.scenario.preferences:
            parts.append(state.preference - 1.0)
        return jnp.concatenate(parts)

    def power(self, action: Float[Array, "A"], params: Params) -> Float[Array, "A"]:
        """Transmit powers in watt."""
        least, most = jnp.asarray(params.min_power_w), jnp.asarray(params.max_power_w)
        share = (action + 1.0) / 2.0
        if self.scenario.power_steps == "watt":
            return least + (most - least) * share
        return least * (most / least) ** share

    def outcome(self, state: State, action: Float[Array, "A"], params: Params) -> Outcome:
        """What an action leads to."""
        power = self.power(action, params)
        gains = slots.gains(state.slot)
        num_users = self.scenario.num_users
        rate = rates.secrecy_rates(power, gains[:num_users], gains[num_users:])
        served_by = rates.serving(num_users, self.scenario.num_access_points)
        return Outcome(power, power[served_by], rate, params.circuit_power_w, params.target_rate)

    def reward(
        self, state: State, action: Float[Array, "A"], params: Params | None = None
    ) -> Float[Array, ""]:
        """What `step` gives for an action in [-1, 1]: the weighted sum of the metrics."""
        params = self.default_params if params is None else params
        values = self.values(state, action, params)
        return jnp.dot(values, params.weights * state.preference)

    def values(
        self, state: State, action: Float[Array, "A"], params: Params | None = None
    ) -> Float[Array, "W"]:
        """The scenario's metrics, each without its weight."""
        params = self.default_params if params is None else params
        outcome = self.outcome(state, action, params)
        return jnp.stack([metric(outcome) for metric in self.metrics])

    def _preference(self, key: Key[Array, ""]) -> Float[Array, "W"]:
        num_metrics = len(self.metrics)
        if not self.scenario.preferences:
            return jnp.ones((num_metrics,))
        # Exponential spacings: uniform on the simplex, scaled to mean 1.
        spacing = jax.random.exponential(key, (num_metrics,))
        return num_metrics * spacing / jnp.sum(spacing)


def _normal(level_db: Any) -> Any:
    """An SNR as it is observed."""
    return (level_db - MIDDLE_SNR_DB) / SCALE_SNR_DB

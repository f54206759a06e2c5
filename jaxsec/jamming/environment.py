"""Cooperative friendly jamming as an environment, P2, Section IV-B.

    environment = Environment(SCENARIOS["paper"])
    observation, state = environment.reset(key_reset)
    observation, state, reward, terminated, truncated, info = environment.step(
        key_step, state, action
    )

Pure functions of one slot with the signatures of gymnax 1.0, to be batched by `vmap` and compiled
by the caller; differentiable in the action and in the parameters. The action sets the access
points' powers in the slot that is observed, and has no influence on the next slot but to be part of
its observation; with batteries (`jaxsec.jamming.battery`) it also leaves them less, and an access
point that asks for more than its battery holds sends with that. Episodes are truncated after
`max_steps_in_episode` slots and never terminate.
"""

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key

from jaxsec.jamming import battery, knowledge, metrics, powers, rates, slots
from jaxsec.jamming.battery import Battery
from jaxsec.jamming.knowledge import Evidence
from jaxsec.jamming.metrics import Metric, Outcome
from jaxsec.jamming.scenario import REGIMES, JammingScenario
from jaxsec.jamming.slots import Slot
from jaxsec.precoding.batched import kernels
from jaxsec.rl.environment import Advance, Episodic
from jaxsec.rl.layout import Layout, Levels
from jaxsec.rl.spaces import Box

MIN_SNR_DB, MAX_SNR_DB = -40.0, 220.0
"""Weaker and stronger links are observed as these: a link of zero gain has no logarithm."""
NUM_SPREAD = 40
"""Points of the disc where eavesdroppers may be."""
RAYLEIGH_MEAN_DB = -2.507
"""Mean level of a link's fading without a line of sight: −γ·10/ln 10, γ Euler's constant."""
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
    max_steps_in_episode: Int[ArrayLike, ""]
    """Slots after which an episode is truncated."""

    def replace(self, **changes: Any) -> "Params":
        """With some of the numbers changed, as gymnax's parameters have it."""
        return self._replace(**changes)


class State(NamedTuple):
    """A slot that waits for its powers."""

    slot: Slot
    evidence: Evidence
    """Of its eavesdroppers."""
    preference: Float[Array, "W"]
    """Factors of the metrics' weights in this slot."""
    previous: Float[Array, "A"]
    """Action of the slot before; 0 at the start of an episode."""
    time: Int[Array, ""]
    """Slots since the start of the episode."""
    battery: Battery | None
    """Where access points have any."""


@dataclasses.dataclass(frozen=True)
class Environment(Episodic):
    """Jamming slots of a scenario.

    What `step` adds to info are the scenario's metrics by their names, without their weights.
    """

    scenario: JammingScenario

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The scenario's metrics as functions."""
        return tuple(metrics.get(metric) for metric, _ in self.scenario.metrics)

    @property
    def name(self) -> str:
        return "CooperativeJamming"

    @property
    def default_params(self) -> Params:
        s = self.scenario
        weights = jnp.asarray([weight for _, weight in s.metrics], jnp.float32)
        powers = s.min_power_w, s.max_power_w, s.circuit_power_w
        return Params(weights, *powers, s.target_rate, s.episode_length)

    @property
    def action_size(self) -> int:
        """A, one entry an access point."""
        return self.scenario.num_access_points

    @property
    def observation_size(self) -> int:
        """Observed gains, A previous actions; levels, a detector's word, a preference if any."""
        return self.layout.observation_size

    @property
    def layout(self) -> Layout:
        """A row a receiver, a column an access point, to which the users that it serves belong."""
        return _layout(self.scenario)

    def action_space(self, params: Params | None = None) -> Box:
        """-1 is the least power of an access point, 1 the most."""
        return Box(-1.0, 1.0, (self.action_size,))

    def observation_space(self, params: Params | None = None) -> Box:
        """Bounded by the gains' cut, `MIN_SNR_DB` and `MAX_SNR_DB`."""
        most = max(_normal(MAX_SNR_DB), len(self.metrics))
        return Box(_normal(MIN_SNR_DB), most, (self.observation_size,))

    def start(self, key: Key[Array, ""], params: Params) -> State:
        """The first slot of an episode."""
        key_slot, key_preference = jax.random.split(key)
        slot = slots.sample(key_slot, self.scenario)
        return State(
            slot,
            knowledge.sample(key, self.scenario, slot.regime),
            _preference(key_preference, self.scenario),
            jnp.zeros((self.action_size,)),
            jnp.zeros((), jnp.int32),
            battery.sample(key, self.scenario, params.max_power_w),
        )

    def advance(
        self, key: Key[Array, ""], state: State, action: Float[Array, "A"], params: Params
    ) -> Advance:
        """Transmits with the powers of `action`, entries beyond ±1 being cut.

        Random numbers are drawn once, for the slot that would begin a new episode. With block
        fading the next slot of the same episode is that slot too; with Gauss–Markov fading it has
        the old geometry, of which there is new evidence, and ages by the new slot's fading.
        """
        action = jnp.clip(action, -1.0, 1.0)
        values = self.values(state, action, params)
        fresh = self.start(key, params)
        after = fresh._replace(previous=action, time=state.time + 1)
        if self.scenario.fading == "gauss-markov":
            after = _aged(key, self.scenario, state.slot, after)
        if state.battery is not None:
            power = self.transmitted(state, action, params)
            after = _drained(self.scenario, state.battery, after, power, params)
        names = [metrics.name(metric) for metric, _ in self.scenario.metrics]
        reward = jnp.dot(values, params.weights * state.preference)
        return Advance(after, fresh, reward, dict(zip(names, values, strict=True)))

    def get_obs(
        self, state: State, params: Params | None = None, key: Key[Array, ""] | None = None
    ) -> Float[Array, "O"]:
        """Normalised log-gains of who is heard, previous action, and, where there are such, levels
        of batteries over full power, normalised as gains are, the detector's word, one entry a
        regime, and the slot's preference."""
        del key
        params = self.default_params if params is None else params
        return _observation(self.scenario, state, params)

    def truth(self, state: State) -> Float[Array, "E A"]:
        """Eavesdroppers' log-gains as they would be observed without errors."""
        eves = slots.gains(state.slot)[self.scenario.num_users :]
        return _observed(eves * self.scenario.max_power_w)

    def power(self, action: Float[Array, "*any"], params: Params) -> Float[Array, "*any"]:
        """What an action asks for: transmit powers in watt, entry by entry."""
        return powers.of(action, self.scenario.power_steps, params)

    def transmitted(
        self, state: State, action: Float[Array, "A"], params: Params
    ) -> Float[Array, "A"]:
        """Transmit powers in watt: what the action asks for, or what is left in the battery."""
        asked = self.power(action, params)
        return asked if state.battery is None else jnp.minimum(asked, state.battery.level)

    def outcome(
        self, state: State, action: Float[Array, "A"], params: Params, *, signed: bool = False
    ) -> Outcome:
        """What an action leads to; if `signed`, with secrecy rates that are not cut off at 0."""
        power = self.transmitted(state, action, params)
        return _outcome(self.scenario, slots.gains(state.slot), power, params, signed=signed)

    def reward(
        self, state: State, action: Float[Array, "A"], params: Params | None = None
    ) -> Float[Array, ""]:
        """What `step` gives for an action in [-1, 1]: the weighted sum of the metrics."""
        params = self.default_params if params is None else params
        values = self.values(state, action, params)
        return jnp.dot(values, params.weights * state.preference)

    def smooth_reward(
        self,
        state: State,
        action: Float[Array, "A"],
        temperature: Float[ArrayLike, ""],
        params: Params | None = None,
    ) -> Float[Array, ""]:
        """The reward of the metrics' smooth forms, whose gradients do not vanish.

        Args:
          state: the slot.
          action: in [-1, 1].
          temperature: τ, in bit/s/Hz, over which a corner of the reward is rounded off.
          params: numbers of the reward; the scenario's by default.

        Raises:
          InputError: a metric has no smooth form.
        """
        params = self.default_params if params is None else params
        outcome = self.outcome(state, action, params, signed=True)
        values = metrics.smooth_values(self.metrics, outcome, temperature)
        return jnp.dot(jnp.stack(values), params.weights * state.preference)

    def values(
        self, state: State, action: Float[Array, "A"], params: Params | None = None
    ) -> Float[Array, "W"]:
        """The scenario's metrics, each without its weight."""
        params = self.default_params if params is None else params
        outcome = self.outcome(state, action, params)
        return jnp.stack([metric(outcome) for metric in self.metrics])


def _outcome(
    scenario: JammingScenario,
    gains: Float[Array, "R A"],
    power: Float[Array, "A"],
    params: Params,
    *,
    signed: bool,
) -> Outcome:
    """As `Environment.outcome` has it."""
    num_users = scenario.num_users
    rate = rates.signed_secrecy_rates(power, gains[:num_users], gains[num_users:])
    rate = rate if signed else jnp.maximum(rate, 0.0)
    served_by = rates.serving(num_users, scenario.num_access_points)
    return Outcome(power, power[served_by], rate, params.circuit_power_w, params.target_rate)


def _aged(key: Key[Array, ""], scenario: JammingScenario, slot: Slot, fresh: State) -> State:
    """A new state in the geometry of an older slot, whose fading ages, with evidence of that."""
    aged = slots.age(slot, fresh.slot, scenario.correlation)
    return fresh._replace(slot=aged, evidence=knowledge.sample(key, scenario, aged.regime))


def _observation(scenario: JammingScenario, state: State, params: Params) -> Float[Array, "O"]:
    """As `Environment.get_obs` has it."""
    shown = knowledge.seen(scenario, state.slot, state.evidence)
    levels = _observed(shown.gains.ravel() * params.max_power_w)
    parts = [levels, state.previous]
    if state.battery is not None:
        parts.append(_observed(state.battery.level / params.max_power_w))
    if shown.detected is not None:
        parts.append(jax.nn.one_hot(shown.detected, len(REGIMES)))
    if scenario.preferences:
        parts.append(state.preference - 1.0)
    return jnp.concatenate(parts)


def _drained(
    scenario: JammingScenario, held: Battery, after: State, power: Float[Array, "A"], params: Params
) -> State:
    """A new state with what is left in the batteries and what has come to it."""
    assert after.battery is not None
    capacity = battery.capacity(scenario, params.max_power_w)
    level = battery.after(held.level, power, held.harvest, capacity)
    return after._replace(battery=after.battery._replace(level=level))


def _layout(scenario: JammingScenario) -> Layout:
    served_by = rates.serving(scenario.num_users, scenario.num_access_points)
    num_shared = len(REGIMES) if scenario.knowledge == "sensed" else 0
    return Layout(
        scenario.num_access_points,
        tuple(served_by.tolist()),
        num_free=scenario.num_eavesdroppers if knowledge.has_gains(scenario) else 0,
        num_of_column=1 if scenario.battery is None else 2,
        num_shared=num_shared + scenario.preferences * len(scenario.metrics),
        levels=_levels(scenario),
        **_places(scenario),
    )


@functools.cache
def _places(scenario: JammingScenario) -> dict[str, Any]:
    """Where eavesdroppers are heard with errors: that they are, and levels of Rayleigh fading, in
    the mean, at the access points and at points spread over a disc."""
    if knowledge.error_db(scenario) == 0.0 or scenario.num_eavesdroppers == 0:
        return {}
    # Points of equal area, a golden angle apart (H. Vogel, Mathematical Biosciences, 1979).
    part = (np.arange(NUM_SPREAD) + 0.5) / NUM_SPREAD
    turn = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(NUM_SPREAD)
    disc = np.sqrt(part) * np.stack((np.cos(turn), np.sin(turn)))
    points = np.append(slots.access_points(scenario).T, scenario.far_radius_m * disc, axis=1)
    with jax.ensure_compile_time_eval():
        gain = np.asarray(slots.path_gains(scenario, jnp.asarray(points, jnp.float32)))
    snr = np.maximum(scenario.max_power_w * gain, 10.0 ** (MIN_SNR_DB / 10.0))
    level = _normal(10.0 * np.log10(snr) + RAYLEIGH_MEAN_DB)
    return {"uncertain": True, "places": tuple(map(tuple, level.tolist()))}


def _levels(scenario: JammingScenario) -> Levels | None:
    """Where steps of an action are steps of a level: a battery may hold less than is asked for."""
    if scenario.power_steps == "watt" or scenario.battery is not None:
        return None
    span_db = 10.0 * math.log10(scenario.max_power_w / scenario.min_power_w)
    return Levels(
        nats=SCALE_SNR_DB * math.log(10.0) / 10.0,
        noise=_normal(0.0),
        reach=span_db / 2.0 / SCALE_SNR_DB,
    )


def _preference(key: Key[Array, ""], scenario: JammingScenario) -> Float[Array, "W"]:
    """Factors of the metrics' weights in a slot."""
    num_metrics = len(scenario.metrics)
    if not scenario.preferences:
        return jnp.ones((num_metrics,))
    # Exponential spacings: uniform on the simplex, scaled to mean 1.
    spacing = jax.random.exponential(key, (num_metrics,))
    return num_metrics * spacing / jnp.sum(spacing)


@kernels.no_inline
def _observed(snr: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """SNRs at full power as they are observed."""
    level = 10.0 * jnp.log10(jnp.maximum(snr, 10.0 ** (MIN_SNR_DB / 10.0)))
    return jnp.clip(_normal(level), _normal(MIN_SNR_DB), _normal(MAX_SNR_DB))


def _normal(level_db: Any) -> Any:
    """An SNR as it is observed."""
    return (level_db - MIDDLE_SNR_DB) / SCALE_SNR_DB

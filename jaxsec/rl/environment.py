"""What policies are trained on: the protocol of environments, and episodes as in gymnax 1.0.

    observation, state = environment.reset(key_reset, params)
    observation, state, reward, terminated, truncated, info = environment.step(
        key_step, state, action, params
    )

An environment is a value: its configuration, without arrays or state. It is hashable, and equal to
another of the same configuration, so that what JAX compiles for one serves the other.

Shapes: O entries of an observation, A of an action, W metrics.
"""

import abc
import dataclasses
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Key

Step = tuple[
    Float[Array, "O"],
    Any,
    Float[Array, ""],
    Bool[Array, ""],
    Bool[Array, ""],
    dict[str, Any],
]
"""Observation of the next slot, its state, reward, terminated, truncated, info."""


@runtime_checkable
class Environment(Protocol):
    """What can be trained on."""

    @property
    def observation_size(self) -> int:
        """O."""
        ...

    @property
    def action_size(self) -> int:
        """A; every entry of an action lies in [-1, 1]."""
        ...

    def reset(self, key: Key[Array, ""]) -> tuple[Float[Array, "O"], Any]:
        """The first observation of an episode, and its state."""
        ...

    def step(self, key: Key[Array, ""], state: Any, action: Float[Array, "A"]) -> Any:
        """A `Step`; after the end of an episode the next one has been started.

        `info["final_observation"]` is what the action led to, before any new start: the same as the
        observation but for the last step of an episode. Trained with a discount above 0, its value
        counts unless the episode has terminated; a truncated one would have gone on.
        """
        ...

    def reward(self, state: Any, action: Float[Array, "A"]) -> Float[Array, ""]:
        """What `step` gives."""
        ...

    def values(self, state: Any, action: Float[Array, "A"]) -> Float[Array, "W"]:
        """Metrics of what the action leads to, to be reported."""
        ...


@runtime_checkable
class Smooth(Protocol):
    """An environment whose reward has a form with gradients everywhere."""

    def smooth_reward(
        self, state: Any, action: Float[Array, "A"], temperature: Float[ArrayLike, ""]
    ) -> Float[Array, ""]:
        """Tends to the reward as the temperature falls to 0."""
        ...


class Advance(NamedTuple):
    """What an action leads to, and where the next episode would start."""

    state: Any
    """The next state of the same episode."""
    fresh: Any
    """The first state of another episode."""
    reward: Float[Array, ""]
    info: dict[str, Any]


class Episodic(abc.ABC):
    """The methods of gymnax 1.0's environments, from the few that make an environment.

    A subclass has `default_params` with `max_steps_in_episode`, states with `time`, and the methods
    `start`, `advance`, `get_obs`, `action_space` and `observation_space`; `is_terminated` where
    episodes end by themselves. Nothing is compiled here, and gradients run through all of it.
    """

    supports_transition_gradients = True
    transition_gradients_enabled = True

    @property
    def name(self) -> str:
        """As tables have it."""
        return type(self).__name__

    @property
    def num_actions(self) -> int:
        """A: actions are real vectors."""
        return self.action_size

    @property
    @abc.abstractmethod
    def action_size(self) -> int:
        """A."""

    @property
    @abc.abstractmethod
    def default_params(self) -> Any:
        """Numbers of the environment that may be traced."""

    @abc.abstractmethod
    def start(self, key: Key[Array, ""], params: Any) -> Any:
        """The first state of an episode."""

    @abc.abstractmethod
    def advance(
        self, key: Key[Array, ""], state: Any, action: Float[Array, "A"], params: Any
    ) -> Advance:
        """What an action leads to, and a fresh state; both may rest on the same random numbers."""

    @abc.abstractmethod
    def get_obs(
        self, state: Any, params: Any = None, key: Key[Array, ""] | None = None
    ) -> Float[Array, "O"]:
        """What a policy sees of a state; no key is needed."""

    def observe(
        self, key: Key[Array, ""] | None, state: Any, action: Any, params: Any
    ) -> Float[Array, "O"]:
        """The same with gymnax's other signature."""
        del action
        return self.get_obs(state, params, key)

    def reset(self, key: Key[Array, ""], params: Any = None) -> tuple[Float[Array, "O"], Any]:
        """The first slot of an episode."""
        params = self.default_params if params is None else params
        state = self.start(key, params)
        return self.get_obs(state, params), state

    def step(
        self, key: Key[Array, ""], state: Any, action: Float[Array, "A"], params: Any = None
    ) -> Step:
        """Acts in a slot and moves on; after the last slot of an episode the next one starts.

        Returns:
          Observation of the next slot, its state, the reward, whether the episode has terminated,
          whether it has been truncated, being `max_steps_in_episode` long, and info: the metrics of
          the slot by their names, both flags again, and `final_observation`, what the action led to
          before any new start.
        """
        params = self.default_params if params is None else params
        found = self.advance(key, state, action, params)
        terminated = self.is_terminated(found.state, params)
        truncated = self.is_truncated(found.state, params)
        over = terminated | truncated
        after = jax.tree.map(lambda x, y: jnp.where(over, x, y), found.fresh, found.state)
        info = {
            **found.info,
            "terminated": terminated,
            "truncated": truncated,
            "final_observation": self.get_obs(found.state, params),
        }
        return self.get_obs(after, params), after, found.reward, terminated, truncated, info

    def reset_env(self, key: Key[Array, ""], params: Any) -> tuple[Float[Array, "O"], Any]:
        """`reset`, the parameters being given."""
        return self.reset(key, params)

    def step_env(
        self, key: Key[Array, ""], state: Any, action: Float[Array, "A"], params: Any
    ) -> tuple[Float[Array, "O"], Any, Float[Array, ""], Bool[Array, ""], dict[str, Any]]:
        """`step` without new starts: observation, state, reward, terminated, info."""
        after, _, reward, info = self.advance(key, state, action, params)
        return self.get_obs(after, params), after, reward, self.is_terminated(after, params), info

    def is_terminated(self, state: Any, params: Any) -> Bool[Array, ""]:
        """Whether an episode has come to an end of its own in this state: never, as it is here."""
        del params
        return jnp.zeros_like(jnp.asarray(state.time), dtype=bool)

    def is_terminal(self, state: Any, params: Any) -> Bool[Array, ""]:
        """gymnax's older name of `is_terminated`."""
        return self.is_terminated(state, params)

    def is_truncated(self, state: Any, params: Any) -> Bool[Array, ""]:
        """Whether an episode has reached its largest length."""
        return jnp.asarray(state.time >= params.max_steps_in_episode)

    def discount(self, state: Any, params: Any) -> Float[Array, ""]:
        """0 where the episode has terminated, else 1."""
        return jnp.where(self.is_terminated(state, params), 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class FiveValues:
    """An environment with the step of gymnax before 1.0, for trainers that know no other.

    Of this kind is rejax 0.1.3, which also copies its environments: gymnax's own adapter, a class
    that hands on whatever it is asked for, cannot be copied.
    """

    environment: Any

    @property
    def name(self) -> str:
        return self.environment.name

    @property
    def num_actions(self) -> int:
        return self.environment.num_actions

    @property
    def default_params(self) -> Any:
        return self.environment.default_params

    def action_space(self, params: Any = None) -> Any:
        return self.environment.action_space(params)

    def observation_space(self, params: Any = None) -> Any:
        return self.environment.observation_space(params)

    def reset(self, key: Key[Array, ""], params: Any = None) -> tuple[Float[Array, "O"], Any]:
        return self.environment.reset(key, params)

    def step(
        self, key: Key[Array, ""], state: Any, action: Float[Array, "A"], params: Any = None
    ) -> tuple[Float[Array, "O"], Any, Float[Array, ""], Bool[Array, ""], dict[str, Any]]:
        """Observation, state, reward, whether the episode is over, and info, which says why."""
        observation, after, reward, terminated, truncated, info = self.environment.step(
            key, state, action, params
        )
        return observation, after, reward, terminated | truncated, info

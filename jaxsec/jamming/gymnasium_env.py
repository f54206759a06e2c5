"""The jamming environment behind Gymnasium's interface, one slot at a time.

Needs Gymnasium: pip install 'jaxsec[gymnasium]'. For training in JAX, `Environment` under `vmap`
is thousands of times faster.
"""

import functools
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from jaxsec.checks import InputError
from jaxsec.jamming.environment import Environment, State
from jaxsec.jamming.scenario import SCENARIOS, JammingScenario
from jaxsec.rl.environment import Step

try:
    import gymnasium
except ImportError as error:
    raise ImportError(
        "the Gymnasium wrapper needs Gymnasium: pip install 'jaxsec[gymnasium]'"
    ) from error


class GymnasiumJamming(gymnasium.Env[np.ndarray, np.ndarray]):
    """Episodes of a scenario's slots.

    An episode is truncated after `episode_length` slots, never terminated; there is no reset by
    itself. The observation that comes with the last reward is that of the slot that would have
    followed in the same episode: with Gauss–Markov fading in the same geometry.

    Args:
      scenario: what slots are sampled from, or the name of one of `SCENARIOS`.
      seed: of the first reset, if that is given none; from the operating system by default.

    Raises:
      ImportError: Gymnasium is missing; on import.
      InputError: there is no scenario of that name; `step` is called before `reset` or after the
        end of an episode.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, scenario: JammingScenario | str = "paper", seed: int | None = None) -> None:
        if isinstance(scenario, str):
            if scenario not in SCENARIOS:
                raise InputError(
                    f"`scenario` must be one of {', '.join(SCENARIOS)}, but is {scenario!r}"
                )
            scenario = SCENARIOS[scenario]
        self.environment = Environment(scenario)
        self.observation_space = _box(self.environment.observation_space())
        self.action_space = _box(self.environment.action_space())
        self._seed = seed
        self._state = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode; `options` are not used."""
        if seed is None:
            seed, self._seed = self._seed, None
        super().reset(seed=seed)
        observation, self._state = _reset(self.environment, self._next_key())
        return np.asarray(observation), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Sends with the powers of `action`; info holds every metric of the slot by its name."""
        if self._state is None:
            raise InputError("`step` needs a `reset` before it, at the start of each episode")
        action = np.asarray(action, np.float32)
        _, state, reward, _, _, info = _step(
            self.environment, self._next_key(), self._state, action
        )
        observation = np.asarray(info.pop("final_observation"))
        over = bool(info.pop("terminated")), bool(info.pop("truncated"))
        self._state = None if any(over) else state
        return observation, float(reward), *over, {name: float(x) for name, x in info.items()}

    def _next_key(self) -> jax.Array:
        return jax.random.key(int(self.np_random.integers(2**31)))


@functools.partial(jax.jit, static_argnums=0)
def _reset(environment: Environment, key: Key[Array, ""]) -> tuple[Float[Array, "O"], State]:
    return environment.reset(key)


@functools.partial(jax.jit, static_argnums=0)
def _step(
    environment: Environment, key: Key[Array, ""], state: State, action: Float[Array, "A"]
) -> Step:
    return environment.step(key, state, action)


def _box(space: Any) -> gymnasium.spaces.Box:
    return gymnasium.spaces.Box(float(space.low), float(space.high), space.shape, np.float32)

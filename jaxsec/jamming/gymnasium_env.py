"""The jamming environment behind Gymnasium's interface, one slot at a time.

Needs Gymnasium: pip install 'jaxsec[gymnasium]'. For training in JAX, `Environment` under `vmap`
is thousands of times faster.
"""

from typing import Any

import jax
import numpy as np

from jaxsec.checks import InputError
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import SCENARIOS, JammingScenario

try:
    import gymnasium
except ImportError as error:
    raise InputError(
        "the Gymnasium wrapper needs Gymnasium: pip install 'jaxsec[gymnasium]'"
    ) from error


class GymnasiumJamming(gymnasium.Env[np.ndarray, np.ndarray]):
    """Episodes of a scenario's slots.

    An episode is truncated after `episode_length` slots, never terminated. There is no reset by
    itself. The observation with the last reward is that of the slot after the episode, which is
    what the JAX environment starts its next episode from: an independent slot, with block fading
    like any other, with Gauss–Markov fading in a new geometry.

    Args:
      scenario: what slots are drawn from, or the name of one of `SCENARIOS`.
      seed: of the first reset, if that is given none; from the operating system by default.

    Raises:
      InputError: Gymnasium is missing, on import; there is no scenario of that name; `step` is
        called before `reset` or after the end of an episode.
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
        self._reset = jax.jit(self.environment.reset)
        self._step = jax.jit(self.environment.step)
        self._seed = seed
        self._state = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode; `options` are not used."""
        if seed is None:
            seed, self._seed = self._seed, None
        super().reset(seed=seed)
        observation, self._state = self._reset(self._draw_key())
        return np.asarray(observation), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Sends with the powers of `action`; info holds every metric of the slot by its name."""
        if self._state is None:
            raise InputError("`step` needs a `reset` before it, at the start of each episode")
        action = np.asarray(action, np.float32)
        observation, state, reward, done, info = self._step(self._draw_key(), self._state, action)
        self._state = None if done else state
        info = {name: float(value) for name, value in info.items()}
        return np.asarray(observation), float(reward), False, bool(done), info

    def _draw_key(self) -> jax.Array:
        return jax.random.key(int(self.np_random.integers(2**31)))


def _box(space: Any) -> gymnasium.spaces.Box:
    return gymnasium.spaces.Box(float(space.low), float(space.high), space.shape, np.float32)

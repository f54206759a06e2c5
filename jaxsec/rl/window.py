"""The value of actions by going on from them: rewards over a window of slots, with gradients.

Where actions move the state and the environment can be differentiated, no critic is needed: an
action is followed by those of the policy as it is, and the discounted rewards of the window have a
gradient in the first action, through all that follows from it. That is the deterministic policy
gradient (D. Silver et al., Deterministic Policy Gradient Algorithms, 2014) with the environment in
the place of the critic; of what comes after the window nothing is counted.

Shapes: B states, A entries of an action.
"""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from jaxsec.rl.learner import Agent
from jaxsec.rl.policy import Value


@runtime_checkable
class Unbroken(Protocol):
    """An environment that can be followed without new starts."""

    @property
    def default_params(self) -> Any:
        """Numbers of the environment."""
        ...

    def step_env(
        self, key: Key[Array, ""], state: Any, action: Float[Array, "A"], params: Any
    ) -> tuple[Float[Array, "O"], Any, Float[Array, ""], Bool[Array, ""], dict[str, Any]]:
        """Observation, state, reward, terminated, info."""
        ...


def value(
    agent: Agent, actor: Any, environment: Unbroken, states: Any, key: Key[Array, ""], reward: Any
) -> Value:
    """Of actions in B states: Σ γ^i r_i over `config.window` slots, until an episode terminates.

    Args:
      agent: who acts in the slots after the first.
      actor: its parameters, whose gradient is not taken.
      environment: the next states are of.
      states: B leads.
      key: of the policy's noise and of what comes next.
      reward: of states and actions [B].
    """
    config, params = agent.config, environment.default_params
    move = jax.vmap(environment.step_env, in_axes=(0, 0, 0, None))

    def of(action: Float[Array, "B A"]) -> Float[Array, "B"]:
        def step(carry: Any, key: Key[Array, ""]) -> tuple[Any, None]:
            state, action, weight, total = carry
            total = total + weight * reward(state, action)
            key_act, key_move = jax.random.split(key)
            each = jax.random.split(key_move, len(action))
            observation, state, _, terminated, _ = move(each, state, action, params)
            weight = config.discount * jnp.where(terminated, 0.0, weight)
            return (state, agent.act(actor, key_act, observation), weight, total), None

        ones = jnp.ones(len(action))
        first = states, action, ones, jnp.zeros_like(ones)
        (state, action, weight, total), _ = jax.lax.scan(
            step, first, jax.random.split(key, config.window - 1)
        )
        return total + weight * reward(state, action)

    return of

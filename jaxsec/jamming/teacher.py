"""The optimiser as a teacher: the actions that policies of jamming imitate (`jaxsec.rl`)."""

import dataclasses

import jax
from jaxtyping import Array, Float, Key

from jaxsec.jamming import expected, optimise, posterior
from jaxsec.jamming.environment import Environment, State

NUM_DRAWS = 16
"""Of the eavesdroppers' gains in a slot, where these are not known exactly."""


@dataclasses.dataclass(frozen=True)
class Optimiser:
    """OPT on what a slot shows: the search where the reward is known, or the best in the mean over
    draws of what may be true. A value, as trainings are that are taught by it."""

    environment: Environment

    def __call__(self, key: Key[Array, ""], states: State) -> Float[Array, "N A"]:
        """Its actions in N slots, batched along the first axis of every field."""
        environment = self.environment
        if environment.scenario.knowledge == "exact":
            return optimise.best(environment, states, key=key).action
        key_draws, key_search = jax.random.split(key)
        drawn = posterior.draws(environment, states, NUM_DRAWS, key_draws)
        return expected.best(environment, states, drawn, key=key_search).action

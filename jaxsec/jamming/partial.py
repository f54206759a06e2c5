"""What a search can do with what is known of eavesdroppers (`JammingScenario.knowledge`).

Shapes: N slots, A access points.
"""

import functools
from collections.abc import Callable

import jax
from jaxtyping import Array, Float, Key

from jaxsec import keys
from jaxsec.jamming import expected, knowledge, optimise, posterior, slots
from jaxsec.jamming.environment import Environment, State

NUMBERS_OF_DRAWS = (16, 64)


def searches(
    environment: Environment, states: State, key: Key[Array, ""]
) -> dict[str, Callable[[], Float[Array, "N A"]]]:
    """By their names, functions that search all slots at setting `standard`.

    Where gains are exact, `opt`. Elsewhere `opt on the estimate`, which takes what is observed for
    the truth (`knowledge.estimate`), and `opt on 16 draws` and `64`: on as many draws of each
    slot's posterior.
    """
    if environment.scenario.knowledge == "exact":
        return {"opt": lambda: optimise.best(environment, states, key=key).action}
    found = {
        "opt on the estimate": lambda: (
            optimise.best(environment, estimated(environment, states), key=key).action
        )
    }
    for number in NUMBERS_OF_DRAWS:
        found[f"opt on {number} draws"] = functools.partial(
            on_draws, environment, states, number, key
        )
    return found


def on_draws(
    environment: Environment, states: State, number: int, key: Key[Array, ""]
) -> Float[Array, "N A"]:
    """The best actions in the mean over draws of the posterior."""
    drawn = posterior.draws(environment, states, number, keys.stream(key, "draws"))
    return expected.best(environment, states, drawn, key=key).action


def estimated(environment: Environment, states: State) -> State:
    """N slots as they would be if what they show were true; themselves where it is. Compiled."""
    return states if environment.scenario.knowledge == "exact" else _estimated(environment, states)


@functools.partial(jax.jit, static_argnums=0)
def _estimated(environment: Environment, states: State) -> State:
    scenario = environment.scenario
    levels = knowledge.mean_levels_db(scenario)

    def one(state: State) -> State:
        shown = knowledge.seen(scenario, state.slot, state.evidence)
        gains = knowledge.estimate(scenario, shown, levels)
        return state._replace(slot=slots.of_gains(state.slot, gains))

    return jax.vmap(one)(states)

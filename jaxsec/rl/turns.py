"""A training on environments of several sizes that take turns: one policy for all of them.

    state = init(turns, key, rank)
    state, metrics = update(turns, state, update_index)

Networks that keep to the symmetries of a table have parameters that serve tables of any size
(`jaxsec.rl.equivariant`). So networks and optimisers are shared; slots, the scale of rewards and
random keys are each environment's own. Update i is the one that `jaxsec.rl.replica` would do on
environment i mod N alone, with a batch all of its size: nothing is padded and nothing masked.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Int, Key

from jaxsec import checks, keys
from jaxsec.rl import replica
from jaxsec.rl.config import Config
from jaxsec.rl.environment import Environment
from jaxsec.rl.layout import LaidOut
from jaxsec.rl.learner import Learner
from jaxsec.rl.replica import Task


@dataclasses.dataclass(frozen=True)
class Turns:
    """Tasks that share networks and take turns, in this order."""

    tasks: tuple[Task, ...]

    @property
    def num_devices(self) -> int:
        """How many share the work."""
        return self.tasks[0].num_devices


class State(NamedTuple):
    """All that is carried from update to update."""

    learner: Learner
    """Of all environments."""
    own: tuple[Any, ...]
    """What `replica.State` has beside it, an environment each."""


def check(config: Config, environments: tuple[Environment, ...]) -> None:
    """Whether environments can take turns.

    Raises:
      InputError: the networks or what they learn from depend on the size, or the environments
        differ in more than rows and columns.
    """
    where = "where environments of several sizes take turns"
    for name, wanted in (
        ("network", ("equivariant", "interference")),
        ("gradient", ("environment", "smooth")),  # values would be in each size's own scale
        ("actor_loss", ("pathwise", "weighted", "score")),  # a teacher is of one environment
    ):
        given = getattr(config, name)
        checks.require(
            given in wanted, f"`{name}` must be {' or '.join(wanted)} {where}, but is {given!r}"
        )
    layouts = [e.layout for e in environments if isinstance(e, LaidOut)]
    checks.require(
        len(layouts) == len(environments),
        f"`others` must say how observations are laid out {where}",
    )
    widths = sorted({(layout.num_of_column, layout.num_shared) for layout in layouts})
    checks.require(
        len(widths) == 1,
        "`others` must have as many numbers of a column and shared ones as `environment`, "
        f"but these are {' and '.join(map(str, widths))}",
    )
    checks.require(
        len({layout.levels for layout in layouts}) == 1,
        "`others` must have levels as `environment` has, but these are "
        f"{' and '.join(sorted({str(layout.levels) for layout in layouts}))}",
    )


def init(turns: Turns, key: Key[Array, ""], rank: Int[Array, ""]) -> State:
    """Networks, and slots of every environment."""
    begun = [replica.init(task, keys.step(key, i), rank) for i, task in enumerate(turns.tasks)]
    return State(begun[0].learner, tuple(one._replace(learner=None) for one in begun))


def update(
    turns: Turns, state: State, update_index: Int[Array, ""]
) -> tuple[State, dict[str, Any]]:
    """The update of the environment whose turn it is.

    Args:
      turns: what is trained.
      state: before.
      update_index: updates done before; the same for all seeds.
    """

    def turn(i: int, state: State) -> tuple[State, dict[str, Any]]:
        one = state.own[i]._replace(learner=state.learner)
        one, metrics = replica.update(turns.tasks[i], one, update_index)
        own = (*state.own[:i], one._replace(learner=None), *state.own[i + 1 :])
        return State(one.learner, own), metrics

    count = len(turns.tasks)
    branches = [lambda state, i=i: turn(i, state) for i in range(count)]
    return jax.lax.switch(update_index % count, branches, state)

"""What a design is asked for: an objective of the rates, a power constraint, and over draws."""

from typing import Any, NamedTuple

from jaxsec import checks
from jaxsec.secrecy import (
    MEAN,
    POWERS,
    Objective,
    OverDraws,
    PowerConstraint,
    Sum,
    TotalPower,
    make_objective,
)


class Aim(NamedTuple):
    """An objective on channels that are known exactly, and what is asked of it over draws."""

    objective: Objective = Sum()
    power: PowerConstraint = TotalPower()
    over_draws: OverDraws = MEAN

    @property
    def plain(self) -> bool:
        """Whether it is the sum of the rates at total power, which every method designs for."""
        sum_of_all = (
            isinstance(self.objective, Sum)
            and self.objective.user_weights is None
            and not self.objective.colluding
        )
        return sum_of_all and isinstance(self.power, TotalPower)


PLAIN = Aim()


def make_aim(objective: Any, power: Any) -> Aim:
    """The aim of `design`'s arguments: rows of the tables, or names of rows without numbers.

    Args:
      objective: an `Objective`, its name, or an `OverDraws` of the sum of the rates.
      power: a `PowerConstraint`, or its name.

    Raises:
      InputError: there is no such name, or it needs numbers.
    """
    if isinstance(power, str):
        checks.require(
            power in POWERS, f"`power` must be one of {', '.join(POWERS)}, but is {power!r}"
        )
        power = POWERS[power]()
    checks.require(
        isinstance(power, PowerConstraint),
        f"`power` must be a name or a row of `secrecy.POWERS`, but is {power!r}",
    )
    if isinstance(objective, str):
        objective = make_objective(objective)
    if isinstance(objective, Objective):
        return Aim(objective, power)
    checks.require(
        isinstance(objective, OverDraws),
        "`objective` must be a name, a row of `secrecy.OBJECTIVES`, `secrecy.MEAN` or "
        f"`secrecy.Outage`, but is {objective!r}",
    )
    return Aim(Sum(), power, objective)


def check_certain(aim: Aim) -> None:
    """Refuses what is built for channels that are known exactly alone.

    Raises:
      InputError: the objective is not the sum of the rates, or the power not the total.
    """
    checks.require(
        aim.plain,
        f"`objective` {type(aim.objective).__name__} and `power` {type(aim.power).__name__} are "
        "for channels that are known exactly; others take the sum of the rates at total power",
    )

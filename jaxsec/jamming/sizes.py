"""How large a jamming task is: access points, users, eavesdroppers.

A scenario of another size keeps its distances: access points stand as far apart as before, on a
grid that grows with their number, and far eavesdroppers are as far from its middle.
"""

import dataclasses
import re
from typing import NamedTuple

from jaxsec import checks
from jaxsec.jamming.scenario import JammingScenario


class Size(NamedTuple):
    """Numbers that a scenario has."""

    num_access_points: int
    num_users: int
    num_eavesdroppers: int

    def __str__(self) -> str:
        """As `parse` reads it."""
        users = "" if self.num_users == self.num_access_points else f"{self.num_users}x"
        return f"{self.num_access_points}x{users}{self.num_eavesdroppers}"


def parse(option: str, text: str) -> Size:
    """The size that is written AxE, with a user an access point, or AxUxE.

    Raises:
      InputError: it is not, which is said of `option`.
    """
    found = re.fullmatch(r"(\d{1,4})x(?:(\d{1,4})x)?(\d{1,4})", text, re.ASCII)
    if found is None:
        raise checks.InputError(
            f"`{option}` must be AxE, as 8x4 for 8 access points, a user each, and 4 "
            f"eavesdroppers, or AxUxE, but has {text!r}"
        )
    num_aps, num_users, num_eves = found.groups()
    return Size(int(num_aps), int(num_users or num_aps), int(num_eves))


def of(scenario: JammingScenario) -> Size:
    """The size of a scenario."""
    return Size(scenario.num_access_points, scenario.num_users, scenario.num_eavesdroppers)


def resized(scenario: JammingScenario, size: Size) -> JammingScenario:
    """The scenario at another size.

    Raises:
      InputError: a number is out of its range.
    """
    return dataclasses.replace(scenario, **size._asdict())

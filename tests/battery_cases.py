"""A battery's simplest case, which the tests of horizons and of windows share."""

import dataclasses
from typing import Any

from jaxsec.jamming import SCENARIOS, Environment


def alone(**changes: Any) -> Environment:
    """One access point, nobody who listens, a channel that stays and nothing to come: the rate of a
    slot is log2(1 + g·p)."""
    scenario = dataclasses.replace(
        SCENARIOS["battery"],
        num_access_points=1,
        num_users=1,
        num_eavesdroppers=0,
        min_power_w=1e-5,
        battery=1.0,
        harvest=0.0,
        correlation=1.0,
    )
    return Environment(dataclasses.replace(scenario, **changes))

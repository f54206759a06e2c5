"""Options of what a design is asked for: the objective, its numbers, and the power constraint."""

import dataclasses
from typing import Any, Literal

from jaxsec import checks, units
from jaxsec.cli.options import KnowledgeOptions, as_options
from jaxsec.methods.aim import Aim
from jaxsec.secrecy import POWERS, AntennaPower, PowerConstraint, make_objective


@dataclasses.dataclass(frozen=True)
class AimOptions(KnowledgeOptions):
    """How far off the channels are that a method is given, and what it designs for."""

    objective: Literal[  # pyright: ignore[reportIncompatibleVariableOverride]
        "sum",
        "outage",
        "weighted-sum",
        "worst-user",
        "colluding",
        "energy-efficiency",
        "least-power",
    ] = "sum"
    """Of the secrecy rates: their sum, where channels are not known exactly its mean over what they
    may be, or by outage the sum kept with probability 1 - `--outage-probability`; for channels that
    are known exactly also their weighted sum, their least, their sum against eavesdroppers that
    decode together, their sum over the power spent, or the least power at which all have
    `--rates`. Diffusion models are trained for the sum secrecy rate at total power: of their
    candidates, and RZF-NS, another objective chooses."""
    user_weights: tuple[float, ...] | None = None
    """For weighted-sum: a weight for each user."""
    rates: tuple[float, ...] | None = None
    """For least-power: the secrecy rate that is asked for, bit/s/Hz, of all users or of each."""
    transmit_power_dbm: float | None = None
    """For energy-efficiency: P, over which the file's noise power is given."""
    circuit_power_dbm: float | None = None
    """For energy-efficiency: power that is spent beside it."""
    power: Literal["total", "per-antenna", "constant-modulus"] = "total"
    """What is limited: the power of all antennas, or that of each as well; or the total power of
    beams of phase shifters, each of the same modulus at all antennas, without artificial noise."""
    antenna_limits: tuple[float, ...] | None = None
    """For per-antenna: the limit of each antenna as a share of P; by default all 1/M."""

    def aim(self) -> Aim:
        """The objective and the power constraint.

        Raises:
          InputError: a number is missing, or not heeded.
        """
        over_draws = self.over_draws()
        name = "sum" if self.objective == "outage" else self.objective
        given = (self.transmit_power_dbm, self.circuit_power_dbm)
        powers = dict(zip(("transmit_power_dbm", "circuit_power_dbm"), given, strict=True))
        lists = {"user_weights": self.user_weights, "rates": self.rates}
        numbers: dict[str, Any] = {name: x for name, x in lists.items() if x is not None}
        for option, dbm in powers.items():
            if dbm is not None:
                numbers[option.replace("_dbm", "_w")] = units.dbm_to_watt(dbm)
        try:
            return Aim(make_objective(name, **numbers), self._power(), over_draws)
        except checks.InputError as error:
            for option in powers:
                error = checks.InputError(
                    str(error).replace(f"`{option.replace('_dbm', '_w')}`", f"`{option}`")
                )
            raise as_options(error, *lists, *powers) from None

    def _power(self) -> PowerConstraint:
        if self.power == "per-antenna":
            return AntennaPower(self.antenna_limits)
        checks.require(
            self.antenna_limits is None,
            f"`--antenna-limits` is not heeded by `--power {self.power}`, but by "
            "`--power per-antenna`",
        )
        return POWERS[self.power]()

"""What a strategy is worth: rates, objectives over them, and the power it costs."""

from jaxsec.secrecy.least_power import LeastPower
from jaxsec.secrecy.loss import secrecy_loss
from jaxsec.secrecy.objectives import (
    OBJECTIVES,
    EnergyEfficiency,
    Objective,
    Sum,
    WorstUser,
    make_objective,
    objective_value,
    smooth_objective_value,
)
from jaxsec.secrecy.over_draws import (
    MEAN,
    Mean,
    Outage,
    OverDraws,
    outage_secrecy_rate,
    secrecy_outage_probability,
)
from jaxsec.secrecy.power import (
    POWERS,
    AntennaPower,
    ConstantModulus,
    PowerConstraint,
    TotalPower,
    fitting_scale,
    limit_power,
    normalise_power,
    power,
)
from jaxsec.secrecy.rates import (
    LN2,
    colluding_wiretap_rates,
    received_gains,
    received_powers,
    secrecy_rates,
    smooth_secrecy_rates,
    user_rates,
    wiretap_rates,
)
from jaxsec.secrecy.values import (
    expected_rate,
    secure_energy_efficiency,
    sum_secrecy_rate,
    worst_user_secrecy_rate,
)

__all__ = [
    "LN2",
    "MEAN",
    "OBJECTIVES",
    "POWERS",
    "AntennaPower",
    "ConstantModulus",
    "EnergyEfficiency",
    "LeastPower",
    "Mean",
    "Objective",
    "Outage",
    "OverDraws",
    "PowerConstraint",
    "Sum",
    "TotalPower",
    "WorstUser",
    "colluding_wiretap_rates",
    "expected_rate",
    "fitting_scale",
    "limit_power",
    "make_objective",
    "normalise_power",
    "objective_value",
    "outage_secrecy_rate",
    "power",
    "received_gains",
    "received_powers",
    "secrecy_loss",
    "secrecy_outage_probability",
    "secrecy_rates",
    "secure_energy_efficiency",
    "smooth_objective_value",
    "smooth_secrecy_rates",
    "sum_secrecy_rate",
    "user_rates",
    "wiretap_rates",
    "worst_user_secrecy_rate",
]

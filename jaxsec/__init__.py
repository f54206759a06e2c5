"""Physical-layer security in JAX: secrecy rates, secure beamforming and artificial noise.

    channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 1000)
    strategy = jaxsec.design(*channels)
    rates = jaxsec.sum_secrecy_rate(*strategy, *channels)

Names are loaded when they are first used, so that `import jaxsec` and `jaxsec --help` are quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

from jaxsec.version import __version__ as __version__

if TYPE_CHECKING:
    from jaxsec.channels import Channels, Scenario, estimate_channels, sample_channels
    from jaxsec.checks import InputError
    from jaxsec.designer import Diagnostics, design
    from jaxsec.methods import (
        METHODS,
        Diffusion,
        Gpip,
        LoadedGpip,
        Mrt,
        PlainGpip,
        RobustDiffusion,
        RobustRzfNs,
        Rzf,
        RzfNs,
        StochasticGpip,
        Zf,
    )
    from jaxsec.report.evaluation import Evaluation, evaluate
    from jaxsec.secrecy import (
        normalise_power,
        outage_secrecy_rate,
        secrecy_loss,
        secrecy_outage_probability,
        secrecy_rates,
        secure_energy_efficiency,
        smooth_secrecy_rates,
        sum_secrecy_rate,
        user_rates,
        wiretap_rates,
        worst_user_secrecy_rate,
    )
    from jaxsec.strategy import Strategy

__all__ = [
    "METHODS",
    "Channels",
    "Diagnostics",
    "Diffusion",
    "Evaluation",
    "Gpip",
    "InputError",
    "LoadedGpip",
    "Mrt",
    "PlainGpip",
    "RobustDiffusion",
    "RobustRzfNs",
    "Rzf",
    "RzfNs",
    "Scenario",
    "StochasticGpip",
    "Strategy",
    "Zf",
    "design",
    "estimate_channels",
    "evaluate",
    "normalise_power",
    "outage_secrecy_rate",
    "sample_channels",
    "secrecy_loss",
    "secrecy_outage_probability",
    "secrecy_rates",
    "secure_energy_efficiency",
    "smooth_secrecy_rates",
    "sum_secrecy_rate",
    "user_rates",
    "wiretap_rates",
    "worst_user_secrecy_rate",
]

_HOME = {
    "METHODS": "methods",
    "design": "designer",
    "Diagnostics": "designer",
    "Diffusion": "methods",
    "Evaluation": "report.evaluation",
    "Gpip": "methods",
    "LoadedGpip": "methods",
    "Mrt": "methods",
    "PlainGpip": "methods",
    "RobustDiffusion": "methods",
    "RobustRzfNs": "methods",
    "StochasticGpip": "methods",
    "Rzf": "methods",
    "RzfNs": "methods",
    "Zf": "methods",
    "Channels": "channels",
    "Scenario": "channels",
    "estimate_channels": "channels",
    "evaluate": "report.evaluation",
    "sample_channels": "channels",
    "InputError": "checks",
    "Strategy": "strategy",
}
"""Module of each name; those not listed are in `secrecy`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'jaxsec' has no attribute {name!r}")
    module = importlib.import_module(f"jaxsec.{_HOME.get(name, 'secrecy')}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

"""Physical-layer security in JAX: secrecy rates, secure beamforming and artificial noise.

channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 1000)
strategy = jaxsec.design(*channels)
rates = jaxsec.sum_secrecy_rate(*strategy, *channels)
"""

from jaxsec.channels import Channels, Scenario, estimate_channels, sample_channels
from jaxsec.checks import InputError
from jaxsec.designers import METHODS, design
from jaxsec.secrecy import (
    project_to_budget,
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
    "InputError",
    "Scenario",
    "Strategy",
    "design",
    "estimate_channels",
    "project_to_budget",
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

"""The methods of `jaxsec.design`, a type each, and the table of their names.

    jaxsec.design(channels, method=Gpip(num_starts=8))
    jaxsec.design(channels, method="opt", num_starts=8)  # the same

A method is a frozen dataclass: its fields are its options, the only ones that it heeds, and calling
it with a key and channels designs. `METHODS` gives every name on the command line its type and the
fields that the name fixes. A new designer joins the table, and with it the property tests, the
command line and the comparison.
"""

from jaxsec.methods.classical import Gpip, LoadedGpip, Mrt, PlainGpip, Rzf, RzfNs, Zf
from jaxsec.methods.generative import Diffusion, RobustDiffusion
from jaxsec.methods.method import Aiming, Designed, Knowing, Method
from jaxsec.methods.table import METHODS, NEUTRAL, check_aims, check_knows, heeded_by, knowing, make
from jaxsec.methods.uncertain import RobustRzfNs, StochasticGpip

__all__ = [
    "METHODS",
    "NEUTRAL",
    "Aiming",
    "Designed",
    "Diffusion",
    "Gpip",
    "Knowing",
    "LoadedGpip",
    "Method",
    "Mrt",
    "PlainGpip",
    "RobustDiffusion",
    "RobustRzfNs",
    "Rzf",
    "RzfNs",
    "StochasticGpip",
    "Zf",
    "check_aims",
    "check_knows",
    "heeded_by",
    "knowing",
    "make",
]

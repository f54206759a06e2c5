"""Classical designs: closed-form (`linear`), OPT (`gpip`), any objective (`first_order`)."""

from jaxsec.precoding.first_order import AscentInfo, AscentResult, ascent
from jaxsec.precoding.gpip import GpipInfo, GpipResult, annealing, opt, plain_gpip, refine
from jaxsec.precoding.linear import mrt, null_space_noise, rzf, rzf_ns, zf
from jaxsec.precoding.reference import best_known, single_pair_rate

__all__ = [
    "AscentInfo",
    "AscentResult",
    "GpipInfo",
    "GpipResult",
    "annealing",
    "ascent",
    "best_known",
    "mrt",
    "null_space_noise",
    "opt",
    "plain_gpip",
    "refine",
    "rzf",
    "rzf_ns",
    "single_pair_rate",
    "zf",
]

"""Classical designs: closed-form (`linear`), OPT (`gpip`), best known rates (`reference`)."""

from jaxsec.precoding.gpip import GpipInfo, GpipResult, annealing, opt, plain_gpip, refine
from jaxsec.precoding.linear import mrt, null_space_noise, rzf, rzf_ns, zf
from jaxsec.precoding.reference import best_known, single_pair_rate

__all__ = [
    "GpipInfo",
    "GpipResult",
    "annealing",
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

"""OPT: joint generalised power iteration precoding (GPIP) of beams and artificial noise.

`design` has the public functions, `start` what they start from and `starts` several of those,
`step` the mathematics of one step, `iterate` the loop of them on a chunk of channels, `solve` the
compiled program of a batch.
"""

from jaxsec.precoding.gpip.design import (
    DEFAULT_STEPS,
    PLAIN_SMOOTHING,
    PLAIN_STEPS,
    annealing,
    opt,
    plain_gpip,
    refine,
)
from jaxsec.precoding.gpip.iterate import GpipInfo
from jaxsec.precoding.gpip.solve import GpipResult

__all__ = [
    "DEFAULT_STEPS",
    "PLAIN_SMOOTHING",
    "PLAIN_STEPS",
    "GpipInfo",
    "GpipResult",
    "annealing",
    "opt",
    "plain_gpip",
    "refine",
]

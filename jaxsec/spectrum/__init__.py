"""Completion of spectrum waterfalls under jamming: Y. Cai et al., 2020.

A waterfall is received power by time slot and channel. What a jammer or a busy receiver leaves of
it is completed by a network that is told the jammer's pattern, and trained against discriminators.
"""

from jaxsec.spectrum import baselines, masks, source
from jaxsec.spectrum.file import Trained, load
from jaxsec.spectrum.source import PATTERNS, Scenario, Waterfall
from jaxsec.spectrum.train import Batch, Config, sample

__all__ = [
    "PATTERNS",
    "Batch",
    "Config",
    "Scenario",
    "Trained",
    "Waterfall",
    "baselines",
    "load",
    "masks",
    "sample",
    "source",
]

"""What links are, and what is known of them.

`scenario` says what is drawn, `fading` draws it, `knowledge` is what a base station that has
estimated its channels knows.
"""

from jaxsec.channels.fading import fade, large_scale_gain, sample_channels, sample_geometry
from jaxsec.channels.knowledge import estimate_channels
from jaxsec.channels.scenario import Channels, Geometry, Scenario

__all__ = [
    "Channels",
    "Geometry",
    "Scenario",
    "estimate_channels",
    "fade",
    "large_scale_gain",
    "sample_channels",
    "sample_geometry",
]

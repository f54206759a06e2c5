"""What links are, and what is known of them.

`scenario` says what is drawn, `geometry` and `fading` draw it, `clustered` is the fading in which
receivers near one another share their angles, `knowledge` is what a base station that has estimated
its channels knows. `noise` is for receivers that have noise of their own.
"""

from jaxsec.channels.clustered import (
    Clusters,
    clustered_links,
    fade_clustered,
    sample_clusters,
)
from jaxsec.channels.fading import fade, sample_channels
from jaxsec.channels.geometry import large_scale_gain, sample_geometry
from jaxsec.channels.knowledge import estimate_channels
from jaxsec.channels.noise import receiver_noise
from jaxsec.channels.scenario import Channels, Geometry, Scenario

__all__ = [
    "Channels",
    "Clusters",
    "Geometry",
    "Scenario",
    "clustered_links",
    "estimate_channels",
    "fade",
    "fade_clustered",
    "large_scale_gain",
    "receiver_noise",
    "sample_channels",
    "sample_clusters",
    "sample_geometry",
]

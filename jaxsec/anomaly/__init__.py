"""Jammers and spoofed pilots that nothing was told of: detectors trained on clean data alone.

A mixture of variational auto-encoders that encode twice, after Yu, Kavitha and Kurita 2021.
"""

from jaxsec.anomaly import pretrained, snapshots, waterfalls
from jaxsec.anomaly.detector import Detector, Scores
from jaxsec.anomaly.file import Trained
from jaxsec.anomaly.train import Config

__all__ = [
    "Config",
    "Detector",
    "Scores",
    "Trained",
    "pretrained",
    "snapshots",
    "waterfalls",
]

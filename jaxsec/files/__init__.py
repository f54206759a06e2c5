"""Files of arrays, channels and strategies: read strictly, written whole or not at all."""

from jaxsec.files.channels import load_channels, load_known, save_channels
from jaxsec.files.strategy import StoredStrategy, load_beams, load_strategy, save_strategy

__all__ = [
    "StoredStrategy",
    "load_beams",
    "load_channels",
    "load_known",
    "load_strategy",
    "save_channels",
    "save_strategy",
]

"""Files of arrays, channels and strategies: read strictly, written whole or not at all."""

from jaxsec.files.channels import (
    StoredStrategy,
    load_channels,
    load_known,
    load_strategy,
    save_channels,
    save_strategy,
)

__all__ = [
    "StoredStrategy",
    "load_channels",
    "load_known",
    "load_strategy",
    "save_channels",
    "save_strategy",
]

"""Policies and their training, for any environment of gymnax's interface."""

from jaxsec import extras

try:
    from jaxsec.rl.config import Config
    from jaxsec.rl.layout import Layout, Levels
    from jaxsec.rl.spaces import Box
    from jaxsec.rl.table import POLICIES
    from jaxsec.rl.training import Training
    from jaxsec.rl.waterfilling import WaterFilling, water_filling
except ModuleNotFoundError as error:
    raise extras.explained(error) from None

__all__ = [
    "POLICIES",
    "Box",
    "Config",
    "Layout",
    "Levels",
    "Training",
    "WaterFilling",
    "water_filling",
]

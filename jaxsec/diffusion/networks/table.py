"""Every denoiser by its name, behind one interface.

network = denoisers.make("set")
params = network.init(key, z, t, condition)
output = network.apply(params, z, t, condition)  # [B, 2, R, N], zero where the mask is
"""

import dataclasses
from typing import Any

import flax.linen as nn

from jaxsec import checks
from jaxsec.diffusion.networks.mlp import MLP, MLPSize
from jaxsec.diffusion.networks.set import SetDenoiser, SetSize
from jaxsec.diffusion.networks.unet import PAPER, UNet, UNetSize

DENOISERS: dict[str, tuple[type[nn.Module], Any]] = {
    "set": (SetDenoiser, SetSize()),
    "set-small": (SetDenoiser, SetSize(3, 32, 64, 96)),
    "unet": (UNet, UNetSize()),
    "unet-paper": (UNet, PAPER),
    "mlp": (MLP, MLPSize()),
    "mlp-paper": (MLP, MLPSize(num_parameters=4_960_000)),  # as many as unet-paper has
}
"""Network and its default size."""


def make(name: str, size: dict[str, int] | None = None) -> nn.Module:
    """The denoiser called `name`, with the given widths in place of its own.

    Raises:
      InputError: there is no such denoiser, or it has no such width.
    """
    checks.require(
        name in DENOISERS,
        f"`denoiser` must be one of {', '.join(DENOISERS)}, but is {name!r}",
    )
    network, default = DENOISERS[name]
    known = {field.name for field in dataclasses.fields(default)}
    for key in size or {}:
        checks.require(
            key in known, f"`size` of {name!r} must name {', '.join(sorted(known))}, but has {key}"
        )
    return network(size=dataclasses.replace(default, **(size or {})))


def for_tables(name: str, num_rows: int, num_columns: int) -> nn.Module:
    """The denoiser called `name` for tables of at most this size.

    Raises:
      InputError: there is no such denoiser.
    """
    network = make(name)
    if "num_rows" in {field.name for field in dataclasses.fields(network.size)}:  # pyright: ignore
        return make(name, {"num_rows": num_rows, "num_columns": num_columns})
    return network

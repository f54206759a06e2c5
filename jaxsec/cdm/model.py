"""A trained diffusion model, and which channels it can serve."""

import dataclasses
from typing import Any

import flax.linen as nn

from jaxsec import checks
from jaxsec.cdm.standardise import Standardiser
from jaxsec.diffusion.process import Prediction
from jaxsec.strategy import Size


@dataclasses.dataclass(frozen=True)
class Model:
    """A trained diffusion model, and all that its samples mean."""

    denoiser: str
    """Name of the network in `denoisers`."""
    network: nn.Module
    params: Any
    standardiser: Standardiser
    coordinates: str
    prediction: Prediction
    sizes: tuple[Size, ...]
    """(M, K, L) that it was trained on."""
    num_noise_beams: int = 2


def check_size(model: Model, num_antennas: int, num_users: int, num_eves: int) -> None:
    """Whether the model was made for such channels: within the range of what it was trained on.

    The number of antennas matters in antenna coordinates only.

    >>> from jaxsec.cdm import pretrained
    >>> model = pretrained.load("cdm-f")
    >>> check_size(model, 8, 9, 2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    jaxsec.checks.InputError: `h_user` must hold 1 to 8 users for this diffusion model...

    Args:
      model: a trained model.
      num_antennas: M.
      num_users: K.
      num_eves: L.

    Raises:
      InputError: it was not.
    """
    given = Size(num_antennas, num_users, num_eves)
    names = (("h_user", "antennas"), ("h_user", "users"), ("h_eve", "eavesdroppers"))
    for axis, (name, kind) in enumerate(names):
        if kind == "antennas" and model.coordinates != "antenna":
            continue
        known = [size[axis] for size in model.sizes]
        least, most = min(known), max(known)
        checks.require(
            least <= given[axis] <= most,
            f"`{name}` must hold {least} to {most} {kind} for this diffusion model, but holds "
            f"{given[axis]}; method 'opt' takes any number",
        )

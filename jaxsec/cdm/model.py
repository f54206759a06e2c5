"""A trained diffusion model, and which channels it can serve."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsec import checks
from jaxsec.cdm.coordinates import table
from jaxsec.cdm.standardise import Standardiser
from jaxsec.diffusion.process import Prediction
from jaxsec.strategy import Size

DEFAULT_STEPS = 4
"""DDIM steps; `benchmarks.generative --ddim-steps` shows what others reach."""


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
    deterministic: bool = False
    """One call of the network, of no noise: no diffusion, and nothing to choose from."""


def initial_params(
    network: nn.Module, coordinates: str, size: Size, num_noise_beams: int, *, seed: int
) -> Any:
    """Parameters that a network makes for itself, for tables in these coordinates."""
    found = table.get(coordinates)
    kind = found.kinds(*size, num_noise_beams)
    frame = found.blank(*size, num_noise_beams)
    condition = found.condition(frame, size.num_users, jnp.ones(kind.shape))
    z = jnp.zeros((1, 2, *kind.shape))
    return network.init(jax.random.key(seed), z, jnp.zeros(1, jnp.int32), condition)


def sampling_steps(model: Model, num_samples: int, num_steps: int | None) -> int:
    """Calls of the network for a sample; by default `DEFAULT_STEPS`, or one where a model does not
    sample or is told what OPT's first steps change.

    Raises:
      InputError: `num_samples` is below 1, or a count is not 1 where the model does not sample.
    """
    checks.check_at_least("num_samples", num_samples, 1)
    if num_steps is None:
        one = model.deterministic or table.get(model.coordinates).looks_ahead
        num_steps = 1 if one else DEFAULT_STEPS
    for name, count in (("num_samples", num_samples), ("num_steps", num_steps)):
        checks.require(
            count == 1 or not model.deterministic,
            f"`{name}` must be 1 for a model that does not sample, but is {count}",
        )
    return num_steps


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

"""Trained denoisers of links as files of weights (`jaxsec.learning.weights`), and those shipped."""

import dataclasses
import functools
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Complex

from jaxsec import checks
from jaxsec.channel_denoising import pretrained
from jaxsec.channel_denoising.pilots import train
from jaxsec.channel_denoising.pilots.train import Config
from jaxsec.files.archive import naming
from jaxsec.learning import weights

KIND = "channels"
"""What the configuration in a file says that it denoises."""


class ChannelDenoiser(NamedTuple):
    """A trained denoiser of channel estimates, and its control."""

    config: Config
    denoiser: Any
    """Parameters of the diffusion's network."""
    regressor: Any
    """Of the control: the same network, trained to put out the link itself in one call."""
    covariance: Complex[np.ndarray, "M M"]
    """Of the links that were trained on, for the linear estimate."""


def save(path: Path, model: ChannelDenoiser, card: dict[str, Any]) -> None:
    """Writes a model and its card.

    Raises:
      InputError: a file cannot be written.
    """
    c = model.covariance
    parts = np.stack([np.real(c), np.imag(c)])
    arrays = _arrays(model.denoiser, model.regressor, parts)
    weights.save(path, arrays, {"denoises": KIND, **dataclasses.asdict(model.config)}, card)


def load(path: Path) -> ChannelDenoiser:
    """Reads a denoiser of channels, checked against its card.

    >>> load(pretrained.path("channels")).config.num_antennas
    16

    Args:
      path: of the weights, ending in .npz; the card lies beside it.

    Returns:
      The model, for `denoise_channels`.

    Raises:
      InputError: a file is missing or damaged, or the weights do not fit their configuration.
    """
    arrays, described = weights.load(path)
    with naming(path):
        known = {field.name for field in dataclasses.fields(Config)}
        checks.require(
            described.get("denoises") == KIND and known <= set(described),
            "the configuration is not that of a denoiser of channels",
        )
        config = Config(**{name: described[name] for name in known})
        shapes = jax.eval_shape(lambda: train.initial_params(config, "denoiser"))
        m = config.num_antennas
        wanted = _arrays(shapes, shapes, np.zeros((2, m, m)))
        weights.check_fit(arrays, wanted)
        tree = weights.nest(arrays)
        re, im = arrays["covariance"]
        networks = tree["denoiser"], tree["regressor"]
        return ChannelDenoiser(config, *networks, (re + 1j * im).astype(np.complex64))


@functools.cache
def shipped() -> ChannelDenoiser:
    """The model that comes with the library.

    Raises:
      InputError: its files are damaged.
    """
    return load(pretrained.FOLDER / "channels.npz")


def _arrays(denoiser: Any, regressor: Any, covariance: Any) -> dict[str, Any]:
    networks = weights.flatten(denoiser, "denoiser") | weights.flatten(regressor, "regressor")
    return {**networks, "covariance": covariance}

"""A training of the denoiser of links, from its configuration to a file of weights."""

import dataclasses
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from jaxsec.channel_denoising.pilots import file, links, train
from jaxsec.channel_denoising.pilots.file import ChannelDenoiser
from jaxsec.channel_denoising.pilots.train import Config
from jaxsec.report import run as runs


def run(out: Path, config: Config, *, save_every: int, command: str) -> Path:
    """Trains, or goes on training, and writes `model.npz` and `model.json`.

    Args:
      out: folder of the run; a new one, or one of the same configuration.
      config: which links, and how to train.
      save_every: steps between checkpoints.
      command: what started the run, for the card.

    Returns:
      The file of weights.

    Raises:
      InputError: the folder holds another run, or its newest checkpoint is damaged.
    """
    described = {"denoises": file.KIND, **dataclasses.asdict(config)}
    pool = train.links(config)
    both = runs.train(
        out,
        described,
        train.initial_state(config),
        train.make_step(config),
        lambda step: train.batch(config, pool, step),
        num_steps=config.num_steps,
        save_every=save_every,
        what="links",
    )
    networks = both.denoiser.ema, both.regressor.ema
    path = out / "model.npz"
    card = runs.card(out, networks, command, {"training": described})
    covariance = np.asarray(links.covariance(jnp.asarray(pool)))
    file.save(path, ChannelDenoiser(config, *networks, covariance), card)
    return path

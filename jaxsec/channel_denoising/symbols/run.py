"""A training of coders and of the denoisers of their symbols, to a file of weights."""

import dataclasses
from pathlib import Path

import jax.numpy as jnp

from jaxsec.channel_denoising.symbols import file, source, train
from jaxsec.channel_denoising.symbols.file import SymbolModel
from jaxsec.channel_denoising.symbols.stages import STAGES
from jaxsec.channel_denoising.symbols.train import Config, Params
from jaxsec.learning import loop
from jaxsec.report import run as runs


def run(out: Path, config: Config, *, save_every: int, command: str) -> Path:
    """Trains all stages, or goes on training, and writes `model.npz` and `model.json`.

    Args:
      out: folder of the run, in which every stage has one of its own; a new one, or one of the same
        configuration.
      config: which channels, and how to train.
      save_every: steps between checkpoints.
      command: what started the run, for the card.

    Returns:
      The file of weights.

    Raises:
      InputError: the folder holds another run, or its newest checkpoint is damaged.
      MissingExtra: scikit-learn is not installed.
    """
    described = {"denoises": file.KIND, **dataclasses.asdict(config)}
    images, _ = source.images(config.seed)
    params: Params = {}
    name, seconds = "", 0.0
    for name, stage in STAGES.items():
        states = runs.train(
            out / name,
            described,
            train.initial_states(config, stage, params, images),
            train.make_step(config, stage, params),
            lambda step, name=name: jnp.asarray(train.batch(config, images, name, step)),
            num_steps=config.num_steps,
            save_every=save_every,
            description=f"training {name}, steps",
            what="images",
        )
        found = {network: state.ema for network, state in states.items()}
        params = file.merge(params, stage.finish(config, found, jnp.asarray(images)))
        seconds += loop.seconds(out / name)
    path = out / "model.npz"
    card = runs.card(out / name, params, command, {"training": described})
    file.save(path, SymbolModel(config, params), {**card, "seconds": seconds})
    return path

"""A training run from its configuration to a file of coders, resumed where it was killed."""

import dataclasses
from pathlib import Path

from jaxsec.report import run as runs
from jaxsec.semantic import file as coder_file
from jaxsec.semantic import source, train
from jaxsec.semantic.file import Model


def fit(out: Path, config: train.Config, *, save_every: int, command: str) -> Path:
    """Trains coders, or goes on training them, and writes `model.npz` and `model.json`.

    Args:
      out: folder of the run; a new one, or one of the same configuration.
      config: how to train.
      save_every: steps between checkpoints.
      command: what started the run, for the card.

    Returns:
      The file of coders.

    Raises:
      InputError: the folder holds another run, or its newest checkpoint is damaged.
      MissingExtra: scikit-learn is not installed.

    Example:
      >>> config = train.Config(leakage_weights=(3.0,), seeds=(0,), width=8, num_steps=2)
      >>> fit(Path("run"), config, save_every=1, command="an example").name
      'model.npz'
    """
    pictures, _ = source.load()
    players = runs.train(
        out,
        {"config": dataclasses.asdict(config)},
        train.initial_state(config),
        train.make_step(config),
        lambda step: source.sample_step(pictures, config.seeds, step, config.batch_size),
        num_steps=config.num_steps,
        save_every=save_every,
        what="pictures",
    )
    model = Model(config, players.coder.ema)
    path = out / "model.npz"
    about = {"pictures": len(pictures.ink) * source.NUM_CLASSES}
    coder_file.save(path, model, runs.card(out, model.one(0, 0), command, about))
    return path

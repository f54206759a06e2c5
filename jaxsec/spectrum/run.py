"""A training from its configuration to a file of weights, resumed where it was killed."""

from pathlib import Path

from jaxsec.report import run as runs
from jaxsec.spectrum import file, train
from jaxsec.spectrum.source import Scenario
from jaxsec.spectrum.train import Config


def run(out: Path, scenario: Scenario, config: Config, *, save_every: int, command: str) -> Path:
    """Trains, or goes on, and writes `model.npz` and its card `model.json`.

    Args:
      out: folder of the run; a new one, or one of the same scenario and configuration.
      scenario: of the waterfalls.
      config: how to train.
      save_every: steps between checkpoints.
      command: that started the run, for the card.

    Returns:
      The file of weights.

    Raises:
      InputError: the folder holds another run, or its newest checkpoint is damaged.
    """
    game = runs.train(
        out,
        file.describe(scenario, config),
        train.initial_state(config, scenario),
        train.make_step(config, scenario),
        lambda index: train.draw(config, scenario, index),
        num_steps=config.num_steps,
        save_every=save_every,
        what="waterfalls",
    )
    trained = file.of_game(scenario, config, game)
    kept = (trained.completer, trained.classifier)
    path = out / "model.npz"
    file.save(path, trained, runs.card(out, kept, command, {}))
    return path

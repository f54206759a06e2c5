"""A training run from its configuration to a file of detectors."""

import dataclasses
from pathlib import Path

import jax
import numpy as np

from jaxsec.anomaly import file as anomaly_file
from jaxsec.anomaly import train
from jaxsec.anomaly.file import Trained
from jaxsec.anomaly.source import SOURCES
from jaxsec.report import run as report_run


def run(out: Path, config: train.Config, *, save_every: int, command: str) -> Trained:
    """Trains, or goes on training, and writes `model.npz` and its card `model.json`.

    Args:
      out: folder of the run; a new one, or one of the same configuration.
      config: how to train.
      save_every: steps between checkpoints.
      command: what started the run, for the card.

    Raises:
      InputError: the folder holds another run, or its newest checkpoint is damaged.
      MissingExtra: the data are digits, and scikit-learn is not installed.
    """
    clean = [SOURCES[config.data].clean(one) for one in train.runs(config)]
    state = report_run.train(
        out,
        {"config": dataclasses.asdict(config)},
        train.initial_state(config),
        train.make_step(config),
        train.draw(config, clean),
        num_steps=config.num_steps,
        save_every=save_every,
        what="images of each network",
    )
    trained = Trained(
        config,
        jax.tree.map(anomaly_file.rounded, state.ema),
        np.stack([data.frame for data in clean]),
        np.zeros((len(clean), min(len(data.held_out) for data in clean)), np.float32),
    )
    for i, data in enumerate(clean):  # as many of every run
        trained.held_out[i] = trained.detector(i).score(data.held_out[: trained.held_out.shape[1]])
    num_parameters = sum(x.size for x in jax.tree.leaves(state.ema)) // len(clean)
    about = {"training": dataclasses.asdict(config), "num_parameters_of_a_network": num_parameters}
    anomaly_file.save(
        out / "model.npz", trained, report_run.card(out, state.params, command, about)
    )
    return trained

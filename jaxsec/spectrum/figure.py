"""Waterfalls with their holes, as they are completed: matplotlib."""

from pathlib import Path

import jax
import matplotlib as mpl
import numpy as np

from jaxsec.report import style
from jaxsec.spectrum import baselines, train
from jaxsec.spectrum.file import Trained
from jaxsec.spectrum.source import PATTERNS

MARGIN_DB = 5.0
"""Shown below the noise floor and above the strongest jammer."""


def plot(path: Path, trained: Trained, seed: int) -> None:
    """Draws a waterfall of each pattern of jammers, every eighth slot sensed, and completed.

    Args:
      path: of the picture, whose ending says its format.
      trained: completes.
      seed: of the waterfalls.

    Raises:
      InputError: it cannot be written.
    """
    scenario, patterns = trained.scenario, range(1, len(PATTERNS))
    batches = [
        train.sample(jax.random.key(seed), scenario, 1, ("regular",), (pattern,))
        for pattern in patterns
    ]
    columns = {
        "truth": lambda batch: batch.waterfall.power,
        "sensed": lambda batch: np.where(batch.mask, batch.waterfall.power, np.nan),
        "completed": trained.complete,
        "nearest": lambda batch: baselines.nearest(batch.waterfall.power, batch.mask),
        "soft-impute": lambda batch: baselines.soft_impute(batch.waterfall.power, batch.mask),
    }
    with mpl.rc_context({**style.STYLE, "axes.grid": False}):
        figure = style.blank(9.0, 7.4)
        axes = figure.subplots(len(patterns), len(columns), sharex=True, sharey=True)
        shown = None
        for row, pattern, batch in zip(axes, patterns, batches, strict=True):
            for at, (name, column) in zip(row, columns.items(), strict=True):
                shown = at.imshow(
                    np.asarray(column(batch))[0],
                    vmin=scenario.noise_floor_dbm - MARGIN_DB,
                    vmax=scenario.jammer_dbm[1] + MARGIN_DB,
                    cmap="viridis",
                    interpolation="nearest",
                )
                at.set_xticks([0, scenario.num_channels - 1])
                at.set_yticks([0, scenario.num_slots - 1])
                if pattern == patterns[0]:
                    at.set_title(name)
            row[0].set_ylabel(f"{PATTERNS[pattern]}\nslot")
        for at in axes[-1]:
            at.set_xlabel("channel")
        figure.colorbar(shown, ax=axes, label="dBm", shrink=0.6)
        style.save(figure, path)

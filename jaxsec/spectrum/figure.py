"""Waterfalls with their holes, as they are completed: matplotlib."""

from pathlib import Path

import jax
import matplotlib as mpl
import numpy as np

from jaxsec.report import style
from jaxsec.spectrum import judge, train
from jaxsec.spectrum.file import Trained
from jaxsec.spectrum.source import PATTERNS

DRAWN = 64
"""Waterfalls, of which the first of each pattern is shown."""
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
    drawn = train.sample(jax.random.key(seed), scenario, DRAWN, ("regular",))
    first = np.asarray([np.argmax(drawn.waterfall.pattern == pattern) for pattern in patterns])
    batch = jax.tree.map(lambda x: x[first], drawn)
    power, ways = batch.waterfall.power, judge.ways(trained)
    columns = {
        "truth": power,
        "sensed": np.where(batch.mask, power, np.nan),
        "completed": ways["completer"](batch),
        "nearest": ways["nearest"](batch),
        "soft-impute": ways["soft-impute"](batch),
    }
    with mpl.rc_context({**style.STYLE, "axes.grid": False}):
        figure = style.blank(9.0, 7.4)
        axes = figure.subplots(len(patterns), len(columns), sharex=True, sharey=True)
        images = []
        for i, (row, pattern) in enumerate(zip(axes, patterns, strict=True)):
            for at, (name, column) in zip(row, columns.items(), strict=True):
                image = at.imshow(
                    np.asarray(column)[i],
                    vmin=scenario.noise_floor_dbm - MARGIN_DB,
                    vmax=scenario.jammer_dbm[1] + MARGIN_DB,
                    cmap="viridis",
                    interpolation="nearest",
                )
                images.append(image)
                at.set_xticks([0, scenario.num_channels - 1])
                at.set_yticks([0, scenario.num_slots - 1])
                if pattern == patterns[0]:
                    at.set_title(name)
            row[0].set_ylabel(f"{PATTERNS[pattern]}\nslot")
        for at in axes[-1]:
            at.set_xlabel("channel")
        figure.colorbar(images[-1], ax=axes, label="dBm", shrink=0.6)
        style.save(figure, path)

"""The picture of `jaxsec semantic evaluate`: the price of privacy, noise, and what Bob sees."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import matplotlib as mpl
import numpy as np

from jaxsec import keys
from jaxsec.report import style
from jaxsec.report.style import COLOURS, INK, STYLE
from jaxsec.semantic import judge, source
from jaxsec.semantic.file import Model
from jaxsec.semantic.judge import Row
from jaxsec.semantic.source import NUM_CLASSES, PICTURE, Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHANCE = 100 / NUM_CLASSES
NUM_SHOWN = 9
"""Pictures that are shown, one a class."""


def plot(path: Path, model: Model, rows: Sequence[Row], test_on: Source, seed: int) -> None:
    """Draws what was measured, and pictures as they were sent and as Bob has them.

    Args:
      path: ends in .png, .pdf or .svg.
      model: the coders.
      rows: what `judge.assess` found of them.
      test_on: digits that were judged on.
      seed: of the pictures that are shown, and of their noise.

    Raises:
      InputError: `path` cannot be written.
    """
    with mpl.rc_context(STYLE):
        figure = style.blank(12.5, 7.4)
        above, below = figure.subfigures(2, 1, height_ratios=(1.35, 1.0), squeeze=False)[:, 0]
        left, right = above.subplots(1, 2)
        _plot_price(left, rows)
        _plot_noise(right, rows)
        _plot_pictures(below, model, test_on, seed)
        style.save(figure, path)


def _plot_price(axes: "Axes", rows: Sequence[Row]) -> None:
    psnr = [row.psnr_db.value for row in rows]
    for colour, name, label in (
        (COLOURS[0], "eve", "fresh Eve"),
        (COLOURS[1], "bayes", "best Eve"),
    ):
        means = [getattr(row, name) for row in rows]
        axes.errorbar(
            [mean.value for mean in means], psnr, xerr=[mean.ci95 or 0.0 for mean in means],
            yerr=[row.psnr_db.ci95 or 0.0 for row in rows], fmt="o-", color=colour, capsize=3,
            label=label,
        )  # fmt: skip
    for i, row in enumerate(rows):
        axes.annotate(
            f"λ = {row.leakage_weight:g}", (row.eve.value, row.psnr_db.value),
            xytext=(6, (-14, 8)[i % 2]),
            textcoords="offset points", fontsize=9,
        )  # fmt: skip
    _mark_chance(axes.axvline)
    axes.set_xlabel("Eve's accuracy on the nine secret classes, %")
    axes.set_ylabel("Bob's PSNR, dB")
    axes.set_title("Privacy and its price")
    axes.legend(frameon=False, loc="lower right")


def _plot_noise(axes: "Axes", rows: Sequence[Row]) -> None:
    for colour, row in zip(COLOURS, rows, strict=False):
        axes.errorbar(
            judge.COPIES, [mean.value for mean in row.by_noise],
            yerr=[mean.ci95 or 0.0 for mean in row.by_noise], fmt="o-", color=colour, capsize=3,
            label=f"λ = {row.leakage_weight:g}",
        )  # fmt: skip
    _mark_chance(axes.axhline)
    axes.set_ylim(0, 102)
    axes.set_xlabel("Eve's noise: 0 is Bob's channel, 1 her own")
    axes.set_ylabel("best Eve's accuracy, %")
    axes.set_title("The noisier her channel, the less she knows")
    axes.legend(frameon=False, loc="center right")


def _mark_chance(line: Callable[..., Any]) -> None:
    line(CHANCE, color=INK, linestyle="--", linewidth=1)


def _plot_pictures(figure: "Figure", model: Model, test_on: Source, seed: int) -> None:
    generator = keys.generator(seed, "semantic/shown")
    index = generator.integers(len(test_on.ink), size=NUM_SHOWN)
    batch = source.paint(test_on, index, np.arange(NUM_SHOWN))
    lines = {"sent": batch.pictures}
    last = len(model.config.leakage_weights) - 1
    for place in dict.fromkeys((0, last)):
        bob = received(model, place, np.asarray(batch.pictures), seed)
        lines[f"Bob, λ = {model.config.leakage_weights[place]:g}"] = bob
    grid = figure.subplots(len(lines), NUM_SHOWN)
    for axes_row, (label, pictures) in zip(np.atleast_2d(grid), lines.items(), strict=True):
        for axes, values in zip(axes_row, pictures, strict=True):
            axes.imshow(np.asarray(values).reshape(PICTURE))
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
        axes_row[0].set_ylabel(label, rotation=0, ha="right", va="center")


def received(model: Model, place: int, pictures: np.ndarray, seed: int) -> np.ndarray:
    """Bob's pictures [n, V], of the first training at a λ."""
    config, coder = model.config, model.one(place, 0)
    logits = judge.encode(config, coder, jnp.asarray(pictures))
    key = keys.stream(seed, "semantic/shown/noise")
    heard = config.scenario.link("bob").receive(key, logits)
    return np.asarray(judge.reconstruct(config, coder, heard))

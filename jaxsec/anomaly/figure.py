"""The picture of `jaxsec anomaly evaluate`: areas under the curve, and what a detector sees."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import SubFigure

from jaxsec.anomaly import train
from jaxsec.anomaly.detector import Detector
from jaxsec.anomaly.file import Trained
from jaxsec.anomaly.judge import Judgement
from jaxsec.anomaly.source import SOURCES
from jaxsec.report import style
from jaxsec.report.style import COLOURS, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(path: Path, trained: Trained, judgement: Judgement, seed: int, false_alarm: float) -> None:
    """Draws areas under the curve, and images beside what the first network makes of them.

    Args:
      path: of the picture.
      trained: the runs.
      judgement: of them.
      seed: of the images.
      false_alarm: probability that the threshold is for.
    """
    source, run = SOURCES[trained.config.data], train.runs(trained.config)[0]
    trial = source.trial(run, seed, 1)
    by_kind = dict.fromkeys(kind for kind, _ in trial.attacked)
    shown = {"clean": trial.clean[0]}
    for kind in by_kind:
        of_kind = [(ratio, x) for (k, ratio), x in trial.attacked.items() if k == kind]
        ratio, images = of_kind[len(of_kind) // 2]
        shown[kind if ratio is None else f"{kind}, {ratio:g} dB"] = images[0]
    with mpl.rc_context(STYLE):
        figure = style.blank(2.1 * len(shown) + 4.6, 4.4)
        parts = figure.subfigures(1, 2, squeeze=False, width_ratios=(4.6, 2.1 * len(shown)))
        left, right = parts[0]
        _plot_areas(left.subplots(), judgement)
        _plot_images(right, trained.detector(), shown, false_alarm)
        style.save(figure, path)


def _plot_areas(axes: "Axes", judgement: Judgement) -> None:
    kinds = dict.fromkeys(row.kind for row in judgement.rows)
    for colour, kind in zip(COLOURS, kinds, strict=False):
        rows = [row for row in judgement.rows if row.kind == kind]
        x = [0.0 if row.ratio_db is None else row.ratio_db for row in rows]
        for name, line in (("score", "o-"), ("energy", "x--")):
            if name in rows[0].areas:
                area = np.asarray([row.areas[name].value for row in rows])
                half = np.asarray([row.areas[name].ci95 or 0.0 for row in rows])
                label = kind if name == "score" else None
                axes.errorbar(x, area, half, fmt=line, color=colour, label=label, markersize=4)
    ratios = sorted({row.ratio_db for row in judgement.rows if row.ratio_db is not None})
    if ratios:
        axes.plot([], [], "x--", color=INK, label="best energy detector")
        axes.set_xticks(ratios)
        axes.set_xlabel("anomaly's energy over the signal's, dB")
    axes.set_ylabel("area under the curve")
    axes.set_title("Detection, mean of networks")
    axes.legend(frameon=False, fontsize=9, loc="upper left")


def _plot_images(
    figure: SubFigure, detector: Detector, shown: dict[str, np.ndarray], false_alarm: float
) -> None:
    images = np.stack(list(shown.values()))
    scores, threshold = detector.score(images), detector.threshold(false_alarm)
    made = detector.reconstruct(images)
    axes = figure.subplots(2, len(shown), squeeze=False)
    low, high = float(images.min()), float(images.max())
    for i, name in enumerate(shown):
        for row, image in enumerate((images[i], made[i])):
            axes[row, i].imshow(image, vmin=low, vmax=high, cmap="viridis")
            axes[row, i].grid(visible=False)
            axes[row, i].set(xticks=[], yticks=[])
        axes[0, i].set_title(name, fontsize=9)
        word = "alarm" if scores[i] > threshold else "no alarm"
        axes[1, i].set_xlabel(f"score {scores[i]:.0f}: {word}", fontsize=9)
    axes[0, 0].set_ylabel("seen")
    axes[1, 0].set_ylabel("reconstructed")

"""The pictures of `jaxsec jamming compare`, after P2's Fig. 4."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from jaxsec.files.archive import atomic_write
from jaxsec.jamming.report import Against
from jaxsec.report.style import COLOURS, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_curves(
    path: Path,
    curves: dict[str, list[dict[str, Any]]],
    bounds: dict[str, float],
    stated: Against,
    title: str,
) -> None:
    """Fig. 4(a): reward beside the oracle's against updates, mean and range of the seeds.

    Args:
      path: ends in .png.
      curves: lines of metrics.jsonl by policy.
      bounds: reward of the oracle and the baselines on the curves' slots.
      stated: how rewards are stated, against the oracle on these slots.
      title: the scenario in words.
    """
    with mpl.rc_context(STYLE):
        figure = _figure(7.5, 4.8)
        axes = figure.subplots()
        _plot_curves(axes, curves, bounds, stated)
        axes.set_title(f"{title}: learning curves, mean and range over seeds")
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
        with atomic_write(path) as file:
            figure.savefig(file, format="png", dpi=160)


def _plot_curves(
    axes: "Axes", curves: dict[str, list[dict[str, Any]]], bounds: dict[str, float], stated: Against
) -> None:
    heights = [stated.best]
    for colour, (name, lines) in zip(COLOURS, curves.items(), strict=False):
        updates = [line["step"] for line in lines]
        reward = stated(np.asarray([line["reward"] for line in lines]))  # [point, S]
        low, high = reward.min(axis=1), reward.max(axis=1)
        axes.fill_between(updates, low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(updates, reward.mean(axis=1), color=colour, linewidth=2, label=name)
        heights += [low.min(), high.max()]
    for name, style in (("oracle", "-"), ("best constant", "--")):
        height = stated(bounds[name])
        axes.axhline(height, color=INK, linewidth=1, linestyle=style)
        axes.annotate(
            name, (1.0, height), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", ha="right", fontsize=9,
        )  # fmt: skip
        heights.append(height)
    axes.set_xlabel("updates")
    if stated.kind == "share":
        axes.set_ylim(min(heights) - 0.02, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("mean reward over the oracle's")
    else:
        margin = 0.05 * (max(heights) - min(heights)) or 1.0
        axes.set_ylim(min(heights) - margin, max(heights) + margin)
        axes.set_ylabel("regret: the oracle's mean reward less the policy's")


def plot_metrics(
    path: Path,
    curves: dict[str, list[dict[str, Any]]],
    constant: list[float],
    front: list[list[float]],
    names: list[str],
    title: str,
) -> None:
    """Fig. 4(b): the first metric against the second.

    Args:
      path: ends in .png.
      curves: lines of metrics.jsonl by policy; the second half of each is shown, with its trend.
      constant: what the best constant action reaches, [2].
      front: the oracle's front [F][2], the scenario's own weights in its middle.
      names: of the two metrics.
      title: the scenario in words.
    """
    with mpl.rc_context(STYLE):
        figure = _figure(7.5, 4.8)
        axes = figure.subplots()
        axes.plot(*np.asarray(front).T, color=INK, linewidth=1.5, label="oracle, weights varied")
        axes.plot(*front[len(front) // 2], "*", color=INK, markersize=12, label="oracle")
        axes.plot(*constant, "D", color=INK, markersize=8, label="best constant")
        for colour, (name, lines) in zip(COLOURS, curves.items(), strict=False):
            late = lines[len(lines) // 2 :]
            x, y = np.concatenate([np.asarray(line["metrics"])[:, :2] for line in late]).T
            axes.plot(x, y, ".", color=colour, markersize=5, alpha=0.5)
            slope, offset = np.polyfit(x, y, 1) if np.ptp(x) > 0 else (0.0, float(np.mean(y)))
            ends = np.array([x.min(), x.max()])
            axes.plot(ends, slope * ends + offset, color=colour, linewidth=2, label=name)
        axes.set_xlabel(names[0].replace("_", " "))
        axes.set_ylabel(names[1].replace("_", " "))
        axes.set_title(f"Scenario {title}: second half of training, every seed, and trend")
        axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5))
        with atomic_write(path) as file:
            figure.savefig(file, format="png", dpi=160)


def plot_fronts(
    path: Path,
    fronts: dict[str, list[Any]],
    front: list[list[float]],
    names: list[str],
    title: str,
) -> None:
    """What one policy that sees the weights reaches at each of them, every seed.

    Args:
      path: ends in .png.
      fronts: [S][F][2] by policy.
      front: the oracle's [F][2].
      names: of the two metrics.
      title: the scenario in words.
    """
    with mpl.rc_context(STYLE):
        figure = _figure(7.5, 4.8)
        axes = figure.subplots()
        axes.plot(
            *np.asarray(front).T, "o-", color=INK, linewidth=1.5, markersize=4, label="oracle"
        )
        for colour, (name, seeds) in zip(COLOURS, fronts.items(), strict=False):
            for i, points in enumerate(np.asarray(seeds)):
                label = name if i == 0 else None
                axes.plot(
                    *points.T, "o-", color=colour, lw=1.2, markersize=3, alpha=0.7, label=label
                )
        axes.set_xlabel(names[0].replace("_", " "))
        axes.set_ylabel(names[1].replace("_", " "))
        axes.set_title(f"Scenario {title}: one policy at all weights of the two metrics")
        axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5))
        with atomic_write(path) as file:
            figure.savefig(file, format="png", dpi=160)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure

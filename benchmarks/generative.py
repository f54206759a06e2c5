"""How good is a diffusion model's design? At every point of P1's Fig. 4, and at other antennas.

    python -m benchmarks.generative [--model FILE] [--num-channels 256] [--json FILE] [--card]

For each scenario the mean sum secrecy rate over that of the best known (a longer run of OPT in
float64, or any method here that is better on a channel), with the 95% confidence interval of the
ratio: RZF-NS, RZF-NS with aimed noise, the closed-form reference that the model's samples are
changes from, OPT, and the model with one sample, the best of eight, and OPT's iteration for two
steps after that.
Channels are drawn from a seed that nothing was trained or tuned on.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

import jaxsec
from benchmarks.points import FIGURE_4A, FIGURE_4B, FIGURE_4C, FIGURE_4D, Point
from benchmarks.report import Report, table
from jaxsec import cdm
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained
from jaxsec.channels import Channels
from jaxsec.precoding import gpip, reference
from jaxsec.precoding.closed_form import closed_form
from jaxsec.report import statistics

FIGURE_4 = tuple(
    dict.fromkeys(
        [
            *FIGURE_4A.values(),
            *FIGURE_4B.values(),
            *FIGURE_4C.values(),
            *(FIGURE_4D[noise] for noise in (-110, -90, -80)),
        ]
    )
)
"""The points that the shipped models' cards hold: all but the loudest noise."""
OTHER_ANTENNAS = tuple(Point(M=antennas) for antennas in (6, 16, 32))

BASELINES = ("rzf-ns", "rzf-ns-aimed", "closed form", "opt")


@dataclasses.dataclass(frozen=True)
class Arguments:
    model: Path | None = None
    """Weights to judge; the shipped ones by default."""
    num_channels: int = 256
    seed: int = 30260
    ddim_steps: int = cdm.DEFAULT_STEPS
    num_starts: int = 1
    """Starts of the reference."""
    num_steps: int = 60
    """Its steps."""
    only: tuple[int, int] | None = None
    """K and L, for a model of one size."""
    json: Path | None = None
    card: bool = False
    """Write what is measured into the model's card."""


def designs(model: cdm.Model, arguments: Arguments, channels: Channels):
    """Every contender's strategy, by its name."""
    key = jax.random.key(arguments.seed + 2)
    for name in BASELINES:
        if name == "closed form":
            yield name, closed_form(*channels, num_noise_beams=2)
        else:
            yield name, jaxsec.design(*channels, method=name)
    steps = arguments.ddim_steps
    yield "1 sample", cdm.design(key, model, *channels, num_steps=steps)
    if model.deterministic:
        return
    best = cdm.design(key, model, *channels, num_samples=8, num_steps=steps)
    yield "best of 8", best
    yield "best of 8 + 2", gpip.refine(best, *channels, num_steps=2)


def contenders(model: cdm.Model) -> tuple[str, ...]:
    """Names of what `designs` makes."""
    several = () if model.deterministic else ("best of 8", "best of 8 + 2")
    return (*BASELINES, "1 sample", *several)


def measure(model: cdm.Model, arguments: Arguments, scenario: jaxsec.Scenario) -> dict[str, float]:
    """Mean rates, ratios of means to best known, and their intervals."""
    key = jax.random.key(arguments.seed)
    channels = jaxsec.sample_channels(key, scenario, arguments.num_channels)
    rates = {
        name: np.asarray(jaxsec.sum_secrecy_rate(*strategy, *channels), np.float64)
        for name, strategy in designs(model, arguments, channels)
    }
    best = reference.best_known(
        jax.random.key(arguments.seed + 1),
        channels,
        num_starts=arguments.num_starts,
        num_steps=arguments.num_steps,
    )
    best = np.max([best, *rates.values()], axis=0)
    result = {"best known": float(best.mean())}
    for name, rate in rates.items():
        ratio = statistics.ratio_of_means(rate, best)
        result[name] = ratio.value
        result[f"{name} ci95"] = ratio.ci95 or 0.0
        result[f"{name} worst"] = ratio.worst
    return result


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures, prints, writes."""
    path = arguments.model or pretrained.FOLDER / "cdm-set.npz"
    report = Report("generative", argv, arguments.seed, arguments.num_channels)
    model = cdm_file.load(path)
    results: list[dict[str, Any]] = []
    for point in (*FIGURE_4, *OTHER_ANTENNAS):
        if arguments.only is not None and point[1:3] != arguments.only:
            continue
        if model.coordinates == "antenna" and point.M not in {size[0] for size in model.sizes}:
            continue
        if results and point[:3] != tuple(results[-1][axis] for axis in "MKL"):
            jax.clear_caches()  # hundreds of compiled programs are more than a process can map
        results.append(point._asdict() | measure(model, arguments, point.scenario()))
        print(f"{tuple(point)}: {results[-1]['1 sample']:.2%}", file=sys.stderr, flush=True)
    names = contenders(model)
    means = {name: float(np.mean([result[name] for result in results])) for name in names}
    if arguments.card:
        write_card(path, arguments, report, means, results)
    return report.finish(
        results,
        table(
            f"{path.stem}: of best known",
            ("M", "K", "L", "P dBm", "noise"),
            ("best known", *names),
            cells(results, means),
        ),
        path=arguments.json,
        mean=means,
        ddim_steps=arguments.ddim_steps,
        best_known={"num_starts": arguments.num_starts, "num_steps": arguments.num_steps},
    )


def cells(results: list[dict[str, Any]], means: dict[str, float]) -> list[list[str]]:
    """The table: a row a point, and the means."""
    rows = [
        [
            *(f"{result[axis]:g}" for axis in Point._fields),
            f"{result['best known']:.2f}",
            *(f"{result[name]:.2%} ± {result[f'{name} ci95']:.2%}" for name in means),
        ]
        for result in results
    ]
    return [*rows, ["mean", *[""] * 5, *(f"{means[name]:.2%}" for name in means)]]


def write_card(
    path: Path,
    arguments: Arguments,
    report: Report,
    means: dict[str, float],
    results: list[dict[str, Any]],
) -> None:
    """What was measured, into the model's card."""
    card = cdm_file.read_card(path)
    card["measured"] = {
        "command": report.command,
        "num_channels": arguments.num_channels,
        "seed": arguments.seed,
        "ddim_steps": arguments.ddim_steps,
        "mean": {name: round(value, 5) for name, value in means.items()},
        "points": [{key: round(value, 5) for key, value in result.items()} for result in results],
    }
    cdm_file.write_card(path, card)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

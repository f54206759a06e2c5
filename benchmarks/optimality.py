"""How close is OPT to the best known rate? In float32, at every point of P1's figures and beyond.

    python -m benchmarks.optimality [--num-channels 1000] [--json FILE]

For each scenario: mean sum secrecy rate with its 95% confidence interval of RZF-NS, plain OPT, OPT
and the best known (float64, several starts; the best of all methods a channel), and OPT's mean over
the best known mean, with the worst channel's own ratio. Channels are drawn from a seed that nothing
was tuned on.
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
from jaxsec.precoding import reference
from jaxsec.report import statistics

POINTS = (
    *(FIGURE_4A[power] for power in (0, 10, 20, 30)),
    Point(power_dbm=40.0),
    *(FIGURE_4B[eves] for eves in (2, 4, 6, 8)),
    *(FIGURE_4C[users] for users in (2, 3, 5, 6)),
    *(FIGURE_4D[noise] for noise in (-110, -90, -80, -70)),
    *(Point(K=users, power_dbm=-40.0) for users in (2, 4)),
    Point(K=8),
    Point(M=4, K=5),
    Point(M=4, K=8),
)
"""P1's figures; then −10 dB of link SNR; then as many users as antennas, and more."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    num_channels: int = 1000
    seed: int = 20260
    num_starts: int = 4
    """Starts of the reference; 12 where K ≥ M."""
    num_steps: int = 100
    json: Path | None = None


def measure(arguments: Arguments, point: Point) -> dict[str, Any]:
    """Mean rates, and their ratios to the best known, at one point."""
    full = point.K >= point.M  # as many users as antennas, or more
    channels = jaxsec.sample_channels(
        jax.random.key(arguments.seed), point.scenario(), arguments.num_channels
    )
    runs = {"rzf-ns": ("rzf-ns", 1), "opt-plain": ("opt-plain", 1), "opt": ("opt", 1)}
    if full:
        runs["opt, 8 starts"] = ("opt", 8)
    rates = {
        name: np.asarray(
            jaxsec.sum_secrecy_rate(
                *jaxsec.design(*channels, method=method, num_starts=starts), *channels
            ),
            np.float64,
        )
        for name, (method, starts) in runs.items()
    }
    best = reference.best_known(
        jax.random.key(arguments.seed + 1),
        channels,
        num_starts=12 if full else arguments.num_starts,
        num_steps=arguments.num_steps,
    )
    best = np.max([best, *rates.values()], axis=0)
    result: dict[str, Any] = point._asdict()
    for name, rate in {**rates, "best": best}.items():
        mean, ratio = statistics.mean_ci(rate), statistics.ratio_of_means(rate, best)
        result[name] = mean.value
        result[f"{name} ci95"] = mean.ci95
        result[f"{name} ratio"] = ratio.value
        result[f"{name} ratio ci95"] = ratio.ci95
        result[f"{name} worst ratio"] = ratio.worst
    return result


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures, prints, writes."""
    report = Report("optimality", argv, arguments.seed, arguments.num_channels)
    results = []
    for point in POINTS:
        results.append(measure(arguments, point))
        print(f"{tuple(point)}: done", file=sys.stderr, flush=True)
    return report.finish(
        results,
        table(
            "Mean sum secrecy rates, bit/s/Hz",
            ("M", "K", "L", "P dBm", "noise dBm"),
            ("RZF-NS", "OPT plain", "starts", "OPT", "best known", "OPT / best", "worst"),
            [row for result in results for row in cells(result)],
        ),
        path=arguments.json,
        best_known={"num_starts": arguments.num_starts, "num_steps": arguments.num_steps},
    )


def cells(result: dict[str, Any]) -> list[list[str]]:
    """Rows of the table: a point, by the number of OPT's starts."""
    return [
        [
            *(f"{result[axis]:g}" for axis in Point._fields),
            *(f"{result[method]:.2f}" for method in ("rzf-ns", "opt-plain")),
            starts,
            f"{result[name]:.2f}",
            str(statistics.Mean(result["best"], result["best ci95"])),
            f"{result[f'{name} ratio']:.2%}",
            f"{result[f'{name} worst ratio']:.2%}",
        ]
        for name, starts in (("opt", "1"), ("opt, 8 starts", "8"))
        if name in result
    ]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

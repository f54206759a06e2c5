"""How close is OPT to the best known rate? In float32, at every point of P1's figures and beyond.

    python benchmarks/optimality.py [--num-channels 1000] [--json FILE]

For each scenario: mean sum secrecy rate with its 95% confidence interval of RZF-NS, plain OPT, OPT
and the best known (float64, several starts; the best of all methods a channel), and OPT's fraction
of it, mean and worst channel. Channels are drawn from a seed that nothing was tuned on.
"""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import tyro
from points import Point, named, scenario
from rich.console import Console
from rich.table import Table

import jaxsec
from jaxsec.precoding import reference
from jaxsec.report import timing

POINTS = (
    *[(8, 2, 4, float(p), -100.0) for p in (0, 10, 20, 30, 40)],
    *[(8, 4, eves, 20.0, -100.0) for eves in (2, 4, 6, 8)],
    *[(8, users, 2, 20.0, -100.0) for users in (2, 3, 5, 6)],
    *[(8, 4, 2, 20.0, float(noise)) for noise in (-110, -90, -80, -70)],
    *[(8, users, 4, -40.0, -100.0) for users in (2, 4)],
    (8, 8, 4, 20.0, -100.0),
    (4, 5, 4, 20.0, -100.0),
    (4, 8, 4, 20.0, -100.0),
)
"""(M, K, L, transmit power in dBm, noise power in dBm).

P1's figures; then −10 dB of link SNR; then as many users as antennas, and more.
"""


@dataclasses.dataclass(frozen=True)
class Arguments:
    num_channels: int = 1000
    seed: int = 20260
    num_starts: int = 4
    """Starts of the reference; 12 where K ≥ M."""
    num_steps: int = 100
    json: Path | None = None


def measure(arguments: Arguments, point: Point) -> dict[str, float]:
    full = point[1] >= point[0]  # as many users as antennas, or more
    channels = jaxsec.sample_channels(
        jax.random.key(arguments.seed), scenario(point), arguments.num_channels
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
    result = named(point)
    for name, rate in {**rates, "best": best}.items():
        result[name] = float(rate.mean())
        result[f"{name} ci95"] = float(1.96 * rate.std() / np.sqrt(len(rate)))
        result[f"{name} mean ratio"] = float((rate / best).mean())
        result[f"{name} worst ratio"] = float((rate / best).min())
    return result


def main(arguments: Arguments) -> None:
    console = Console(width=110)
    table = Table(
        "M",
        "K",
        "L",
        "P dBm",
        "noise dBm",
        "RZF-NS",
        "OPT plain",
        "starts",
        "OPT",
        "best known",
        "OPT / best",
        "worst",
    )
    results = []
    for point in POINTS:
        result = measure(arguments, point)
        results.append(result)
        for name, starts in (("opt", "1"), ("opt, 8 starts", "8")):
            if name in result:
                table.add_row(
                    *[f"{x:g}" for x in point],
                    *[f"{result[method]:.2f}" for method in ("rzf-ns", "opt-plain")],
                    starts,
                    f"{result[name]:.2f}",
                    f"{result['best']:.2f} ± {result['best ci95']:.2f}",
                    f"{result[f'{name} mean ratio']:.2%}",
                    f"{result[f'{name} worst ratio']:.2%}",
                )
        console.print(f"(M, K, L) = {point[:3]}: done", style="dim")
    console.print(table)
    if arguments.json is not None:
        report = {"arguments": {**dataclasses.asdict(arguments), "json": str(arguments.json)}}
        report["hardware"] = timing.hardware()
        arguments.json.write_text(json.dumps({**report, "points": results}, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Arguments))

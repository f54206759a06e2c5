"""How many noise beams J does each objective want, and what do more of them cost?

    python -m benchmarks.noise_beams [--num-channels 256] [--num-noise-beams 2 4 6] [--json FILE]

Designs of `opt` with each number of noise beams: means of the objective over that of the first
number, with 95% intervals, and the time over it, in turns. Of least power, ratios are those of the
first power over the others'. It is asserted that by default none of the numbers is worth more.
"""

import dataclasses
import functools
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import tyro

import jaxsec
from benchmarks import objectives
from benchmarks.report import Claim, Report, table
from benchmarks.speed.turns import alternate
from jaxsec.channels import Channels
from jaxsec.channels.normalise import normalise
from jaxsec.methods import Gpip
from jaxsec.report import judge
from jaxsec.secrecy import Sum, TotalPower
from jaxsec.strategy import Strategy

ROWS: dict[str, tuple[Any, Any]] = {
    "sum": (Sum(), TotalPower()),
    "colluding": (Sum(colluding=True), TotalPower()),
    **objectives.ROWS,
}
ROUNDS = 3
WITHIN = 0.003
"""By which the default may be worse than the best number."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    num_channels: int = 256
    num_users: int = 2
    num_eavesdroppers: int = 4
    num_noise_beams: tuple[int, ...] = (2, 4, 6)
    rows: tuple[str, ...] = tuple(ROWS)
    """Names of the pairs of an objective and a power constraint."""
    seed: int = 20261
    json: Path | None = None


def measure(arguments: Arguments, channels: Channels, name: str) -> list[dict[str, Any]]:
    """A result for each number of noise beams, and for the default."""
    beams = (*arguments.num_noise_beams, None)
    designs = {j: functools.partial(_design, channels, name, j) for j in beams}
    values = {
        j: judge.objective_value(run(), channels, ROWS[name][0]) for j, run in designs.items()
    }
    named = {str(j): run for j, run in designs.items()}
    seconds = alternate(named, ROUNDS)
    first = beams[0]
    results = []
    for j in beams:
        gain = objectives.ratio(values[j], values[first])
        results.append(
            {
                "row": name,
                "J": "default" if j is None else j,
                "mean": float(values[j].mean()),
                "over the first": gain.value,
                "ci95": gain.ci95,
                "time over the first": seconds[str(j)] / seconds[str(first)],
            }
        )
    return results


def _design(channels: Channels, name: str, num_noise_beams: int | None) -> Strategy:
    key = jax.random.key(0)  # of no effect with one start
    method = Gpip(num_noise_beams=num_noise_beams)
    return method.aimed(key, channels, *ROWS[name]).strategy


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures, prints, writes."""
    report = Report("noise_beams", argv, arguments.seed, arguments.num_channels)
    scenario = jaxsec.Scenario(
        num_users=arguments.num_users, num_eavesdroppers=arguments.num_eavesdroppers
    )
    drawn = jaxsec.sample_channels(jax.random.key(arguments.seed), scenario, arguments.num_channels)
    channels = jax.tree.map(jnp.asarray, normalise(drawn))
    results, lost = [], 0.0
    for name in arguments.rows:
        found = measure(arguments, channels, name)
        best = max(r["over the first"] for r in found)
        lost = max(lost, 1.0 - found[-1]["over the first"] / best)
        results += found
        print(f"{name}: done", file=sys.stderr, flush=True)
    cells = [
        [
            r["row"],
            str(r["J"]),
            f"{r['mean']:.4g}",
            f"{r['over the first']:.2%} ± {r['ci95']:.2%}",
            f"{r['time over the first']:.2f}",
        ]
        for r in results
    ]
    title = f"Noise beams, K = {arguments.num_users}, L = {arguments.num_eavesdroppers}"
    return report.finish(
        results,
        table(title, ("objective", "J"), ("mean", "over the first", "time"), cells),
        [Claim("the default is worth what the best is", f"{lost:.2%} less", lost <= WITHIN)],
        arguments.json,
    )


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

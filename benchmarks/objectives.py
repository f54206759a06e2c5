"""How close is the ascent to the best known, by objective and power constraint, and how slow?

    python -m benchmarks.objectives [--num-channels 256] [--rows "least power"] [--json FILE]

For each size and pair of rows: the mean of the objective over that of the best known with its 95%
interval, the worst channel's own ratio, and the time over that of OPT for the sum of the rates. The
best known is the larger of the design and of a float64 ascent of more steps from more starts; where
problems are small, the first channels are also held against what shares no code with the ascent
(`independent`). Of least power, ratios are those of the power of the best known over the design's.
"""

import dataclasses
import functools
import sys
from pathlib import Path
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import tyro

import jaxsec
from benchmarks import independent
from benchmarks.report import Claim, Report, table
from benchmarks.speed.turns import alternate
from jaxsec.channels import Channels
from jaxsec.channels.normalise import normalise
from jaxsec.precoding import ascent, gpip
from jaxsec.report import judge, statistics
from jaxsec.secrecy import (
    AntennaPower,
    ConstantModulus,
    EnergyEfficiency,
    LeastPower,
    Sum,
    TotalPower,
    WorstUser,
)
from jaxsec.strategy import Strategy

Row = Literal["worst user", "energy efficiency", "per antenna", "constant modulus", "least power"]
ROWS: dict[Row, tuple[Any, Any]] = {
    "worst user": (WorstUser(), TotalPower()),
    "energy efficiency": (EnergyEfficiency(10.0, 1.0), TotalPower()),
    "per antenna": (Sum(), AntennaPower()),
    "constant modulus": (Sum(), ConstantModulus()),
    "least power": (LeastPower(5.0), TotalPower()),
}
UNCLAIMED: tuple[Row, ...] = ("constant modulus",)
"""Not held to the claims: of phases there are more local optima the more users there are."""
ROUNDS = 3
"""In which OPT and the designs are timed in turns."""
MOST_BEAMS = 6
"""K + J up to which the independent reference is asked: it takes seconds a channel."""
SIZES = ((2, 2), (2, 4), (4, 4), (4, 8), (6, 8))
"""Users K and eavesdroppers L, at 8 antennas."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    num_channels: int = 256
    sizes: int = len(SIZES)
    """How many of the sizes, from the smallest."""
    rows: tuple[Row, ...] = get_args(Row)
    """Names of the pairs of rows to measure: compiling one takes minutes."""
    seed: int = 20261
    num_starts: int = 6
    """Random starts of the reference and one, beside OPT's design and RZF-NS."""
    num_steps: int = 200
    """Steps of the reference."""
    num_independent: int = 4
    """Channels of the independent reference."""
    json: Path | None = None


def measure(arguments: Arguments, num_users: int, num_eves: int) -> list[dict[str, Any]]:
    """A result for each pair of rows at one size."""
    scenario = jaxsec.Scenario(num_users=num_users, num_eavesdroppers=num_eves)
    drawn = jaxsec.sample_channels(jax.random.key(arguments.seed), scenario, arguments.num_channels)
    channels = jax.tree.map(jnp.asarray, normalise(drawn))
    designs = {name: functools.partial(_design, channels, *ROWS[name]) for name in arguments.rows}
    seconds = alternate({"opt": lambda: gpip.opt(channels).strategy, **designs}, ROUNDS)
    return [
        {
            "K": num_users,
            "L": num_eves,
            "row": name,
            **against_best(arguments, channels, name, designs[name]()),
            "us_per_channel": 1e6 * seconds[name] / arguments.num_channels,
            "time over OPT": seconds[name] / seconds["opt"],
        }
        for name in arguments.rows
    ]


def _design(channels: Channels, objective: Any, constraint: Any) -> Strategy:
    return ascent(channels, objective=objective, constraint=constraint).strategy


def against_best(
    arguments: Arguments, channels: Channels, name: Row, strategy: Strategy
) -> dict[str, Any]:
    """The design of a pair of rows beside its references."""
    objective, constraint = ROWS[name]
    value = judge.objective_value(strategy, channels, objective)
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda x: jnp.asarray(np.asarray(x), _wide(x)), channels)
        found = ascent(
            wide,
            num_starts=arguments.num_starts,
            key=jax.random.key(arguments.seed + 1),
            num_steps=arguments.num_steps,
            objective=objective,
            constraint=constraint,
        )
        long = jax.tree.map(np.asarray, found.strategy)
    best = np.maximum(judge.objective_value(long, channels, objective), value)
    worth = ratio(value, best)
    count = arguments.num_independent if _beams(strategy) <= MOST_BEAMS else 0
    user, eve = np.asarray(channels.h_user), np.asarray(channels.h_eve)
    apart = np.array(
        [independent.best_value(user[n], eve[n], objective, constraint) for n in range(count)]
    )
    there = np.isfinite(apart)
    return {
        "mean": float(np.mean(value)),
        "ratio": worth.value,
        "ratio ci95": worth.ci95,
        "worst ratio": worth.worst,
        "independent": ratio(value[:count][there], apart[there]).value if there.any() else None,
        "independent channels": int(there.sum()),
    }


def ratio(value: np.ndarray, best: np.ndarray) -> statistics.Ratio:
    """Of the means, below 1 where the design is worse; powers are negative values."""
    return statistics.ratio_of_means(*((-best, -value) if best[0] < 0 else (value, best)))


def _beams(strategy: Strategy) -> int:
    return strategy.w.shape[-1] + strategy.v.shape[-1]


def _wide(x: Any) -> Any:
    return np.complex128 if np.iscomplexobj(x) else np.float64


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures, prints, writes."""
    report = Report("objectives", argv, arguments.seed, arguments.num_channels)
    results = []
    for size in SIZES[: arguments.sizes]:
        results += measure(arguments, *size)
        print(f"{size}: done", file=sys.stderr, flush=True)
    cells = [
        [
            f"{r['K']}",
            f"{r['L']}",
            r["row"],
            f"{r['mean']:.4g}",
            f"{r['ratio']:.2%} ± {r['ratio ci95']:.2%}",
            f"{r['worst ratio']:.2%}",
            "-" if r["independent"] is None else f"{r['independent']:.2%}",
            f"{r['time over OPT']:.1f}",
        ]
        for r in results
    ]
    return report.finish(
        results,
        table(
            "Objectives at 8 antennas",
            ("K", "L", "objective"),
            ("mean", "of best known", "worst", "of SLSQP", "time over OPT"),
            cells,
        ),
        check_claims([r for r in results if r["row"] not in UNCLAIMED]),
        arguments.json,
    )


def check_claims(results: list[dict[str, Any]]) -> list[Claim]:
    """What is claimed of the rows that are held to it; nothing where none was measured."""
    if not results:
        return []
    least = min(r["ratio"] for r in results)
    longest = max(r["time over OPT"] for r in results)
    return [
        Claim("means within 1% of the best known", f"{least:.2%}", least >= 0.99),
        Claim("at most 20 times OPT's time", f"{longest:.1f}", longest <= 20.0),
    ]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

"""OPT unfolded: a few steps with learned scalars, from the closed form or a network's design.

    python -m benchmarks.unfolded [--only rayleigh] [--num-channels 1024] [--json FILE]

For every number of steps and every start, on Rayleigh channels and on streets, the scalars of the
steps (`unfolding.steps`) are trained on channels drawn for that, one training each, and judged on
others beside the library's own steps (`gpip.opt`; from a network's design `gpip.refine`), those
with one momentum for all that is not learned, and from the closed form with the smoothing learned
alone, which is `gpip.opt` too. Rates are those of float32 designs judged in float64; "fewer" is the
gap to best known that learning closes, paired. Times are medians, turn and turn about, those of a
network's call included.
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro

from benchmarks.report import Claim, Report, table
from benchmarks.speed.turns import alternate
from benchmarks.unfolding import training
from benchmarks.unfolding.contenders import (
    CLOSED_FORM,
    POINTS,
    STARTS,
    STREET,
    Learned,
    Plan,
    contenders,
    train,
)
from benchmarks.unfolding.steps import Scalars
from jaxsec import checks, keys, sample_channels
from jaxsec.files.archive import check_outputs
from jaxsec.precoding import reference
from jaxsec.report import judge, statistics

ROUNDING = 1e-3
"""Of a rate of float32 beams, bit/s/Hz."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    only: str | None = None
    """One of the points, rayleigh or streets."""
    num_steps: tuple[int, ...] = (2, 3, 4, 8)
    starts: tuple[str, ...] = STARTS
    """The closed form, or shipped models."""
    num_channels: int = 1024
    num_updates: int = training.Config().num_updates
    rounds: int = 5
    """Of timing."""
    seed: int = 80260
    json: Path | None = None


def check(arguments: Arguments, names: Sequence[str]) -> None:
    """Whether all of it can be done.

    Raises:
      InputError: a point, a start or a number of steps is not known, or a file cannot be written.
    """
    for option, given, known in (
        ("--only", names, tuple(POINTS)),
        ("--starts", arguments.starts, STARTS),
    ):
        checks.require(
            bool(given) and set(given) <= set(known),
            f"`{option}` must be of {', '.join(known)}, but is {' '.join(given) or 'empty'}",
        )
    steps, most = arguments.num_steps, training.MAX_STEPS
    checks.require(
        bool(steps) and 1 <= min(steps) <= max(steps) <= most,
        f"`--num-steps` must lie in [1, {most}], but is {' '.join(map(str, steps)) or 'empty'}",
    )
    checks.check_at_least("--num-channels", arguments.num_channels, 2)
    check_outputs((), (arguments.json, ()))


class Row(NamedTuple):
    """What a contender reaches."""

    point: str
    start: str
    way: str
    num_steps: int
    rate: float
    of_best: float
    ci95: float
    """Of the ratio."""
    worst: float
    """Least of the channels' own ratios."""
    fewer: tuple[float, float] | None
    """Gap closed against as many of the library's own steps, share of best known, and its ± ."""
    lost: float
    """Most that a channel loses against the start, bit/s/Hz."""
    us: float
    """Microseconds a channel in the batch."""


def main(arguments: Arguments, argv: list[str]) -> int:
    """Trains, measures, prints, writes."""
    names = tuple(POINTS) if arguments.only is None else (arguments.only,)
    check(arguments, names)
    report = Report("unfolded", argv, arguments.seed, arguments.num_channels)
    config = training.Config(arguments.num_updates)
    plan = Plan(arguments.starts, arguments.num_steps, arguments.seed, config)
    rows, learned = [], []
    for name in names:
        began = time.perf_counter()
        found = train(plan, name)
        print(f"{name}: trained, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        rows += measure(plan, arguments, name, found)
        learned += [
            {"point": name, "start": start, "way": way, "num_steps": n, **plain(scalars)}
            for (start, way, n), scalars in found.items()
        ]
        print(f"{name}: measured", file=sys.stderr, flush=True)
    lost = max(row.lost for row in rows if row.way in ("momentum", "learned"))
    claim = Claim(
        "steps with momentum, learned or not, lose nothing of their start on any channel",
        f"{lost:.1g} bit/s/Hz at most",
        lost <= ROUNDING,
    )
    return report.finish(
        rows,
        table(
            "OPT unfolded: of best known",
            ("channels", "start", "steps"),
            ("number", "of best known", "gap", "fewer", "worst", "µs a channel"),
            cells(rows),
        ),
        [claim],
        arguments.json,
        notes=[f"streets: {STREET}; momentum: {training.MOMENTUM} for all steps, nothing learned"],
        learned=learned,
        training=config._asdict(),
    )


def measure(plan: Plan, arguments: Arguments, point: str, found: Learned) -> list[Row]:
    """What all contenders reach at a point."""
    key = keys.stream(plan.seed, f"unfolded/test/{point}")
    channels = sample_channels(key, POINTS[point], arguments.num_channels)
    runs = {one[:3]: one.design for one in contenders(plan, channels, found)}
    rates = {name: judge.secrecy_rates(run(), channels).sum(axis=-1) for name, run in runs.items()}
    key_best = keys.stream(plan.seed, f"unfolded/best/{point}")
    best = reference.best_known(key_best, channels, num_starts=3, num_steps=60)
    best = np.max([best, *rates.values()], axis=0)
    seconds = alternate({str(name): run for name, run in runs.items()}, arguments.rounds)
    rows = []
    for name, rate in rates.items():
        start, way, num_steps = name
        first = (start, "none", 0)
        spent = seconds[str(name)]
        if start != CLOSED_FORM and name != first:
            spent += seconds[str(first)]
        ratio = statistics.ratio_of_means(rate, best)
        against = (start, "plain", num_steps)
        fewer = None
        if way not in ("none", "plain"):
            closed = statistics.paired_difference(rate, rates[against])
            fewer = (closed.value / best.mean(), (closed.ci95 or 0.0) / best.mean())
        rows.append(
            Row(
                *(point, start, way, num_steps, float(rate.mean())),
                *(ratio.value, ratio.ci95 or 0.0, ratio.worst),
                fewer=fewer,
                lost=float(np.max(rates[first] - rate)),
                us=1e6 * spent / arguments.num_channels,
            )
        )
    return rows


def plain(scalars: Scalars) -> dict[str, list]:
    """The smoothing and sizes themselves, not their logarithms, and the momentum."""
    logarithms = scalars._asdict()
    momentum = np.asarray(logarithms.pop("momentum")).tolist()
    found = {name: np.exp(np.asarray(x)).tolist() for name, x in logarithms.items()}
    return {**found, "momentum": momentum}


def cells(rows: list[Row]) -> list[list[str]]:
    """The table, a line between starts."""
    made: list[list[str]] = []
    for before, row in zip([None, *rows], rows, strict=False):
        if before is not None and before[:2] != row[:2]:
            made.append([])
        made.append(
            [
                *(row.point, row.start, row.way, str(row.num_steps)),
                f"{row.of_best:.3%} ± {row.ci95:.3%}",
                f"{1.0 - row.of_best:.3%}",
                "" if row.fewer is None else "{:.3%} ± {:.3%}".format(*row.fewer),
                f"{row.worst:.2%}",
                f"{row.us:.1f}",
            ]
        )
    return made


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")

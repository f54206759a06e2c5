"""What a search of jamming's known reward finds, and in what time: quality against µs a slot.

    python -m benchmarks.jamming_front [--fresh-slots 4096] [--json FILE] [--figure FILE.png]

Shares are mean rewards over the oracle's on fresh slots, with 95% intervals over the slots. Times
are of batches, on the cores that the process may use: the least of the rounds, since others use the
machine too. `polish` starts from the rule by hand, as from any policy, whose time is not in it.
"""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import jax
import matplotlib as mpl
import numpy as np
import tyro

from benchmarks.report import Claim, Report, table
from jaxsec import checks, keys
from jaxsec.files.archive import check_outputs
from jaxsec.jamming import SCENARIOS, Environment, baselines, optimise, oracle
from jaxsec.report import statistics, style, timing
from jaxsec.rl import evaluation
from jaxsec.rl.collect import Slots

CLAIMED = {"quick": (0.986, 33.0), "standard": (0.991, 125.0)}
"""Of `dense`: least share of the oracle, and most µs a slot."""
KNOWN = [
    name
    for name, scenario in SCENARIOS.items()
    if scenario.knowledge == "exact" and scenario.battery is None
]
"""Scenarios whose reward is known when powers are set, and is all that they bear on."""
ROUNDS = 5
SMALLEST_GAP = 1e-5
"""To the oracle that the picture shows."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Search jamming slots at every setting; assert shares and times in `dense`."""

    quick: bool = False
    """Few slots, one round, the quick settings; no claims."""
    fresh_slots: int = 4096
    """Of each scenario."""
    seed: int = 7
    """Of the slots and of the random starts."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Also draw them."""


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the table and the claims; 1 if one fails."""
    checks.check_at_least("--fresh-slots", command.fresh_slots, 2)
    check_outputs((), (command.json, ()), (command.figure, (".png",)))
    num_slots = 64 if command.quick else command.fresh_slots
    report = Report("jamming_front", argv, command.seed, num_slots)
    rows = []
    for name in KNOWN:
        rows += measure(name, num_slots, command.seed, quick=command.quick)
    cells = [
        (
            row["scenario"],
            row["search"],
            f"{100 * row['of_oracle']:.2f} ± {100 * row['ci95']:.2f}",
            f"{row['us']:.1f}",
        )
        for row in rows
    ]
    title = "Search of jamming's known reward"
    shown = table(title, ("scenario", "search"), ("% of the oracle", "µs a slot"), cells)
    if command.figure is not None:
        plot(command.figure, rows)
    return report.finish(rows, shown, [] if command.quick else check_claims(rows), command.json)


def check_claims(rows: list[dict[str, Any]]) -> list[Claim]:
    """Shares and times that something is claimed of."""
    found = {row["search"]: row for row in rows if row["scenario"] == "dense"}
    return [
        Claim(
            f"{name} reaches {100 * share:.1f}% of the oracle in dense within {most:g} µs a slot",
            f"{100 * found[name]['of_oracle']:.2f}%, {found[name]['us']:.1f} µs",
            found[name]["of_oracle"] >= share and found[name]["us"] <= most,
        )
        for name, (share, most) in CLAIMED.items()
    ]


def measure(name: str, num_slots: int, seed: int, *, quick: bool) -> list[dict[str, Any]]:
    """A row a way to search, the oracle last."""
    environment = Environment(SCENARIOS[name])
    slots = evaluation.sample(environment, seed, num_slots)
    key = keys.stream(seed, "jamming_front")
    rule = jax.jit(jax.vmap(lambda state: baselines.heuristic(environment, state)))

    def search(setting: optimise.Setting) -> Callable[[], Any]:
        starts = None if setting.num_random else rule(slots.state)[:, None]
        return lambda: (
            optimise.best(environment, slots.state, starts=starts, key=key, setting=setting).action
        )

    ways = {"rule by hand": lambda: rule(slots.state)}
    ways |= {
        name: search(setting)
        for name, setting in optimise.SETTINGS.items()
        if not (quick and setting.num_random > 1)
    }
    effort = oracle.FEW if quick else None
    ways["oracle"] = lambda: oracle.best(environment, slots.state, key=key, effort=effort).action
    rounds = {way: 1 if quick or way == "oracle" else ROUNDS for way in ways}
    found = {way: timing.timed(act, rounds[way]) for way, act in ways.items()}
    best = rewards(environment, slots, found["oracle"][0])
    rows = []
    for way, (action, seconds) in found.items():
        ratio = statistics.ratio_of_means(rewards(environment, slots, action), best)
        us = 1e6 * min(seconds) / num_slots
        rows.append(
            {"scenario": name, "search": way, "of_oracle": ratio.value, "ci95": ratio.ci95,
             "us": us, "seconds": seconds}
        )  # fmt: skip
    return rows


def rewards(environment: Environment, slots: Slots, action: Any) -> np.ndarray:
    """[N] what actions give."""
    return np.asarray(_rewards(environment, slots, action), np.float64)


_rewards = jax.jit(evaluation.rewards, static_argnums=0)


def plot(path: Path, rows: list[dict[str, Any]]) -> None:
    """What is missing to the oracle against µs a slot, a panel a scenario."""
    with mpl.rc_context(style.STYLE):
        figure = style.blank(9.0, 4.2)
        panels = figure.subplots(1, len(KNOWN), sharey=True)
        for axes, colour, name in zip(panels, style.COLOURS, KNOWN, strict=False):
            shown = [row for row in rows if row["scenario"] == name]
            for i, row in enumerate(shown[:-1]):
                gap, half = 1.0 - row["of_oracle"], row["ci95"]
                point = row["us"], max(gap, SMALLEST_GAP)
                ends = [max(end, SMALLEST_GAP) for end in (gap - half, gap + half)]
                axes.plot([row["us"]] * 2, ends, color=colour, linewidth=1.5)
                axes.plot(*point, "o", color=colour)
                side = {"xytext": (-6, 3), "ha": "right"} if i % 2 else {"xytext": (6, -9)}
                axes.annotate(row["search"], point, textcoords="offset points", fontsize=9, **side)
            axes.axvline(shown[-1]["us"], color=style.INK, linestyle="--", linewidth=1)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.margins(x=0.2)
            axes.set_xlabel("µs a slot; dashed: the oracle's")
            axes.set_title(f"Scenario {name}")
        gaps = [0.1**n for n in range(1, 6)]
        panels[0].set_yticks(gaps, [style.gap_text(gap, SMALLEST_GAP) for gap in gaps])
        panels[0].set_ylim(0.3, 0.6 * SMALLEST_GAP)
        panels[0].set_ylabel("mean reward, below the oracle's by")
        style.save(figure, path)


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Command), sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")

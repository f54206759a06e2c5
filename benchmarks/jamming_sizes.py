"""One jamming policy for many sizes beside policies that were trained on a size each.

    python -m benchmarks.jamming_sizes --policy FILE [--single FILE ...] [--sizes 2x1 8x4 ...]

Every policy is judged at every size that it serves, on the same fresh slots: mean rewards over
those of the optimiser at its setting `thorough`, which knows the reward, with 95% intervals over
the slots. At sizes that have a policy of their own, the policy for many is set against it in pairs.
A policy with several seeds counts by the mean over them.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro

from benchmarks.jamming_front import rewards
from benchmarks.jamming_hidden import acted
from benchmarks.report import Claim, Report, table
from jaxsec import checks, keys
from jaxsec.files.archive import check_outputs
from jaxsec.jamming import Environment, baselines, optimise, sizes
from jaxsec.jamming import file as policy_file
from jaxsec.jamming.file import Trained
from jaxsec.jamming.sizes import Size
from jaxsec.report import statistics
from jaxsec.rl import evaluation

REFERENCE = optimise.SETTINGS["thorough"]
MAX_LOSS = 0.015
"""Of the reference, that one policy may cost at a size which had its turns in training."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge a policy for many sizes at each of them, and beside policies for one."""

    policy: Path
    """Trained on many sizes."""
    single: tuple[Path, ...] = ()
    """Trained on one size each, in the same scenario otherwise."""
    sizes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="AxE ...")] = ()
    """Where to judge; by default where the policy was trained."""
    fresh_slots: int = 2048
    """Of each size."""
    seed: int = 7
    """Of the slots, and of all that searches at random."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


def main(command: Command, argv: list[str]) -> int:
    """Measures and prints the tables and the claims; 1 if one fails."""
    checks.check_at_least("--fresh-slots", command.fresh_slots, 2)
    check_outputs((), (command.json, ()))
    many = policy_file.load(command.policy)
    singles = [policy_file.load(path) for path in command.single]
    checks.require(
        bool(many.sizes), f"`--policy` must be trained by `--sizes`, but {command.policy} is not"
    )
    for path, one in zip(command.single, singles, strict=True):
        checks.require(
            one.scenario == many.at(sizes.of(one.scenario)).scenario and not one.sizes,
            f"`--single` must be trained on one size of the policy's scenario, but {path} is not",
        )
    own = [str(sizes.of(one.scenario)) for one in singles]
    checks.require(
        len(set(own)) == len(own),
        f"`--single` must name one policy a size, but has those of {', '.join(own)}",
    )
    where = tuple(sizes.parse("--sizes", text) for text in command.sizes) or many.sizes
    report = Report("jamming_sizes", argv, command.seed, command.fresh_slots)
    rows = []
    for size in where:
        rows += measure(size, many, singles, command.fresh_slots, command.seed)
    return report.finish(rows, tables(rows), check_claims(rows), command.json)


def measure(
    size: Size, many: Trained, singles: list[Trained], num_slots: int, seed: int
) -> list[dict[str, Any]]:
    """A row a way to act at a size, the rule by hand first."""
    environment = Environment(many.at(size).scenario)
    slots = evaluation.sample(environment, seed, num_slots)
    key = keys.stream(seed, f"jamming_sizes/{size}")
    found = optimise.best(environment, slots.state, key=key, setting=REFERENCE)
    best = rewards(environment, slots, found.action)
    rule = jax.jit(jax.vmap(lambda state: baselines.heuristic(environment, state)))
    ours, us = acted(many.at(size), environment, slots, key)
    rows = [
        row(size, "rule by hand", rewards(environment, slots, rule(slots.state)), best),
        row(size, "policy", ours, best, us=us, trained_here=size in many.sizes),
    ]
    for single in singles:
        own = size == sizes.of(single.scenario)
        if own or single.config.network != "flat":
            theirs, us = acted(single.at(size), environment, slots, key)
            way = f"trained at {sizes.of(single.scenario)}"
            rows.append(row(size, way, theirs, best, us=us, trained_here=own))
            if own:
                rows[-1]["policy_less"] = less(ours, theirs, best)
    return rows


def row(size: Size, way: str, reward: np.ndarray, best: np.ndarray, **more: Any) -> dict[str, Any]:
    """What a way to act reaches."""
    ratio = statistics.ratio_of_means(reward, best)
    return {"size": str(size), "way": way, "of_best": ratio.value, "ci95": ratio.ci95, **more}


def less(ours: np.ndarray, theirs: np.ndarray, best: np.ndarray) -> list[float]:
    """Mean of ours − theirs and its half width, over the mean of the best."""
    difference, mean = statistics.paired_difference(ours, theirs), float(np.mean(best))
    assert difference.ci95 is not None  # there are at least two slots
    return [difference.value / mean, difference.ci95 / mean]


def tables(rows: list[dict[str, Any]]) -> list[Any]:
    """Of all ways to act, sizes down; of the differences, if there are any."""
    ways = list(dict.fromkeys(row["way"] for row in rows))
    cells: dict[str, dict[str, str]] = {}
    for one in rows:
        mark = "*" if one.get("trained_here") else " "
        said = f"{100 * one['of_best']:.2f} ± {100 * one['ci95']:.2f}{mark}"
        cells.setdefault(one["size"], {})[one["way"]] = said
    title = "% of the optimiser's mean reward; * where it was trained"
    shares = [(size, *(said.get(way, "") for way in ways)) for size, said in cells.items()]
    made = [table(title, ("size",), ways, shares)]
    differences = [(one["size"], one["way"], _stated(one)) for one in _compared(rows)]
    if differences:
        title = "The policy less that of the size, in points"
        made.append(table(title, ("size", "trained there"), ("points",), differences))
    return made


def check_claims(rows: list[dict[str, Any]]) -> list[Claim]:
    """One a size that both have been trained on."""
    return [
        Claim(
            f"at {one['size']} one policy for many sizes is within {100 * MAX_LOSS:g} points of "
            f"one {one['way']}",
            _stated(one),
            one["policy_less"][0] - one["policy_less"][1] >= -MAX_LOSS,
        )
        for one in _compared(rows)
    ]


def _compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of policies at the size that they were trained on."""
    return [one for one in rows if "policy_less" in one]


def _stated(row: dict[str, Any]) -> str:
    """The difference, in points."""
    mean, half = row["policy_less"]
    return f"{100 * mean:+.2f} ± {100 * half:.2f}"


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Command), sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")

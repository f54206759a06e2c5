"""Powers set without knowing the eavesdroppers: policies against searches on what is known.

    python -m benchmarks.jamming_hidden [--policy FILE ...] [--fresh-slots 4096] [--json FILE]

In the scenarios whose eavesdroppers' gains are noisy, hidden or sensed: mean rewards over those of
the oracle, which sees the truth, on fresh slots, with 95% intervals over the slots; and paired
differences of each policy to the searches, in points of the oracle; of each policy alone, and with
ten steps up the mean reward over draws after it. A policy with several seeds counts by the mean
over them. Times are of batches, on the cores that the process may use: the least
of the rounds, since others use the machine too; a search on draws includes drawing them.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from benchmarks.jamming_front import rewards
from benchmarks.report import Report, table
from jaxsec import checks, keys
from jaxsec.files.archive import check_outputs
from jaxsec.jamming import (
    SCENARIOS,
    Environment,
    baselines,
    expected,
    optimise,
    oracle,
    partial,
    posterior,
)
from jaxsec.jamming import file as policy_file
from jaxsec.jamming.file import Trained
from jaxsec.report import statistics, timing
from jaxsec.rl import evaluation
from jaxsec.rl.collect import Slots
from jaxsec.rl.learner import Agent

PARTIAL = [name for name, scenario in SCENARIOS.items() if scenario.knowledge != "exact"]
ROUNDS = 2


class Way(NamedTuple):
    """One way to act, on the same slots as all others."""

    name: str
    reward: np.ndarray
    """[N]"""
    us: float
    is_policy: bool


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge policies beside searches where eavesdroppers are not known exactly."""

    policy: tuple[Path, ...] = ()
    """Trained policies, each judged in the scenario that it was trained on."""
    scenarios: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="{" + ",".join(PARTIAL) + "} ...")
    ] = tuple(PARTIAL)
    """Where to judge."""
    quick: bool = False
    """Few slots, one round, a quick oracle."""
    fresh_slots: int = 4096
    """Of each scenario."""
    seed: int = 7
    """Of the slots, and of all that searches or acts at random."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


def main(command: Command, argv: list[str]) -> int:
    """Measures and prints the tables."""
    checks.check_at_least("--fresh-slots", command.fresh_slots, 2)
    check_outputs((), (command.json, ()))
    for name in command.scenarios:
        checks.require(
            name in PARTIAL, f"`--scenarios` must be of {', '.join(PARTIAL)}, but has {name!r}"
        )
    trained = {path: policy_file.load(path) for path in command.policy}
    judged = [SCENARIOS[name] for name in command.scenarios]
    for path, one in trained.items():
        checks.require(
            one.scenario in judged,
            f"`--policy` must be trained on one of {', '.join(command.scenarios)}, "
            f"but {path} is not",
        )
    num_slots = 32 if command.quick else command.fresh_slots
    report = Report("jamming_hidden", argv, command.seed, num_slots)
    rows = []
    for name in command.scenarios:
        policies = {p: one for p, one in trained.items() if one.scenario == SCENARIOS[name]}
        ways = measure(name, policies, num_slots, command.seed, quick=command.quick)
        rows += stated(name, ways)
    return report.finish(rows, [shares(rows), *differences(rows)], (), command.json)


def measure(
    name: str, policies: dict[Path, Trained], num_slots: int, seed: int, *, quick: bool
) -> list[Way]:
    """All ways to act, the oracle first."""
    environment = Environment(SCENARIOS[name])
    slots = evaluation.sample(environment, seed, num_slots)
    key, effort = keys.stream(seed, "jamming_hidden"), oracle.FEW if quick else None
    others = evaluation.sample(environment, seed + 1, num_slots)
    constant = baselines.best_constant(environment, others.state, key=key)
    rule = jax.jit(jax.vmap(lambda state: baselines.heuristic(environment, state)))
    known = partial.estimated(environment, slots.state)
    acts: dict[str, Callable[[], Any]] = {
        "oracle": lambda: oracle.best(environment, slots.state, key=key, effort=effort).action,
        **partial.searches(environment, slots.state, key),
        "rule by hand": lambda: rule(known),
        "best constant": lambda: jnp.broadcast_to(constant[None], (num_slots, constant.size)),
    }
    ways = []
    for way, act in acts.items():
        action, seconds = timing.timed(act, 1 if quick or way == "oracle" else ROUNDS)
        us = 1e6 * min(seconds) / num_slots
        ways.append(Way(way, rewards(environment, slots, action), us, is_policy=False))
    for path, trained in policies.items():
        reward, us = acted(trained, environment, slots, key)
        ways.append(Way(path.parent.name, reward, us, is_policy=True))
        for number in partial.NUMBERS_OF_DRAWS:
            reward, us = acted(trained, environment, slots, key, number)
            name = f"{path.parent.name}, ten steps on {number} draws"
            ways.append(Way(name, reward, us, is_policy=True))
    return ways


def acted(
    trained: Trained, environment: Environment, slots: Slots, key: jax.Array, num_draws: int = 0
) -> tuple[np.ndarray, float]:
    """Rewards [N], means over seeds, and the µs a slot of one seed; with draws, actions take ten
    steps up their mean reward over so many draws of the posterior."""

    def act(actor: Any) -> jax.Array:
        action = _act(trained.agent, actor, key, slots.observation)
        if not num_draws:
            return action
        drawn = posterior.draws(environment, slots.state, num_draws, keys.stream(key, "steps"))
        options = {"starts": action[:, None], "setting": optimise.SETTINGS["polish"]}
        return expected.best(environment, slots.state, drawn, **options).action

    found, seconds = [], []
    for seed in range(trained.num_seeds):
        actor = jax.tree.map(lambda x, seed=seed: x[seed], trained.actor)
        action, spans = timing.timed(functools.partial(act, actor), ROUNDS)
        found.append(rewards(environment, slots, action))
        seconds += spans
    return np.mean(found, axis=0), 1e6 * min(seconds) / len(slots.observation)


@functools.partial(jax.jit, static_argnums=0)
def _act(agent: Agent, actor: Any, key: jax.Array, observation: jax.Array) -> jax.Array:
    return agent.act(actor, key, observation)


def stated(scenario: str, ways: list[Way]) -> list[dict[str, Any]]:
    """Rows: shares of the oracle, and of a policy its differences to the searches."""
    best, rows = ways[0].reward, []
    for way in ways:
        ratio = statistics.ratio_of_means(way.reward, best)
        row: dict[str, Any] = {
            "scenario": scenario,
            "way": way.name,
            "of_oracle": ratio.value,
            "ci95": ratio.ci95,
            "us": way.us,
        }
        if way.is_policy:
            row["less"] = {
                other.name: less(way.reward, other.reward, best)
                for other in ways
                if other.name.startswith("opt on")
            }
        rows.append(row)
    return rows


def less(ours: np.ndarray, theirs: np.ndarray, best: np.ndarray) -> list[float | None]:
    """Mean of ours − theirs and its half width, over the mean of the oracle's."""
    difference, mean = statistics.paired_difference(ours, theirs), float(np.mean(best))
    return [difference.value / mean, None if difference.ci95 is None else difference.ci95 / mean]


def shares(rows: list[dict[str, Any]]) -> Any:
    """The table of all ways."""
    return table(
        "Powers set without knowing the eavesdroppers",
        ("scenario", "way"),
        ("% of the oracle", "µs a slot"),
        [
            (
                row["scenario"],
                row["way"],
                f"{100 * row['of_oracle']:.2f} ± {100 * row['ci95']:.2f}",
                f"{row['us']:.1f}",
            )
            for row in rows
        ],
    )


def differences(rows: list[dict[str, Any]]) -> list[Any]:
    """The table of policies less searches, if there are policies."""
    cells = [
        (row["scenario"], row["way"], other, f"{100 * mean:+.2f} ± {100 * half:.2f}")
        for row in rows
        for other, (mean, half) in row.get("less", {}).items()
    ]
    heading = ("scenario", "policy", "less")
    made = table("Paired differences", heading, ("points of the oracle",), cells)
    return [made] if cells else []


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Command), sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")

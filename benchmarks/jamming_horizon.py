"""Powers set from batteries that last over an episode: policies against model-predictive search.

    python -m benchmarks.jamming_horizon --policy FILE ... [--episodes 256] [--json FILE]

In scenario `battery`, on episodes that no policy has seen, the same fading and harvests for all:
mean rewards a slot, over those of model-predictive search (`jaxsec.jamming.horizon`), with 95%
intervals over the episodes; and paired differences to the optimiser of the slot's reward alone,
which spends what is there. The best constant share of what a battery holds is chosen on episodes of
its own. A policy with several seeds counts by the mean over them. Times are of all episodes side by
side on the cores that the process may use, and include the environment's steps; the clairvoyant's
has its one plan an episode. Claimed is that every policy is ahead of the optimiser, outside the
interval, and reaches 95% of model-predictive search.
"""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from benchmarks.report import Claim, Report, table
from jaxsec import checks, keys
from jaxsec.files.archive import check_outputs
from jaxsec.jamming import SCENARIOS, Environment, episodes, horizon
from jaxsec.jamming import file as policy_file
from jaxsec.jamming.episodes import Episodes, Way
from jaxsec.jamming.horizon import Horizon
from jaxsec.report import statistics, timing

SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
CLAIMED = 0.95
"""Of model-predictive search."""
SEARCH, MYOPIC = "model-predictive search", "optimiser of the slot"


class Acted(NamedTuple):
    """What a way to act has come to, on the same episodes as all others."""

    name: str
    reward: np.ndarray
    """[N] means over the slots of each episode."""
    us: float
    is_policy: bool = False


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge policies beside searches where batteries last over an episode."""

    policy: tuple[Path, ...] = ()
    """Trained in scenario battery."""
    quick: bool = False
    """Few episodes, a short horizon; no claims."""
    episodes: int = 256
    """That all are judged on."""
    seed: int = 7
    """Of the episodes, and of all that searches or acts at random."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the tables and the claims; 1 if one fails."""
    checks.check_at_least("--episodes", command.episodes, 2)
    check_outputs(command.policy, (command.json, ()))
    scenario = SCENARIOS["battery"]
    trained = {path: policy_file.load(path) for path in command.policy}
    for path, one in trained.items():
        checks.require(one.scenario == scenario, f"{path}: was not trained in scenario battery")
    count = 4 if command.quick else command.episodes
    report = Report("jamming_horizon", argv, command.seed, count)
    environment = Environment(scenario)
    known = episodes.sample(environment, command.seed, count)
    acted = list(measure(environment, known, command.seed, quick=command.quick))
    for path, one in trained.items():
        ways = [
            episodes.learned(environment, one.agent, jax.tree.map(lambda x, i=i: x[i], one.actor))
            for i in range(one.num_seeds)
        ]
        found = [act(path.parent.name, environment, known, way, command.seed) for way in ways]
        reward = np.mean([of_seed.reward for of_seed in found], axis=0)
        acted.append(Acted(path.parent.name, reward, min(one.us for one in found), is_policy=True))
    rows = stated(acted)
    claims = [] if command.quick else check_claims(rows)
    return report.finish(rows, shown(rows), claims, command.json)


def measure(
    environment: Environment, known: Episodes, seed: int, *, quick: bool
) -> Iterator[Acted]:
    """What needs no learning."""
    count = known.keys.shape[1]
    ahead = Horizon(3, 2, 1) if quick else Horizon()
    search = episodes.predictive(environment, count, ahead)
    yield act(SEARCH, environment, known, search, seed, rounds=1)
    yield clairvoyant(environment, known, seed, quick=quick)
    yield act(MYOPIC, environment, known, episodes.myopic(environment), seed)
    others = episodes.sample(environment, seed + 1, count)
    shares = SHARES[:1] if quick else SHARES
    tried = [
        np.mean(act("", environment, others, episodes.share(environment, part), seed).reward)
        for part in shares
    ]
    best = shares[int(np.argmax(tried))]
    name = f"{MYOPIC} on {best:g} of what is there"
    yield act(name, environment, known, episodes.share(environment, best), seed)


def act(
    name: str, environment: Environment, known: Episodes, way: Way, seed: int, rounds: int = 2
) -> Acted:
    """Goes through all episodes."""
    key = keys.stream(seed, "jamming_horizon")
    run = jax.jit(lambda known, key: episodes.run(environment, known, way, key=key)[0])
    reward, seconds = timing.timed(lambda: run(known, key), rounds)
    mean = np.mean(np.asarray(reward, np.float64), axis=0)
    return Acted(name, mean, 1e6 * min(seconds) / reward.size)


def clairvoyant(environment: Environment, known: Episodes, seed: int, *, quick: bool) -> Acted:
    """The one that knows all that comes: local optima of its plan, hence no bound."""
    key = keys.stream(seed, "jamming_horizon/clairvoyant")
    idle = episodes.planned(jnp.full((*known.keys.shape, environment.action_size), -1.0))
    truth = jax.jit(lambda: episodes.run(environment, known, idle)[1])()
    setting = horizon.SETTING if quick else horizon.CLAIRVOYANT
    actions, seconds = timing.timed(
        lambda: horizon.clairvoyant(environment, truth, key=key, setting=setting), 1
    )
    found = act("clairvoyant", environment, known, episodes.planned(actions), seed)
    return found._replace(us=found.us + 1e6 * min(seconds) / known.keys.size)


def stated(acted: list[Acted]) -> list[dict[str, Any]]:
    """Rows: means, shares of the search, differences to the optimiser of the slot."""
    reference = {one.name: one.reward for one in acted}
    rows = []
    for one in acted:
        mean = statistics.mean_ci(one.reward)
        ratio = statistics.ratio_of_means(one.reward, reference[SEARCH])
        ahead = statistics.paired_difference(one.reward, reference[MYOPIC])
        rows.append(
            {"way": one.name, "is_policy": one.is_policy, "reward": mean.value,
             "reward_ci95": mean.ci95, "of_search": ratio.value, "ci95": ratio.ci95,
             "ahead": ahead.value, "ahead_ci95": ahead.ci95, "us": one.us}
        )  # fmt: skip
    return rows


def check_claims(rows: list[dict[str, Any]]) -> list[Claim]:
    """Two of every policy."""
    claims = []
    for row in rows:
        if not row["is_policy"]:
            continue
        ahead = f"{row['ahead']:.3f} ± {row['ahead_ci95']:.3f}"
        claims += [
            Claim(
                f"{row['way']} is ahead of the {MYOPIC}", ahead, row["ahead"] > row["ahead_ci95"]
            ),
            Claim(
                f"{row['way']} reaches {100 * CLAIMED:g}% of {SEARCH}",
                f"{100 * row['of_search']:.2f}%",
                row["of_search"] >= CLAIMED,
            ),
        ]
    return claims


def shown(rows: list[dict[str, Any]]) -> Any:
    """The table of all ways."""
    return table(
        "Batteries that last over an episode",
        ("way",),
        ("reward a slot", f"% of {SEARCH}", f"ahead of the {MYOPIC}", "µs a slot"),
        [
            (
                row["way"],
                f"{row['reward']:.3f} ± {row['reward_ci95']:.3f}",
                f"{100 * row['of_search']:.2f} ± {100 * row['ci95']:.2f}",
                f"{row['ahead']:+.3f} ± {row['ahead_ci95']:.3f}",
                f"{row['us']:.1f}",
            )
            for row in rows
        ],
    )


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Command), sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")

"""Jamming policies trained and judged alike: tables and pictures after P2's Fig. 4."""

import dataclasses
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxsec import checks
from jaxsec.files.archive import check_writable
from jaxsec.jamming import file as policy_file
from jaxsec.jamming import judge, oracle
from jaxsec.jamming import report as reports
from jaxsec.jamming import train as jamming_train
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.jamming.judge import Bounds
from jaxsec.jamming.report import Against
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.report import console, timing
from jaxsec.report.style import COLOURS
from jaxsec.rl import evaluation
from jaxsec.rl import run as rl_run
from jaxsec.rl.collect import Slots
from jaxsec.rl.config import Config
from jaxsec.rl.table import POLICIES

FLAT: dict[str, dict[str, Any]] = {
    "moe-gdm": {"policy": "moe-gdm"},
    "gdm": {"policy": "gdm"},
    "mlp": {"policy": "mlp"},
    "ddpg": {"policy": "ddpg"},
    "true-gradient": {
        "policy": "mlp",
        "gradient": "environment",
        "width": 256,
        "num_slots": 1024,
        "replay_size": 1024,
        "actor_learning_rate": 3e-3,
        "critic_warmup": 0,
    },
}
"""What differs between them: a policy, or, as a reference that is to be near what can be reached,
a larger network on the reward's own gradient, which needs no critics to be ready."""
_EQUIVARIANT = {"network": "equivariant", "width": 64, "critic_width": 64}
CONTENDERS = (
    FLAT
    | {f"{name}-equivariant": FLAT[name] | _EQUIVARIANT for name in POLICIES}
    | {
        "smooth-gradient": {
            "policy": "mlp",
            "gradient": "smooth",
            "num_slots": 128,
            "batch_size": 128,
            "replay_size": 128,
            "critic_warmup": 0,
        }
        | _EQUIVARIANT
    }
)
"""Those, the policies with networks that keep to the observation's symmetries, and such a network
on the smooth reward's gradient."""
UNTUNED: dict[str, Any] = {
    "bound": "clip",
    "prediction": "noise",
    "actor_learning_rate": 1e-4,
    "critic_learning_rate": 1e-4,
    "weight_decay": 1e-4,
    "decay": "none",
    "critic_warmup": 0,
    "exploration": 0.1,
}
"""As the public GDM framework has it; with it goes an action that is linear in watt."""
FRONT = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
"""Weights of the first metric over those of both, at which the oracle's front is traced."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How policies are compared.

    Raises:
      InputError: a number is out of its range.
    """

    seeds: tuple[int, ...]
    """Of trainings, side by side."""
    every: int
    """Updates between points of the learning curves."""
    fresh_slots: int
    """Of the judgement."""
    num_candidates: int
    """Actions of which the critics, or the true reward, choose; 1 for none of this."""
    seed: int
    """Of the fresh slots."""

    def __post_init__(self) -> None:
        checks.check_at_least("--fresh-slots", self.fresh_slots, 1)
        checks.check_at_least("--num-candidates", self.num_candidates, 1)


class Judged(NamedTuple):
    """What policies have come to."""

    rows: list[dict[str, Any]]
    """As JSON."""
    stated: Against
    """How the rows and the curves state rewards."""
    bounds: Bounds
    """Oracle and baselines on the curves' slots."""
    slots: Slots
    """Those."""
    curves: dict[str, list[dict[str, Any]]]
    """Lines of metrics.jsonl by policy."""


def check_policies(policies: tuple[str, ...]) -> tuple[str, ...]:
    """Names of `CONTENDERS`, each once.

    Raises:
      InputError: there is none, one is unknown, or there are more than a picture has colours for.
    """
    checks.require(bool(policies), "`--policies` must name at least one policy")
    for name in policies:
        checks.require(
            name in CONTENDERS,
            f"`--policies` must be of {', '.join(CONTENDERS)}, but has {name!r}",
        )
    once = tuple(dict.fromkeys(policies))
    checks.require(
        len(once) <= len(COLOURS),
        f"`--policies` must name at most {len(COLOURS)}, a colour each, but names {len(once)}",
    )
    return once


def compare(
    folder: Path,
    scenario: JammingScenario,
    configs: dict[str, Config],
    settings: Settings,
    *,
    title: str,
    argv: list[str],
) -> None:
    """Trains, judges, prints the table, and writes the report and the pictures.

    Args:
      folder: gets a folder a policy, report.json, curves.png and metrics.png.
      scenario: the task.
      configs: how each policy learns, by its name.
      settings: how they are compared.
      title: the scenario in words.
      argv: the command, for the report and the cards.

    Raises:
      InputError: a file cannot be written, a policy's folder has another run, or the scenario has
        batteries.
    """
    judge.check_slots(scenario)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("report.json", "curves.png", "metrics.png"):
        check_writable(folder / name)
    trained = {
        name: jamming_train.train(
            folder / name,
            scenario,
            config,
            name=name,
            seeds=list(settings.seeds),
            every=settings.every,
            argv=argv,
        )
        for name, config in configs.items()
    }
    environment = Environment(scenario)
    slots = evaluation.sample(environment, settings.seed, settings.fresh_slots)
    judged = _judge(folder, environment, trained, slots, settings)
    report = {
        "command": shlex.join(["jaxsec", *argv]),
        **policy_file.describe(scenario, next(iter(configs.values()))),
        "training": {name: dataclasses.asdict(config) for name, config in configs.items()},
        "seeds": list(settings.seeds),
        "fresh_slots": settings.fresh_slots,
        "hardware": timing.hardware(),
        **_report(environment, trained, slots, judged),
    }
    console.write_json(folder / "report.json", report)
    drawn = _plot(folder, scenario, report, judged, title)
    reports.show(
        judged.rows,
        f"Scenario {title}: {settings.fresh_slots} fresh slots, {len(settings.seeds)} seeds",
    )
    for path in (folder / "report.json", *drawn):
        print(f"written to {path}")


def _judge(
    folder: Path,
    environment: Environment,
    trained: dict[str, Trained],
    slots: Slots,
    settings: Settings,
) -> Judged:
    """All policies on fresh slots, and the curves that their trainings have left."""
    bounds = judge.bounds(environment, slots, settings.seed)
    stated = reports.against(bounds.best)
    rows = list(bounds.rows)
    for name, one in trained.items():
        rows += judge.judge(name, one, environment, slots, settings.seed, settings.num_candidates)
    curve_slots = evaluation.sample(
        environment, jamming_train.CURVE_SEED, jamming_train.CURVE_SLOTS
    )
    return Judged(
        reports.report(rows, stated, environment.scenario),
        stated,
        judge.bounds(environment, curve_slots, jamming_train.CURVE_SEED),
        curve_slots,
        {name: rl_run.read(folder / name) for name in trained},
    )


def _report(
    environment: Environment, trained: dict[str, Trained], slots: Slots, judged: Judged
) -> dict[str, Any]:
    """What the judgement adds to the report."""
    scenario = environment.scenario
    report = {
        "stated": judged.stated.kind,
        "rows": judged.rows,
        "parameters": {name: one.num_parameters for name, one in trained.items()},
        "seconds": {name: lines[-1]["seconds"] for name, lines in judged.curves.items()},
        "experts": {
            name: judge.expert_load(one, slots)
            for name, one in trained.items()
            if one.config.policy == "moe-gdm"
        },
        "curve_bounds": {row.name: float(row.reward[0]) for row in judged.bounds.rows},
    }
    if len(scenario.metrics) > 1:
        weightings = _weightings(len(scenario.metrics))
        front = oracle.front(environment, judged.slots.state, weightings)
        report["front"] = np.asarray(front)[:, :2].tolist()  # [F][2]
        if scenario.preferences:
            report["fronts"] = {  # [S][F][2]
                name: np.asarray(judge.front(one, environment, judged.slots, weightings, seed=0))[
                    :, :, :2
                ].tolist()
                for name, one in trained.items()
            }
    return report


def _weightings(num_metrics: int) -> np.ndarray:
    """[F, W] factors of the metrics' weights: the first two in turn, the others as they are."""
    others = np.ones((len(FRONT), num_metrics - 2))
    both = (2 * FRONT[:, None], 2 - 2 * FRONT[:, None], others)
    return np.concatenate(both, axis=1).astype(np.float32)


def _plot(
    folder: Path, scenario: JammingScenario, report: dict[str, Any], judged: Judged, title: str
) -> list[Path]:
    """The pictures; returns where they are."""
    from jaxsec.jamming import figure

    paths = [folder / "curves.png", folder / "metrics.png"]
    stated = judged.stated._replace(oracle=report["curve_bounds"]["oracle"])
    figure.plot_curves(paths[0], judged.curves, report["curve_bounds"], stated, f"Scenario {title}")
    if len(scenario.metrics) == 1:
        return paths[:1]
    names = list(judged.rows[0]["metrics"])[:2]
    if scenario.preferences:
        figure.plot_fronts(paths[1], report["fronts"], report["front"], names, title)
    else:
        constant = next(row for row in judged.bounds.rows if row.name == "best constant")
        figure.plot_metrics(
            paths[1], judged.curves, constant.metrics[:2].tolist(), report["front"], names, title
        )
    return paths

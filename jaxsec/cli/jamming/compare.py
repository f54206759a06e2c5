"""`jaxsec jamming compare`: all policies trained and judged alike, and drawn as in P2's Fig. 4."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
import tyro

from jaxsec import checks
from jaxsec.cli import options
from jaxsec.cli.jamming.options import LearningOptions, TaskOptions
from jaxsec.files.archive import check_writable
from jaxsec.jamming import file as policy_file
from jaxsec.jamming import judge as jamming_judge
from jaxsec.jamming import oracle
from jaxsec.jamming import train as jamming_train
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.report import console, timing
from jaxsec.rl import evaluation
from jaxsec.rl import run as rl_run
from jaxsec.rl.evaluation import Slots
from jaxsec.rl.learner import Config, Training

CONTENDERS: dict[str, dict[str, Any]] = {
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
        "actor_rate": 3e-3,
        "critic_first": 0,
    },
}
"""What differs between them: a policy, or, as a reference that is to be near what can be reached,
a larger network on the reward's own gradient, which needs no critics to be ready."""
UNTUNED: dict[str, Any] = {
    "bound": "clip",
    "prediction": "noise",
    "actor_rate": 1e-4,
    "critic_rate": 1e-4,
    "weight_decay": 1e-4,
    "decay": "none",
    "critic_first": 0,
    "exploration": 0.1,
}
"""As the public GDM framework has it; with it goes an action that is linear in watt."""
FRONT = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
"""Weights of the first metric over those of both, at which the oracle's front is traced."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Train all policies on the same task with the same budget, judge them on fresh slots, and draw
    learning curves and metrics, as in P2's Fig. 4.

    Can be killed and started again: trainings go on from their checkpoints.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("out/jamming")
    """Gets a folder a policy, report.json, curves.png and metrics.png."""
    policies: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="{" + ",".join(CONTENDERS) + "} ...")
    ] = tuple(CONTENDERS)
    """What to compare, in this order; true-gradient has a width, slots and rate of its own."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of trainings, side by side."""
    untuned: bool = False
    """Learn as the public GDM framework does, with actions linear in watt."""
    every: int = 200
    """Updates between points of the learning curves."""
    fresh_slots: int = 4096
    """Fresh slots of the judgement."""
    num_candidates: int = 8
    """Candidate actions of which the critics choose; 1 for none of this."""
    seed: int = 1
    """Seed of the fresh slots."""
    task: tyro.conf.OmitArgPrefixes[TaskOptions] = dataclasses.field(default_factory=TaskOptions)
    learning: tyro.conf.OmitArgPrefixes[LearningOptions] = dataclasses.field(
        default_factory=LearningOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Trains, judges, prints the table and draws."""
    from jaxsec.jamming import figure as jamming_figure

    scenario = command.task.task()
    policies = tuple(dict.fromkeys(command.policies))
    checks.require(bool(policies), "`--policies` must name at least one policy")
    for name in policies:
        checks.require(
            name in CONTENDERS,
            f"`--policies` must be of {', '.join(CONTENDERS)}, but has {name!r}",
        )
    checks.check_at_least("--fresh-slots", command.fresh_slots, 1)
    checks.check_at_least("--num-candidates", command.num_candidates, 1)
    options.check_seed(command.seed)
    changes: dict[str, Any] = {}
    if command.untuned:
        changes = UNTUNED
        scenario = dataclasses.replace(scenario, power_steps="watt")
    configs = {name: _config(command, name, changes) for name in policies}
    paths = [command.out / name for name in ("report.json", "curves.png", "metrics.png")]
    command.out.mkdir(parents=True, exist_ok=True)
    for path in paths:
        check_writable(path)

    trained = {
        name: jamming_train.train(
            command.out / name,
            scenario,
            config,
            name=name,
            seeds=list(command.seeds),
            every=command.every,
            argv=argv,
        )
        for name, config in configs.items()
    }

    environment = Environment(scenario)
    slots = evaluation.draw(environment, command.seed, command.fresh_slots)
    rows = jamming_judge.bounds(environment, slots, command.seed).rows
    for name, one in trained.items():
        rows += jamming_judge.judge(
            name, one, environment, slots, command.seed, command.num_candidates
        )
    listed = jamming_judge.report(rows, scenario)
    curves = {name: rl_run.read(command.out / name) for name in policies}
    curve_slots = evaluation.draw(environment, jamming_train.CURVE_SEED, jamming_train.CURVE_SLOTS)
    lines = jamming_judge.bounds(environment, curve_slots, jamming_train.CURVE_SEED).rows
    report = {
        "command": shlex.join(["jaxsec", *argv]),
        "scenario": policy_file.describe(scenario, next(iter(configs.values())))["scenario"],
        "training": {name: dataclasses.asdict(config) for name, config in configs.items()},
        "seeds": list(command.seeds),
        "fresh_slots": command.fresh_slots,
        "hardware": timing.hardware(),
        "rows": listed,
        "parameters": {
            name: jamming_train.count_parameters(one.actor) // len(command.seeds)
            for name, one in trained.items()
        },
        "seconds": {name: curve[-1]["seconds"] for name, curve in curves.items()},
        "experts": {
            name: jamming_judge.usage(one, environment, slots)
            for name, one in trained.items()
            if one.config.policy == "moe-gdm"
        },
        "curve_bounds": {row.name: float(row.reward[0]) for row in lines},
    }
    if len(scenario.metrics) > 1:
        report["front"] = _front(environment, curve_slots)
    if scenario.preferences and len(scenario.metrics) > 1:
        report["fronts"] = {
            name: _learned_front(one, environment, curve_slots) for name, one in trained.items()
        }
    console.write_json(paths[0], report)
    title = f"{command.task.scenario}{', untuned' if command.untuned else ''}"
    jamming_figure.draw_curves(paths[1], curves, report["curve_bounds"], f"Scenario {title}")
    drawn = paths[:2]
    if len(scenario.metrics) > 1:
        names = list(listed[0]["metrics"])[:2]
        if scenario.preferences:
            jamming_figure.draw_fronts(paths[2], report["fronts"], report["front"], names, title)
        else:
            constant = lines[1].metrics[:2].tolist()
            jamming_figure.draw_metrics(paths[2], curves, constant, report["front"], names, title)
        drawn = paths
    jamming_judge.show(
        listed,
        f"Scenario {title}: {command.fresh_slots} fresh slots, {len(command.seeds)} seeds",
    )
    for path in drawn:
        print(f"written to {path}")


def _front(environment: Environment, slots: Slots) -> list[list[float]]:
    """The oracle's Pareto front of the first two metrics, [F][2], traced by their weights."""
    found = oracle.front(environment, slots.state, _weightings(environment))
    return np.asarray(found)[:, :2].tolist()


def _learned_front(trained: Trained, environment: Environment, slots: Slots) -> list[Any]:
    """The same of a policy that is told the weights, [S][F][2]."""
    training = Training(trained.config, environment, devices=1)
    found = evaluation.front(
        training, environment, trained.actor, slots, jnp.asarray(_weightings(environment)), seed=0
    )
    return np.asarray(found)[:, :, :2].tolist()


def _weightings(environment: Environment) -> np.ndarray:
    others = np.ones((len(FRONT), len(environment.metrics) - 2))
    both = (2 * FRONT[:, None], 2 - 2 * FRONT[:, None], others)
    return np.concatenate(both, axis=1).astype(np.float32)


def _config(command: Command, name: str, changes: dict[str, Any]) -> Config:
    changes = changes | CONTENDERS[name]
    return command.learning.config(**changes)

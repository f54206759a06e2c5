"""Policies judged on fresh slots beside the oracle: tables of the jamming commands."""

import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from jaxsec.jamming import baselines, metrics, oracle
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.jamming.scenario import REGIMES, JammingScenario
from jaxsec.report import statistics
from jaxsec.rl import evaluation
from jaxsec.rl.evaluation import Slots
from jaxsec.rl.learner import Training


class Row(NamedTuple):
    """What one way to act reaches."""

    name: str
    reward: np.ndarray  # [S], means over slots
    metrics: np.ndarray  # [W], means over seeds and slots


class Bounds(NamedTuple):
    """What needs no learning, on the same slots."""

    rows: list[Row]
    """Oracle first; then the best constant action, the heuristic, random actions."""
    best: np.ndarray
    """[N] the oracle's reward of each slot."""


def bounds(environment: Environment, slots: Slots, seed: int) -> Bounds:
    """The oracle and the baselines; the constant action is chosen on slots of its own."""
    key_oracle, key_constant, key_random = jax.random.split(jax.random.key(seed), 3)
    found = oracle.best(environment, slots.state, key=key_oracle)
    count, size = slots.observation.shape[0], environment.action_size
    others = evaluation.draw(environment, seed + 1, min(2048, count))
    constant = baselines.best_constant(environment, others.state, key=key_constant)
    actions = {
        "oracle": found.action,
        "best constant": jnp.broadcast_to(constant[None], (count, size)),
        "heuristic": jax.jit(jax.vmap(lambda s: baselines.heuristic(environment, s)))(slots.state),
        "random": baselines.random_actions(key_random, count, size),
    }

    @jax.jit
    def judge(action: Any) -> tuple[Any, Any]:
        values = jax.vmap(environment.values)(slots.state, action)
        return evaluation.rewards(environment, slots, action), jnp.mean(values, axis=0)

    judged = {name: judge(action) for name, action in actions.items()}
    rows = [
        Row(name, np.asarray([np.mean(reward)]), np.asarray(values))
        for name, (reward, values) in judged.items()
    ]
    return Bounds(rows, np.asarray(judged["oracle"][0]))


def judge(
    name: str, trained: Trained, environment: Environment, slots: Slots, seed: int, candidates: int
) -> list[Row]:
    """All ways to act with a trained policy."""
    training = Training(trained.config, environment, devices=1)
    judged = evaluation.judge(
        training, environment, trained.actor, trained.critic, slots,
        seed=seed, num_candidates=candidates,
    )  # fmt: skip
    return [
        Row(
            name if way == "alone" else f"{name}, {way.replace('-', ' ')}",
            np.asarray(jnp.mean(found.reward, axis=1), np.float64),
            np.asarray(jnp.mean(found.metrics, axis=0)),
        )
        for way, found in judged.items()
    ]


def mean_over_seeds(values: np.ndarray) -> statistics.Mean:
    """Mean and 95% interval over the seeds of a training, by Student's t."""
    return statistics.mean_ci(values)


def report(rows: list[Row], scenario: JammingScenario) -> list[dict[str, Any]]:
    """Rows as JSON, each over the oracle, which is the first of them."""
    best = float(rows[0].reward[0])
    names = [metrics.name(metric) for metric, _ in scenario.metrics]
    listed = []
    for row in rows:
        mean = mean_over_seeds(row.reward)
        listed.append(
            {
                "name": row.name,
                "reward": mean.value,
                "ci95": mean.ci95,
                "of_oracle": mean.value / best,
                "of_oracle_ci95": None if mean.ci95 is None else mean.ci95 / abs(best),
                "reward_of_seeds": row.reward.tolist(),
                "metrics": dict(zip(names, row.metrics.tolist(), strict=True)),
            }
        )
    return listed


def show(listed: list[dict[str, Any]], title: str) -> None:
    """Prints rows as a table."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("policy")
    for heading in ("reward", "of oracle", *listed[0]["metrics"]):
        table.add_column(heading.replace("_", " "), justify="right")
    for row in listed:
        reward = statistics.Mean(row["reward"], row["ci95"])
        share = f"{100 * row['of_oracle']:.2f}"
        if row["of_oracle_ci95"] is not None:
            share += f" ± {100 * row['of_oracle_ci95']:.2f}"
        values = [f"{value:.2f}" for value in row["metrics"].values()]
        table.add_row(row["name"], str(reward), f"{share}%", *values)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def usage(trained: Trained, environment: Environment, slots: Slots) -> dict[str, Any]:
    """Share of each regime's slots that go to each expert, by seed."""
    training = Training(trained.config, environment, devices=1)
    shares = np.asarray(evaluation.usage_by_regime(training, trained.actor, slots))
    names = [*REGIMES, *(f"{name}, line of sight" for name in REGIMES)]
    present = shares.sum(axis=(0, 2)) > 0
    return {name: shares[:, i].round(4).tolist() for i, name in enumerate(names) if present[i]}

"""Judgements of jamming policies as JSON and as a table, each against the oracle.

Rewards may be of any sign. Where the oracle's are safely positive, a policy's mean reward is stated
as a share of the oracle's; elsewhere a share would divide by zero, or praise the worse, and the
regret is stated, how far the mean reward lies below the oracle's. `against` alone decides.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from rich import box
from rich.table import Table

from jaxsec.jamming import metrics
from jaxsec.jamming.judge import Row
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.report import console, statistics

SAFELY_POSITIVE = 0.1
"""Least mean of the oracle's rewards over their mean size for which shares are stated: that of
rewards which are positive but for a few."""


class Against(NamedTuple):
    """How mean rewards are stated beside the oracle's; called with rewards of any shape."""

    kind: Literal["share", "regret"]
    oracle: float
    """Its mean reward."""

    @property
    def best(self) -> float:
        """What the oracle itself has."""
        return 1.0 if self.kind == "share" else 0.0

    def __call__(self, reward: Any) -> Any:
        return reward / self.oracle if self.kind == "share" else self.oracle - reward

    def interval(self, half_width: float) -> float:
        """Half width of an interval of mean rewards, stated likewise."""
        return half_width / self.oracle if self.kind == "share" else half_width


def against(best: np.ndarray) -> Against:
    """How to state rewards beside those of the oracle.

    Args:
      best: [N] the oracle's reward of each slot.
    """
    mean = float(np.mean(best))
    safe = mean > SAFELY_POSITIVE * float(np.mean(np.abs(best)))
    return Against("share" if safe else "regret", mean)


def report(rows: list[Row], stated: Against, scenario: JammingScenario) -> list[dict[str, Any]]:
    """Rows as JSON: beside the reward, `of_oracle` or `regret` with its interval."""
    names = [metrics.name(metric) for metric, _ in scenario.metrics]
    key = "of_oracle" if stated.kind == "share" else "regret"
    listed = []
    for row in rows:
        mean = statistics.mean_ci(row.reward)
        listed.append(
            {
                "name": row.name,
                "reward": mean.value,
                "ci95": mean.ci95,
                key: stated(mean.value),
                f"{key}_ci95": None if mean.ci95 is None else stated.interval(mean.ci95),
                "reward_of_seeds": row.reward.tolist(),
                "metrics": dict(zip(names, row.metrics.tolist(), strict=True)),
            }
        )
        if row.microseconds is not None:
            listed[-1]["microseconds"] = row.microseconds
    return listed


def show(listed: list[dict[str, Any]], title: str) -> None:
    """Prints rows as a table."""
    key = "of_oracle" if "of_oracle" in listed[0] else "regret"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("policy")
    for heading in ("reward", key, *listed[0]["metrics"]):
        table.add_column(heading.replace("_", " "), justify="right")
    timed = any("microseconds" in row for row in listed)
    if timed:
        table.add_column("µs a slot", justify="right")
    for row in listed:
        reward = statistics.Mean(row["reward"], row["ci95"])
        ci95 = row[f"{key}_ci95"]
        stated = str(statistics.Mean(row[key], ci95))
        if key == "of_oracle":
            percent = statistics.Mean(100 * row[key], None if ci95 is None else 100 * ci95)
            stated = f"{percent}%"
        values = [f"{value:.2f}" for value in row["metrics"].values()]
        if timed:
            values.append(f"{row['microseconds']:,.1f}" if "microseconds" in row else "")
        table.add_row(row["name"], str(reward), stated, *values)
    console.show(table)

"""Cooperative friendly jamming, P2: environments, metrics, and what the optimum is."""

from jaxsec.jamming import episodes, expected, horizon, optimise, posterior
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.metrics import METRICS, Metric, Outcome
from jaxsec.jamming.scenario import SCENARIOS, JammingScenario

__all__ = [
    "METRICS",
    "SCENARIOS",
    "Environment",
    "JammingScenario",
    "Metric",
    "Outcome",
    "episodes",
    "expected",
    "horizon",
    "optimise",
    "posterior",
]

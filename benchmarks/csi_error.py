"""Channels known with an error: who still keeps a secret?

    python benchmarks/csi_error.py [--num-channels 512] [--json FILE]

P1's scenario at K = 2, L = 4, 20 dBm. Every method designs on estimates of error variance e; its
strategies are judged on draws of the channels' posterior. Printed for each e: the mean sum secrecy
rate with its 95% confidence interval, the 5th percentile, the probability that the rate falls below
half of OPT's mean (secrecy outage), and the time a channel; then the paired differences to the
robust model. Error loading counts `load` times the error's variance as receiver noise; `load` is
tuned for each e on other channels than these.
"""

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

import jaxsec
from jaxsec import pretrained, robust, robust_reference
from jaxsec.channels import Channels, fade, large_scale_gain, sample_geometry
from jaxsec.cli import common
from jaxsec.posterior import Posterior, draw, loaded, posterior
from jaxsec.strategy import Strategy

LOADS = (0.03, 0.1, 0.3, 1.0, 2.0)
OURS = "cdm-f-robust, best of 8"
SLICE = 64
"""Channels judged, and ascended, at a time."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    num_channels: int = 512
    num_draws: int = 256
    """Draws of each channel's posterior that strategies are judged on."""
    errors: tuple[float, ...] = (0.0, 0.001, 0.01, 0.1)
    seed: int = 40260
    ascent_steps: int = 700
    """Of the robust reference; 0 leaves it out."""
    json: Path | None = None


class Case:
    """Channels known with one error, and how to judge designs for them."""

    def __init__(self, seed: int, n: int, error: float, num_draws: int) -> None:
        scenario = jaxsec.Scenario()
        key_place, key_fade, key_draw, self.key = jax.random.split(jax.random.key(seed), 4)
        geometry = sample_geometry(key_place, scenario, n)
        estimate = fade(key_fade, scenario, geometry)  # distributed as the channels are
        gains = [large_scale_gain(x, scenario) for x in geometry]
        self.known = posterior(estimate.h_user, estimate.h_eve, error, *gains)
        self.noise_power = estimate.noise_power
        self.estimate = Channels(self.known.h_user, self.known.h_eve, self.noise_power)
        self.num_draws = num_draws
        self._key_draw = key_draw

    def parts(self):
        """Slices of the channels, each with its number."""
        n = self.noise_power.shape[0]
        return [slice(first, first + SLICE) for first in range(0, n, SLICE)]

    def rates(self, strategy: Strategy) -> np.ndarray:
        """[n, draws], the same draws for every strategy."""
        found = []
        for i, part in enumerate(self.parts()):
            known = Posterior(*(x[part] for x in self.known))
            h = draw(jax.random.fold_in(self._key_draw, i), known, self.num_draws)
            w, v = strategy.w[part][None], strategy.v[part][None]
            found.append(np.asarray(_judge(w, v, *h, self.noise_power[part])).T)
        return np.concatenate(found).astype(np.float64)

    def loaded(self, load: float) -> Strategy:
        """OPT with error loading."""
        return jaxsec.design(*loaded(self.known, self.noise_power, load))

    def ascent(self, start: Strategy, num_steps: int) -> Strategy:
        """The robust reference."""
        pieces = [
            robust_reference.ascend(
                jax.random.fold_in(self.key, i),
                Strategy(start.w[part], start.v[part]),
                Posterior(*(x[part] for x in self.known)),
                self.noise_power[part],
                num_steps=num_steps,
            )
            for i, part in enumerate(self.parts())
        ]
        return jax.tree.map(lambda *x: jnp.concatenate(x), *pieces)


_judge = jax.jit(jaxsec.sum_secrecy_rate)


def tune_load(arguments: Arguments, error: float) -> float:
    """The load of the largest mean rate, on channels of another seed."""
    if error == 0.0:
        return 1.0
    case = Case(arguments.seed + 1, arguments.num_channels, error, 64)
    means = [case.rates(case.loaded(load)).mean() for load in LOADS]
    return LOADS[int(np.argmax(means))]


def contenders(arguments: Arguments, case: Case, load: float) -> dict[str, Callable[[], Strategy]]:
    """Every method by its name."""
    model = pretrained.load("cdm-f-robust")

    def ours(**options):
        return lambda: robust.design(model, case.key, case.known, case.noise_power, **options)

    plain = {
        name: lambda name=name: jaxsec.design(*case.estimate, method=name)
        for name in ("rzf-ns", "opt-plain", "opt", "cdm", "cdm-f")
    }
    found: dict[str, Callable[[], Strategy]] = {
        **plain,
        "opt, error-loaded": lambda: case.loaded(load),
        "cdm-f-robust, 1 step": ours(num_steps=1),
        "cdm-f-robust": ours(),
        OURS: ours(num_samples=8),
    }
    if arguments.ascent_steps:
        found["robust reference"] = lambda: case.ascent(case.loaded(load), arguments.ascent_steps)
    return found


def measure(arguments: Arguments, error: float) -> dict[str, Any]:
    """All that is known about one error."""
    load = tune_load(arguments, error)
    case = Case(arguments.seed, arguments.num_channels, error, arguments.num_draws)
    rates: dict[str, np.ndarray] = {}
    rows: dict[str, Any] = {}
    for name, make in contenders(arguments, case, load).items():
        if name != "robust reference":
            jax.block_until_ready(make())  # compiles
        began = time.perf_counter()
        strategy = jax.block_until_ready(make())
        seconds = time.perf_counter() - began
        rates[name] = case.rates(strategy)
        rows[name] = {"us_per_channel": 1e6 * seconds / arguments.num_channels}
    target = 0.5 * rates["opt"].mean()
    ours = rates[OURS].mean(axis=1)
    for name, rate in rates.items():
        mean, ahead = common.mean_ci(rate.mean(axis=1)), common.mean_ci(ours - rate.mean(axis=1))
        rows[name] |= {
            "mean": mean.value,
            "ci95": mean.ci95,
            "percentile_5": float(np.quantile(rate, 0.05)),
            "outage": float((rate < target).mean()),
            "ours_ahead_by": ahead.value,
            "ours_ahead_by_ci95": ahead.ci95,
        }
    return {"error": error, "load": load, "outage_target": target, "methods": rows}


def show(result: dict[str, Any], console: Console) -> None:
    """Prints the table of one error."""
    table = Table(
        "method", "mean, bit/s/Hz", "5th percentile", "outage", "robust best of 8 ahead by",
        "µs a channel",
        title=f"error variance {result['error']:g} (load {result['load']:g}, "
        f"outage below {result['outage_target']:.1f})",
    )  # fmt: skip
    for name, row in result["methods"].items():
        table.add_row(
            name,
            f"{row['mean']:.2f} ± {row['ci95']:.2f}",
            f"{row['percentile_5']:.2f}",
            f"{row['outage']:.2%}",
            f"{row['ours_ahead_by']:+.3f} ± {row['ours_ahead_by_ci95']:.3f}",
            f"{row['us_per_channel']:.0f}",
        )
    console.print(table)


def main(arguments: Arguments) -> None:
    console = Console(width=120)
    results = []
    for error in arguments.errors:
        results.append(measure(arguments, error))
        show(results[-1], console)
    if arguments.json is not None:
        plain = dataclasses.asdict(dataclasses.replace(arguments, json=None))
        report = {"arguments": plain, "hardware": common.hardware(), "errors": results}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Arguments))

"""Channels known with an error, and what every method makes of them: for `csi_error`.

P1's scenario at K = 2, L = 4, 20 dBm. Every method designs on estimates of error variance e; its
strategies are judged on draws of the channels' posterior. Error loading counts `load` times the
error's variance as receiver noise; `load` is tuned for each e on other channels.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxsec
from benchmarks.points import DEFAULT
from jaxsec import keys
from jaxsec.cdm import pretrained, robust
from jaxsec.channels import Channels, fade, large_scale_gain, sample_geometry
from jaxsec.channels.knowledge import Posterior, diagonal_loading, estimated, sample
from jaxsec.precoding import robust_reference
from jaxsec.report import statistics
from jaxsec.strategy import Strategy

LOADS = (0.03, 0.1, 0.3, 1.0, 2.0)
OURS = "cdm-f-robust, best of 8"
SLICE = 64
"""Channels judged, and ascended, at a time."""


REFERENCE = "robust reference"


class Amount(NamedTuple):
    """How much is measured."""

    seed: int
    num_channels: int
    num_draws: int
    """Draws of each channel's posterior that strategies are judged on."""
    ascent_steps: int
    """Of the robust reference."""


class Row(NamedTuple):
    """What one method reached at one error; rates in bit/s/Hz."""

    error: float
    method: str
    mean: float
    ci95: float
    percentile_5: float
    outage: float
    """Share of draws below half of OPT's mean."""
    of_reference: float
    """Mean over that of the robust reference."""
    of_reference_ci95: float
    ours_ahead_by: float
    """Paired difference of the means to the robust model, best of 8."""
    ours_ahead_by_ci95: float
    us_per_channel: float


class Case:
    """Channels known with one error, and how to judge designs for them."""

    def __init__(self, seed: int, n: int, error: float, num_draws: int) -> None:
        scenario = DEFAULT.scenario()
        key_place, key_fade, key_judge, key_designs = jax.random.split(jax.random.key(seed), 4)
        geometry = sample_geometry(key_place, scenario, n)
        estimate = fade(key_fade, scenario, geometry)  # distributed as the channels are
        gains = [large_scale_gain(x, scenario) for x in geometry]
        self.known = estimated(
            estimate.h_user, estimate.h_eve, error, gain_user=gains[0], gain_eve=gains[1]
        )
        self.noise_power = estimate.noise_power
        self.estimate = Channels(self.known.h_user, self.known.h_eve, self.noise_power)
        self.num_draws = num_draws
        self.key = key_designs
        self._key_judge = key_judge

    def parts(self):
        """Slices of the channels, each with its number."""
        n = self.noise_power.shape[0]
        return [slice(first, first + SLICE) for first in range(0, n, SLICE)]

    def rates(self, strategy: Strategy) -> np.ndarray:
        """[n, draws], the same draws for every strategy."""
        found = []
        for i, part in enumerate(self.parts()):
            known = Posterior(*(x[part] for x in self.known))
            h = sample(keys.step(self._key_judge, i), known, self.num_draws)
            w, v = strategy.w[part][None], strategy.v[part][None]
            found.append(np.asarray(_judge(w, v, *h, self.noise_power[part])).T)
        return np.concatenate(found).astype(np.float64)

    def loaded_design(self, load: float) -> Strategy:
        """OPT with error loading."""
        return jaxsec.design(*diagonal_loading(self.known, self.noise_power, load))

    def ascent(self, start: Strategy, num_steps: int) -> Strategy:
        """The robust reference."""
        pieces = [
            robust_reference.ascend(
                keys.step(keys.stream(self.key, "ascent"), i),
                Strategy(start.w[part], start.v[part]),
                Posterior(*(x[part] for x in self.known)),
                self.noise_power[part],
                num_steps=num_steps,
            )
            for i, part in enumerate(self.parts())
        ]
        return jax.tree.map(lambda *x: jnp.concatenate(x), *pieces)


_judge = jax.jit(jaxsec.sum_secrecy_rate)


def tune_load(amount: Amount, error: float) -> float:
    """The load of the largest mean rate, on channels of another seed."""
    case = Case(amount.seed + 1, amount.num_channels, error, 64)
    means = [case.rates(case.loaded_design(load)).mean() for load in LOADS]
    return LOADS[int(np.argmax(means))]


def contenders(amount: Amount, case: Case, load: float) -> dict[str, Callable[[], Strategy]]:
    """Every method by its name."""
    model = pretrained.load("cdm-f-robust")

    def ours(**options):
        return lambda: robust.design(case.key, model, case.known, case.noise_power, **options)

    plain = {
        name: lambda name=name: jaxsec.design(*case.estimate, method=name)
        for name in ("rzf-ns", "opt-plain", "opt", "cdm", "cdm-f")
    }
    return {
        **plain,
        "opt, error-loaded": lambda: case.loaded_design(load),
        "cdm-f-robust, 1 step": ours(num_steps=1),
        "cdm-f-robust": ours(),
        OURS: ours(num_samples=8),
        REFERENCE: lambda: case.ascent(case.loaded_design(load), amount.ascent_steps),
    }


def measure(amount: Amount, error: float) -> tuple[list[Row], float]:
    """All methods at one error, and the load that was tuned."""
    load = tune_load(amount, error)
    case = Case(amount.seed, amount.num_channels, error, amount.num_draws)
    rates: dict[str, np.ndarray] = {}
    us: dict[str, float] = {}
    for name, make in contenders(amount, case, load).items():
        if name != REFERENCE:
            jax.block_until_ready(make())  # compiles
        began = time.perf_counter()
        strategy = jax.block_until_ready(make())
        us[name] = 1e6 * (time.perf_counter() - began) / amount.num_channels
        rates[name] = case.rates(strategy)
    target = 0.5 * rates["opt"].mean()
    ours, best = rates[OURS].mean(axis=1), rates[REFERENCE].mean(axis=1)
    rows = []
    for name, rate in rates.items():
        mean = statistics.mean_ci(rate.mean(axis=1))
        ahead = statistics.paired_difference(ours, rate.mean(axis=1))
        of_best = statistics.ratio_of_means(rate.mean(axis=1), best)
        rows.append(
            Row(
                error=error,
                method=name,
                mean=mean.value,
                ci95=mean.ci95 or 0.0,
                percentile_5=float(np.quantile(rate, 0.05)),
                outage=float((rate < target).mean()),
                of_reference=of_best.value,
                of_reference_ci95=of_best.ci95 or 0.0,
                ours_ahead_by=ahead.value,
                ours_ahead_by_ci95=ahead.ci95 or 0.0,
                us_per_channel=us[name],
            )
        )
    return rows, load

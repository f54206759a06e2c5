"""What does quality cost? Every method at its settings: gap to best known against time a channel.

    python -m benchmarks.figures.latency [--quick] [--seed 40260] [--out out/figures]

SetNet is `setnet-robust` by one pass, without noise or diffusion; beside it `cdm-f` by one call.
Both are told that the channels are exact, and each is alone: in `design` a short run of OPT is a
candidate beside them. At batch 1 and at a large batch. All settings are compiled first; then in
each round every one has a turn, blocked until ready, and the median over the rounds counts. Gaps
are those of the large batch. P1's default scenario: 2 users, 4 eavesdroppers, 20 dBm. The picture
is `pareto`'s.
"""

import concurrent.futures
import dataclasses
import functools
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import tyro
from jaxtyping import Array, Key

from benchmarks import alone
from benchmarks.figures import pareto
from benchmarks.figures.measure import WORKERS, reference_text
from benchmarks.figures.schemes import design
from benchmarks.figures.study import Arguments, Study
from benchmarks.points import DEFAULT
from jaxsec import keys, sample_channels
from jaxsec.channels import Channels
from jaxsec.precoding import gpip, reference
from jaxsec.precoding.closed_form import closed_form
from jaxsec.report import judge
from jaxsec.strategy import Strategy

POINT = DEFAULT
USUAL = {
    "cdm-f-8": 2,
    "opt-plain": 30,
    "opt": 16,
    "cdm": 4,
    "cdm-f": 4,
    "cdm-unet": 4,
    "cdm-f-unet": 4,
    "cdm-f refined": 2,
}
"""Steps by default, or in the other figures."""


class Setting(NamedTuple):
    """A method and what it is told."""

    family: str
    """In `pareto.FAMILIES`."""
    steps: int
    """0 where there is nothing to choose."""
    run: Callable[[Channels], Strategy]


def settings(seed: int, quick: bool) -> list[Setting]:
    """Everything that is timed; the usual of every family for a quick run."""
    key = keys.stream(seed, "latency/samples")

    def method(name: str, **options: Any) -> Callable[[Channels], Strategy]:
        return lambda channels: design(name, key, channels, **options)

    families = {
        "rzf-ns": {0: method("rzf-ns")},
        "rzf-ns-aimed": {0: method("rzf-ns-aimed")},
        "closed form": {0: _closed_form},
        "cdm-f-8": {n: method("cdm-f-rayleigh", num_samples=8, refine=n) for n in (0, 1, 2, 3)},
        "opt-plain": {n: functools.partial(_plain, n) for n in (10, 30, 100)},
        "opt": {n: functools.partial(_opt, n) for n in (1, 2, 3, 4, 6, 8, 12, 16, 32)},
        "cdm": {n: method("cdm", ddim_steps=n) for n in (1, 2, 4, 8)},
        "cdm-f": {n: method("cdm-f-rayleigh", ddim_steps=n) for n in (1, 2, 4, 8)},
        "cdm-unet": {n: method("cdm", denoiser="unet", ddim_steps=n) for n in (1, 2, 4)},
        "cdm-f-unet": {n: method("cdm-f", denoiser="unet", ddim_steps=n) for n in (1, 2, 4)},
        "cdm-f refined": {n: method("cdm-f-rayleigh", refine=n) for n in (1, 2, 3)},
        "setnet": {n: functools.partial(_alone, "setnet-robust", key, n) for n in range(4)},
        "cdm-f alone": {n: functools.partial(_alone, "cdm-f", key, n) for n in range(4)},
    }
    return [
        Setting(family, steps, run)
        for family, runs in families.items()
        for steps, run in runs.items()
        if not quick or steps == USUAL.get(family, 0)
    ]


@jax.jit
def _closed_form(channels: Channels) -> Strategy:
    return closed_form(*channels)


def _plain(num_steps: int, channels: Channels) -> Strategy:
    return gpip.plain_gpip(*channels, num_steps=num_steps).strategy


def _opt(num_steps: int, channels: Channels) -> Strategy:
    return gpip.opt(*channels, smoothing=gpip.annealing(num_steps)).strategy


def _alone(name: str, key: Key[Array, ""], num_steps: int, channels: Channels) -> Strategy:
    made = alone.generated(name, key, channels)
    return gpip.refine(made, *channels, num_steps=num_steps) if num_steps else made


def time_all(all_: list[Setting], channels: Channels, rounds: int) -> tuple[np.ndarray, list]:
    """Microseconds a channel [settings, rounds], and the designs."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:  # it compiles
        made = list(pool.map(lambda setting: jax.block_until_ready(setting.run(channels)), all_))
    us = np.empty((len(all_), rounds))
    for turn in range(rounds):
        for i, setting in enumerate(all_):
            began = time.perf_counter()
            jax.block_until_ready(setting.run(channels))
            us[i, turn] = 1e6 * (time.perf_counter() - began) / channels.h_user.shape[0]
    return us, made


def measure(study: Study) -> list[pareto.Row]:
    """Times and gaps of all settings at every batch size, and which of them are on the front."""
    effort = study.effort
    key_channels, _, key_best = jax.random.split(jax.random.key(study.seed), 3)
    channels = sample_channels(key_channels, POINT.scenario(), max(effort.batches))
    all_ = settings(study.seed, study.arguments.quick)
    times, made = {}, []
    for batch, rounds in zip(effort.batches, effort.rounds, strict=True):
        print(f"timing {len(all_)} settings at batch {batch}", file=sys.stderr, flush=True)
        if times:
            jax.clear_caches()  # hundreds of compiled programs are more than a process can map
        times[batch], made = time_all(all_, Channels(*(x[:batch] for x in channels)), rounds)
    rates = [judge.secrecy_rates(strategy, channels).sum(axis=-1) for strategy in made]
    best = reference.best_known(
        key_best, channels, num_starts=effort.num_starts, num_steps=effort.num_steps
    )
    best = np.max([best, *rates], axis=0)
    return pareto.rows(
        [(setting.family, setting.steps) for setting in all_], times, np.array(rates), best
    )


def make(study: Study) -> None:
    """Measures, draws and writes."""
    rows = measure(study)
    effort = study.effort
    caption = study.caption(
        f"Small numbers: steps. Medians of {' and '.join(map(str, effort.rounds))} rounds; gaps:",
        f"ratios of means over {max(effort.batches)} channels.",
        reference_text(study),
    )
    study.save(
        "latency",
        pareto.plot(rows, caption),
        pareto.Row._fields,
        rows,
        num_channels=max(effort.batches),
        rounds=dict(zip(map(str, effort.batches), effort.rounds, strict=True)),
        scenario=dataclasses.asdict(POINT.scenario()),
    )


if __name__ == "__main__":
    make(Study("figures.latency", sys.argv[1:], tyro.cli(Arguments)))

"""How fast is OPT? Against annealed GPIP in a NumPy loop and in batched JAX, at the same quality.

    python -m benchmarks.speed.solver [--quick] [--json FILE]

In one run, alternating: `numpy`, one channel at a time in complex128; `jax`, the same code under
`vmap` and `jit` in float32; `ours`, `jaxsec.precoding.gpip.opt` with its defaults. All blocked
until ready, after a warm-up. `contenders` has the two baselines.

Same quality: on channels of their own, the baselines' step (full or searched), annealing and number
of steps are chosen so that they reach the share of the best known mean rate that ours reaches
there, or else 99.5%, or else as much as they can; of those that do, the fastest. Their starts are
computed outside the timing, ours inside.

At (M, K, L) = (8, 2, 4) it asserts the claims of `solver_table.check_claims`; exit code 1 if one
fails.
"""

import dataclasses
import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from benchmarks.points import Point
from benchmarks.report import Report
from benchmarks.speed import contenders
from benchmarks.speed.solver_table import Row, check_claims, in_words, to_table
from jaxsec.channels import Channels, Scenario, sample_channels
from jaxsec.files.archive import check_outputs
from jaxsec.precoding import gpip, reference
from jaxsec.report import judge, statistics, timing
from jaxsec.strategy import Strategy

STEPS = (4, 6, 8, 10, 12, 14, 16, 20, 24, 30, 40, 60, 100)
ANNEALINGS = ((2.0, 0.04), (1.0, 0.04), (4.0, 0.04), (2.0, 0.1), (2.0, 0.02), (1.0, 0.02))
"""(first, last) smoothing of the schedules tried; the first is ours."""
ENOUGH = 0.995
"""Share of best known that a baseline needs at least, if it cannot reach ours."""


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured at one (M, K, L)."""

    num_antennas: int
    num_users: int
    num_eavesdroppers: int
    batches: tuple[int, ...] = (1, 64, 4096)
    num_judged: int = 64
    """Channels, the first of the batch, whose rates are compared with the best known."""
    num_tuning: int = 48
    """Channels that the baselines are tuned on; not a batch size, so that none is compiled yet."""
    num_starts: int = 9
    """Starts of the best known rate."""
    max_numpy: int = 32
    """Channels the NumPy loop is timed on at most; more would take as long each."""
    max_jax: int = 4096
    """Channels the batched JAX is timed on at most."""
    steps: tuple[int, ...] = STEPS
    repeats: float = 1.0
    """Factor on the number of timed rounds."""

    def __str__(self) -> str:
        return f"({self.num_antennas}, {self.num_users}, {self.num_eavesdroppers})"

    @property
    def scenario(self) -> Scenario:
        """P1's scenario, at 20 dBm."""
        return Point(self.num_antennas, self.num_users, self.num_eavesdroppers).scenario()


MAIN = Case(8, 2, 4)
"""The case of the claims."""
CASES = (
    MAIN,
    Case(8, 4, 8),
    Case(
        64, 8, 4, num_judged=16, num_tuning=16, num_starts=4, max_numpy=4, max_jax=32, repeats=0.5
    ),
)
QUICK = (dataclasses.replace(MAIN, num_judged=32, num_tuning=32, num_starts=4, repeats=0.6),)


@dataclasses.dataclass(frozen=True)
class Command:
    """Time OPT against a NumPy loop and batched JAX at the same quality; assert the ratios."""

    quick: bool = False
    """(8, 2, 4) only, with fewer channels judged and fewer repeats."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    seed: int = 0
    """Seed of the channels and of the random starts of the best known rate."""


class Settings(NamedTuple):
    """How a baseline is run, and its share of the best known mean rate on the tuning channels."""

    num_steps: int
    first: float
    last: float
    step_sizes: tuple[float, ...]
    share: float

    @property
    def schedule(self) -> np.ndarray:
        """[num_steps] smoothing of each step."""
        return gpip.annealing(self.num_steps, self.first, self.last)

    @property
    def step(self) -> str:
        """The kind of step, for the table."""
        return "full" if self.step_sizes == contenders.FULL_STEP else "searched"


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the table and the claims; 1 if a claim fails."""
    check_outputs((), (command.json, ()))
    report, began = Report("speed.solver", argv, command.seed), time.perf_counter()
    rows: list[Row] = []
    cases = []
    for case in QUICK if command.quick else CASES:
        measured, details = measure(case, command.seed)
        rows += measured
        cases.append(details)
    return report.finish(
        rows,
        to_table(rows),
        check_claims(rows, str(MAIN)),
        command.json,
        notes=[in_words(case) for case in cases],
        wall_s=time.perf_counter() - began,
        cases=cases,
    )


def measure(case: Case, seed: int) -> tuple[list[Row], dict[str, Any]]:
    """Tunes the baselines, judges and times all contenders: rows, and what they rest on."""
    key_judged, key_tuning, key_best = jax.random.split(jax.random.key(seed), 3)
    channels = sample_channels(key_judged, case.scenario, max(*case.batches, case.num_judged))
    tuning = sample_channels(key_tuning, case.scenario, case.num_tuning)
    judged = _first(channels, case.num_judged)

    _say(case, "best known rates")
    both = jax.tree.map(lambda *x: jnp.concatenate(x), judged, tuning)
    best = reference.best_known(key_best, both, num_starts=case.num_starts)
    best, best_tuning = best[: case.num_judged], best[case.num_judged :]

    _say(case, "tuning the baselines")
    target = statistics.ratio_of_means(_rates(_ours(tuning), tuning), best_tuning).value
    settings = {
        "numpy": tune(case, tuning, best_tuning, target, _numpy, wide=True),
        "jax": tune(case, tuning, best_tuning, target, _jax, wide=False),
    }

    _say(case, "timing")
    solvers = {
        "numpy": functools.partial(_numpy, settings["numpy"]),
        "jax": functools.partial(_jax, settings["jax"]),
        "ours": lambda part, start: _ours(part),
    }
    most = {"numpy": case.max_numpy, "jax": case.max_jax, "ours": max(case.batches)}
    start = contenders.rzf_ns_start(channels)
    rows = []
    for batch in case.batches:
        rows += _time(case, solvers, most, settings, channels, start, batch)

    rates = {
        name: _rates(solve(judged, start[: case.num_judged]), judged)
        for name, solve in solvers.items()
    }
    best = np.maximum.reduce([best, *rates.values()])
    ratios = {name: statistics.ratio_of_means(rate, best) for name, rate in rates.items()}
    rows = [
        row._replace(
            of_best_known=ratios[row.contender].value, worst_ratio=ratios[row.contender].worst
        )
        for row in rows
    ]
    return rows, {
        **dataclasses.asdict(case),
        "scenario": dataclasses.asdict(case.scenario),
        "num_noise_beams": contenders.NUM_NOISE_BEAMS,
        "target_on_tuning": target,
        "settings": {name: chosen._asdict() for name, chosen in settings.items()},
        "best_known_mean": float(np.mean(best)),
    }


def tune(
    case: Case,
    channels: Channels,
    best: np.ndarray,
    target: float,
    solve: Callable[[Settings, Channels, Any], Any],
    wide: bool,
) -> Settings:
    """The fastest settings that reach the target, or 99.5%, or else the best.

    Args:
      case: sizes, and the numbers of steps to try.
      channels: tuning channels.
      best: their best known rates, [n].
      target: share of best known to reach.
      solve: the contender, timed where both kinds of step reach the same.
      wide: whether it works in float64.
    """
    start = contenders.rzf_ns_start(channels)
    found = []
    for step_sizes in (contenders.FULL_STEP, contenders.SEARCHED_STEP):
        curve = _quality_curve(case, channels, best, step_sizes, wide)
        tried: list[Settings] = []
        for first, last in ANNEALINGS:
            for num_steps in case.steps:
                if any(s.share >= target and s.num_steps < num_steps for s in tried):
                    break  # as good in fewer steps is known already
                tried.append(
                    Settings(num_steps, first, last, step_sizes, curve(num_steps, first, last))
                )
                if tried[-1].share >= target:
                    break
        found.append(tried)
    for wanted in (target, ENOUGH):
        reaching = [[s for s in tried if s.share >= wanted] for tried in found]
        fewest = [min(r, key=lambda s: (s.num_steps, -s.share)) for r in reaching if r]
        if fewest:
            few, few_start = _first(channels, case.max_numpy), start[: case.max_numpy]
            return min(fewest, key=lambda s: _seconds(functools.partial(solve, s), few, few_start))
    return max((s for tried in found for s in tried), key=lambda s: s.share)


def _quality_curve(
    case: Case, channels: Channels, best: np.ndarray, step_sizes: tuple[float, ...], wide: bool
) -> Callable[[int, float, float], float]:
    """Share of the best known mean rate as a function of (num_steps, first, last)."""
    # The iteration never leaves the span of the channels and knows no basis: with many antennas
    # coordinates in the span give the same rates for less work.
    channels = _in_span(channels)
    most_steps = max(case.steps)

    def share(num_steps: int, first: float, last: float) -> float:
        schedule = np.ones(most_steps)
        schedule[:num_steps] = gpip.annealing(num_steps, first, last)
        with jax.enable_x64(wide):
            complex_, real = ("complex128", "float64") if wide else ("complex64", "float32")
            inputs = Channels(
                jnp.asarray(channels.h_user, complex_),
                jnp.asarray(channels.h_eve, complex_),
                jnp.asarray(channels.noise_power, real),
            )
            u = contenders.solve_jax_steps(
                inputs,
                jnp.asarray(start, complex_),
                jnp.asarray(schedule, real),
                num_steps,
                step_sizes,
            )
        return statistics.ratio_of_means(_rates(u, channels), best).value

    start = np.asarray(contenders.rzf_ns_start(channels))
    return share


def _in_span(channels: Channels) -> Channels:
    """The same channels in an orthonormal basis of their span, where that has fewer dimensions."""
    num_users = channels.h_user.shape[1]
    h = np.concatenate([channels.h_user, channels.h_eve], axis=1)
    if h.shape[1] < h.shape[2]:
        basis = np.linalg.qr(np.swapaxes(h, 1, 2).astype(complex))[0]  # [n, M, R]
        h = (h @ basis.conj()).astype(h.dtype)
    return Channels(
        jnp.asarray(h[:, :num_users]), jnp.asarray(h[:, num_users:]), channels.noise_power
    )


def _time(case, solvers, most, settings, channels, start, batch: int) -> list[Row]:
    """Warm-up, then rounds in which every contender has one turn; ratios are filled in later."""
    inputs = {
        name: (_first(channels, min(batch, most[name])), start[: min(batch, most[name])])
        for name in solvers
    }
    inputs["numpy"] = jax.tree.map(np.asarray, inputs["numpy"])
    compile_s = {}
    for name, solve in solvers.items():
        with timing.compile_clock() as seconds:
            jax.block_until_ready(solve(*inputs[name]))
            compile_s[name] = seconds() or None
    rounds = max(2, round(case.repeats * {1: 20, 64: 10}.get(batch, 7)))
    times = {name: [] for name in solvers}
    for _ in range(rounds):
        for name, solve in solvers.items():
            times[name].append(_seconds(solve, *inputs[name], warm=True))
    rows = []
    for name in solvers:
        timed = inputs[name][1].shape[0]
        us = 1e6 * np.array(times[name]) / timed
        chosen = settings.get(name)
        rows.append(
            Row(
                case=str(case),
                batch=batch,
                contender=name,
                num_steps=chosen.num_steps if chosen else gpip.DEFAULT_STEPS,
                step=chosen.step if chosen else "searched",
                of_best_known=np.nan,
                worst_ratio=np.nan,
                num_timed=timed,
                us_min=float(us.min()),
                us_median=float(np.median(us)),
                us_max=float(us.max()),
                compile_s=compile_s[name],
                ratio=np.nan,
            )
        )
    ours = rows[-1].us_median
    return [row._replace(ratio=row.us_median / ours) for row in rows]


def _seconds(solve: Callable[..., Any], *args: Any, warm: bool = False) -> float:
    if not warm:
        jax.block_until_ready(solve(*args))
    began = time.perf_counter()
    jax.block_until_ready(solve(*args))
    return time.perf_counter() - began


def _numpy(settings: Settings, channels: Channels, start: Any) -> np.ndarray:
    return contenders.solve_numpy(channels, start, settings.schedule, settings.step_sizes)


def _jax(settings: Settings, channels: Channels, start: Any) -> jax.Array:
    schedule = jnp.asarray(settings.schedule, start.real.dtype)
    return contenders.solve_jax(channels, start, schedule, settings.step_sizes)


def _ours(channels: Channels) -> Strategy:
    return gpip.opt(*channels).strategy


def _rates(design: Any, channels: Channels) -> np.ndarray:
    """[n] true sum secrecy rates in float64, of a strategy or of beams [n, M, K + J]."""
    num_users = channels.h_user.shape[1]
    if not isinstance(design, Strategy):
        design = Strategy(design[..., :num_users], design[..., num_users:])
    return judge.secrecy_rates(design, channels).sum(axis=-1)


def _first(channels: Channels, n: int) -> Channels:
    return Channels(*(x[:n] for x in channels))


def _say(case: Case, what: str) -> None:
    print(f"{case}: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command, description=Command.__doc__), sys.argv[1:]))

"""Robust OPT beside the literature's programme for secrecy outage, judged on fresh draws.

    python -m benchmarks.outage_sdp [--num-channels 64] [--json FILE]

One user whose channel is known, P1's scenario else; of the eavesdroppers' channels there are
estimates. The programme of `bernstein` grants each of L eavesdroppers an SINR γ, which is searched
along a line, and promises a rate that is missed with probability ε at most (cf. Q. Li, W.-K. Ma,
A. M.-C. So, Safe Convex Approximation to Outage-Based MISO Secrecy Rate Optimization Under
Imperfect CSI and With Artificial Noise, Asilomar 2011):

- nominal: each eavesdropper may exceed γ with probability ρ = ε/L, by the union bound;
- tuned: for every channel the largest ρ by which the promise is missed in no more than a share ε
  of draws that are made for this.

What a design of the library promises is what it keeps in all but ε of those same draws. Times are
the processor's: a channel alone for the programme, all at once for the library, compiled before.
"""

import dataclasses
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jaxtyping import Complex, Float
from scipy.optimize import minimize_scalar

import jaxsec
from benchmarks import uncertain
from benchmarks.bernstein import Design, Link, Programme
from benchmarks.report import Report, table
from jaxsec import Scenario, keys
from jaxsec.channels import knowledge
from jaxsec.channels.knowledge import Posterior
from jaxsec.report import statistics
from jaxsec.secrecy import Outage, outage_secrecy_rate, sum_secrecy_rate
from jaxsec.strategy import Strategy

ERRORS_EVE = (0.1, 0.5, 1.0)
OUTAGE = 0.05
"""ε."""
LEAKS = (-3.0, 3.0)
"""log10 γ, between which it is searched."""
PRECISION = 0.05
"""Of that search; rates are flat around their best."""
NEARBY = 0.5
"""How far log10 γ is searched around that of another ρ."""
HALVINGS = 7
"""Of the interval that the tuned ρ is in."""
LIBRARY = ("rzf-ns-robust", "opt-robust")
REFERENCE = "opt-robust"
NOMINAL, TUNED = "Bernstein, nominal", "Bernstein, tuned"


@dataclasses.dataclass(frozen=True)
class Arguments:
    eavesdroppers: int = 4
    """L."""
    num_channels: int = 64
    """Estimates a point."""
    num_draws: int = 1024
    """Draws of each estimate's channels, by which designs are judged."""
    tuning_draws: int = 256
    """Others, to tune by."""
    seed: int = 80260
    json: Path | None = None


class Judged(NamedTuple):
    """One design for every channel, each field [n]."""

    promised: np.ndarray
    """Bit/s/Hz."""
    outage: np.ndarray
    """Share of fresh draws in which less is kept than was promised."""
    kept: np.ndarray
    """Rate kept in all but ε of the fresh draws, bit/s/Hz."""
    seconds: float
    """Of the processor, a channel."""


def search(
    programme: Programme,
    link: Link,
    probability: float,
    leaks: tuple[float, float] = LEAKS,
) -> Design:
    """The design of the largest promise, over γ."""
    tried: list[Design] = []

    def loss(exponent: float) -> float:
        tried.append(programme(link, 10.0**exponent, probability))
        return -tried[-1].rate

    minimize_scalar(loss, bounds=leaks, method="bounded", options={"xatol": PRECISION})
    return max(tried, key=lambda design: design.rate)


def nominal(programme: Programme, link: Link) -> Design:
    """The design that keeps its promise with probability 1 − ε, whatever L."""
    return search(programme, link, OUTAGE / link.error.size)


def tuned(programme: Programme, link: Link, h_eve: Complex[np.ndarray, "draws L M"]) -> Design:
    """The design of the largest ρ with which the promise is kept on all but ε of the draws."""
    strict, loose = math.log(link.error.size / OUTAGE), 0.0  # −ln ρ
    best, leaks = None, LEAKS
    for _ in range(HALVINGS):
        middle = 0.5 * (strict + loose)
        design = search(programme, link, math.exp(-middle), leaks)
        if np.mean(rates(design, link, h_eve) < design.rate) <= OUTAGE:
            best, strict = design, middle
        else:
            loose = middle
        leaks = (math.log10(design.leak) - NEARBY, math.log10(design.leak) + NEARBY)
    return nominal(programme, link) if best is None else best


def rates(
    design: Design, link: Link, h_eve: Complex[np.ndarray, "draws L M"]
) -> Float[np.ndarray, "draws"]:
    """Secrecy rate on draws of the eavesdroppers' channels, bit/s/Hz."""
    return np.asarray(_rates(design.w[:, None], design.v, link.h[None], h_eve, 1.0))


_rates = jax.jit(sum_secrecy_rate)


def link_of(known: Posterior, i: int) -> Link:
    """Channel i of a posterior over the noise, in double precision."""
    return Link(
        np.asarray(known.h_user[i, 0], complex),
        np.asarray(known.h_eve[i], complex),
        np.asarray(known.error_eve[i], float),
    )


class Case(NamedTuple):
    """Estimates over the noise, and draws of what the channels may be."""

    known: Posterior
    tuning: tuple[Any, Any]
    """[draws, n, 1, M], [draws, n, L, M]."""
    fresh: tuple[Any, Any]


def case_of(arguments: Arguments, error_eve: float) -> Case:
    """Estimates and draws at one error."""
    source = keys.stream(arguments.seed, f"{error_eve}")
    scenario = Scenario(num_users=1, num_eavesdroppers=arguments.eavesdroppers)
    known = uncertain.drawn(source, scenario, arguments.num_channels, 0.0, error_eve)
    tuning = knowledge.sample(keys.stream(source, "tuning"), known, arguments.tuning_draws)
    fresh = knowledge.sample(keys.stream(source, "judging"), known, arguments.num_draws)
    return Case(known, tuning, fresh)


def of_library(case: Case, method: str, key: Any) -> Judged:
    """A method that is asked for the rate kept in all but ε."""

    def design() -> Strategy:
        return jaxsec.design(
            case.known, noise_power=1.0, method=method, objective=Outage(OUTAGE), key=key
        )

    jax.block_until_ready(design())  # compiles
    began = time.process_time()
    strategy = jax.block_until_ready(design())
    seconds = (time.process_time() - began) / case.known.h_user.shape[0]
    promised = outage_secrecy_rate(_rates(*strategy, *case.tuning, 1.0), OUTAGE)
    return judged(case, strategy, np.asarray(promised), seconds)


def of_programme(case: Case, design: Callable[[Link, np.ndarray], Design]) -> Judged:
    """Designs made channel by channel, of a link and its draws to tune by."""
    n = case.known.h_user.shape[0]
    links = [link_of(case.known, i) for i in range(n)]
    draws = np.asarray(case.tuning[1])
    began = time.process_time()
    designs = [design(links[i], draws[:, i]) for i in range(n)]
    seconds = (time.process_time() - began) / n
    w = jnp.asarray(np.stack([one.w for one in designs])[..., None], jnp.complex64)
    v = jnp.asarray(np.stack([one.v for one in designs]), jnp.complex64)
    return judged(case, Strategy(w, v), np.array([one.rate for one in designs]), seconds)


def judged(case: Case, strategy: Strategy, promised: np.ndarray, seconds: float) -> Judged:
    """By the fresh draws."""
    found = _rates(*strategy, *case.fresh, 1.0)
    kept = np.asarray(outage_secrecy_rate(found, OUTAGE))
    return Judged(promised, np.mean(np.asarray(found) < promised, axis=0), kept, seconds)


def measure(arguments: Arguments, error_eve: float) -> list[dict[str, Any]]:
    """A row for each design at one error of the eavesdroppers' channels."""
    case = case_of(arguments, error_eve)
    key = keys.stream(arguments.seed, f"designs {error_eve}")
    num_antennas = case.known.h_user.shape[-1]
    programme = Programme(num_antennas, arguments.eavesdroppers)
    nominal(programme, link_of(case.known, 0))  # set up
    found = {
        NOMINAL: of_programme(case, lambda link, _: nominal(programme, link)),
        TUNED: of_programme(case, lambda link, draws: tuned(programme, link, draws)),
        **{method: of_library(case, method, key) for method in LIBRARY},
    }
    print(f"{error_eve}: {found[NOMINAL].outage.mean():.2%} missed", file=sys.stderr)
    return [row_of(error_eve, name, one, found[REFERENCE].kept) for name, one in found.items()]


def row_of(error_eve: float, name: str, found: Judged, reference: np.ndarray) -> dict[str, Any]:
    """Means over channels with their intervals."""
    row: dict[str, Any] = {"error_eve": error_eve, "design": name}
    for field in ("promised", "outage", "kept"):
        mean = statistics.mean_ci(getattr(found, field))
        row |= {field: mean.value, f"{field} ci95": mean.ci95}
    ratio = statistics.ratio_of_means(found.kept, reference)
    row |= {"distance": ratio.value - 1, "distance ci95": ratio.ci95}
    return row | {"seconds": found.seconds}


def cells(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The rows in words."""

    def spread(row: dict[str, Any], field: str, form: str) -> str:
        return f"{row[field]:{form}} ± {row[f'{field} ci95']:{form.strip('+')}}"

    return [
        [
            f"{row['error_eve']:g}",
            row["design"],
            spread(row, "promised", ".2f"),
            spread(row, "outage", ".2%"),
            spread(row, "kept", ".2f"),
            "" if row["design"] == REFERENCE else spread(row, "distance", "+.2%"),
            f"{1e3 * row['seconds']:,.1f}",
        ]
        for row in rows
    ]


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures, prints, writes."""
    report = Report("outage_sdp", argv, arguments.seed, arguments.num_channels)
    rows = [row for error in ERRORS_EVE for row in measure(arguments, error)]
    title = f"K = 1, L = {arguments.eavesdroppers}: a rate to be kept in {1 - OUTAGE:.0%}"
    right = ("promised", "missed", "kept", f"to {REFERENCE}", "ms a channel")
    made = table(title, ("error of eavesdroppers", "design"), right, cells(rows))
    return report.finish(rows, made, path=arguments.json)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

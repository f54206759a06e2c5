"""How good are the designs on ray-traced channels? Streets of Florence and San Francisco.

    python -m benchmarks.raytraced.judge [--channels 64] [--models cdm-f FILE.npz] [--json FILE]

On the saved channels (`benchmarks.raytraced.make`): mean sum secrecy rate; the mean over the mean
best known (9 long float64 starts of OPT, or any method here that is better on a channel) with its
95% confidence interval; the worst channel's own ratio; how many channels stay below 95%; of a
diffusion model, on what share of the channels its design is OPT's, a candidate beside its samples;
and the time a channel. Below that, how strong the links are and how alike those of an eavesdropper
and of the user beside it.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import tyro

import jaxsec
from benchmarks.raytraced import sites
from benchmarks.raytraced.sites import SITES, Site
from benchmarks.report import Report, table
from jaxsec import methods
from jaxsec.cdm.coordinates.resolved import LOOK_AHEAD
from jaxsec.cdm.designer import NUM_STARTS
from jaxsec.channels import Channels
from jaxsec.report import comparison, statistics

CLASSICAL = {
    "rzf-ns": methods.make("rzf-ns"),
    "rzf-ns-aimed": methods.make("rzf-ns-aimed"),
    f"opt, {LOOK_AHEAD} steps": methods.make("opt", num_steps=LOOK_AHEAD),
    "opt": methods.make("opt"),
    f"opt, {NUM_STARTS} starts": methods.make("opt", num_starts=NUM_STARTS),
}
"""A model in resolved coordinates is told the outcome of so few steps, and of so many starts a
short run is a candidate."""
MODELS = ("cdm-f-rayleigh", "cdm-f", "setnet-robust")
LOW = 0.95
"""Channels with less of their best known rate are counted."""
PERCENTILES = (0, 5, 50, 95, 100)


@dataclasses.dataclass(frozen=True)
class Arguments:
    channels: int = 64
    """Channels of a site, the first of its file."""
    models: tuple[str, ...] = MODELS
    """Diffusion models, by name or file: one sample, the best of 8, and 3 steps of OPT on that; of
    one that does not sample, its one pass, and 3 steps on that."""
    seed: int = 0
    """Of samples and of the reference's random starts."""
    json: Path | None = None


class Row(NamedTuple):
    """A method on the channels of a site; rates in bit/s/Hz."""

    site: str
    method: str
    mean: float
    ci95: float | None
    of_best_known: float
    of_best_known_ci95: float | None
    worst: float
    worst_channel: int
    below_95: int
    us_per_channel: float
    not_sampled: float | None
    """Share of channels on which a diffusion model's design is a candidate that is no sample."""


def contenders(models: tuple[str, ...]) -> dict[str, methods.Method]:
    """All that is judged, by what the table calls it."""
    made: dict[str, methods.Method] = dict(CLASSICAL)
    for model in models:
        name = Path(model).stem
        one = methods.make(model, refine=0)
        made[name] = one
        if isinstance(one, methods.Diffusion) and one.weights().deterministic:
            made[f"{name} + 3 steps"] = methods.make(model, refine=3)
        else:
            made[f"{name}, best of 8"] = methods.make(model, num_samples=8)
            made[f"{name}, best of 8 + 3 steps"] = methods.make(model, num_samples=8, refine=3)
    return made


def measure(arguments: Arguments, site: Site) -> tuple[list[Row], statistics.Mean]:
    """All contenders on the channels of a site, and the mean best known rate."""
    channels = first(sites.load(site), arguments.channels)
    tried = contenders(arguments.models)
    compared = comparison.compare(tried, channels, arguments.seed)
    rows = []
    for result in compared.results:
        mean, ratio = statistics.mean_ci(result.sum_rate), compared.of_best_known(result)
        own = compared.ratios(result)
        assert ratio is not None and own is not None
        us = 1e6 * result.timing.run_s / result.sum_rate.size
        share = not_sampled(tried[result.method], channels, arguments.seed)
        rows.append(Row(site.name, result.method, *mean, *ratio, int(np.sum(own < LOW)), us, share))
    assert compared.best_known is not None
    return rows, statistics.mean_ci(compared.best_known)


def not_sampled(method: methods.Method, channels: Channels, seed: int) -> float | None:
    """Share of channels on which a diffusion model takes a candidate that it has not sampled."""
    if not isinstance(method, methods.Diffusion):
        return None
    key = jax.random.key(seed)
    _, found = jaxsec.design(channels, method=method, key=key, diagnostics=True)
    assert found.candidate_rates is not None
    return float(np.mean(np.argmax(found.candidate_rates, axis=-1) >= method.num_samples))


def first(channels: Channels, num: int) -> Channels:
    """The first channels of a file, which has one noise power for all."""
    return Channels(channels.h_user[:num], channels.h_eve[:num], channels.noise_power)


def links(site: Site) -> dict[str, list[float]]:
    """Percentiles over all links of a site.

    Returns:
      Of the SNR |h|²P/σ0² at a user and at an eavesdropper, in dB, mean over antennas; and of the
      correlation |hᴴg|²/(‖h‖²‖g‖²) of an eavesdropper and the user it was put beside.
    """
    h_user, h_eve, noise_power = (np.asarray(part) for part in sites.load(site))
    near = np.take_along_axis(h_user, sites.load_scene(site).near_user[..., None].astype(int), 1)
    values = {
        "user's SNR, dB": snr_db(h_user, noise_power),
        "eavesdropper's SNR, dB": snr_db(h_eve, noise_power),
        "correlation": correlation(near, h_eve),
    }
    return {name: np.percentile(value, PERCENTILES).tolist() for name, value in values.items()}


def snr_db(h: np.ndarray, noise_power: np.ndarray) -> np.ndarray:
    """SNR of an antenna at full power, in the mean over antennas."""
    return 10.0 * np.log10(np.mean(np.abs(h.astype(complex)) ** 2, axis=-1) / noise_power)


def correlation(h: np.ndarray, g: np.ndarray) -> np.ndarray:
    """|hᴴg|²/(‖h‖²‖g‖²), from 0 to 1."""
    h, g = h.astype(complex), g.astype(complex)
    inner = np.abs(np.sum(h.conj() * g, axis=-1)) ** 2
    return inner / (np.sum(np.abs(h) ** 2, axis=-1) * np.sum(np.abs(g) ** 2, axis=-1))


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures, prints, writes."""
    report = Report("raytraced.judge", argv, arguments.seed, arguments.channels)
    rows: list[Row] = []
    best: dict[str, Any] = {}
    cells: list[list[str]] = []
    for site in SITES.values():
        measured, best_known = measure(arguments, site)
        rows += measured
        best[site.name] = best_known._asdict()
        cells += [[site.title if i == 0 else "", *in_words(row)] for i, row in enumerate(measured)]
        cells += [["", "best known", str(best_known), *[""] * 5], []]
        print(f"{site.name}: done", file=sys.stderr, flush=True)
    described = {site.name: links(site) for site in SITES.values()}
    return report.finish(
        rows,
        table(
            f"Ray-traced channels, 8 antennas, 2 users, 4 eavesdroppers, {arguments.channels} each",
            ("city", "method"),
            (
                "bit/s/Hz",
                "of best known",
                "worst channel",
                "below 95%",
                "not sampled",
                "µs a channel",
            ),
            cells,
        ),
        path=arguments.json,
        notes=[link_note(SITES[name], found) for name, found in described.items()],
        best_known=best,
        percentiles=PERCENTILES,
        links=described,
    )


def in_words(row: Row) -> list[str]:
    """The cells of a row, but for the city."""
    return [
        row.method,
        str(statistics.Mean(row.mean, row.ci95)),
        str(statistics.Ratio(row.of_best_known, row.of_best_known_ci95, row.worst, 0)),
        f"{row.worst:.1%}",
        str(row.below_95),
        "" if row.not_sampled is None else f"{row.not_sampled:.0%}",
        f"{row.us_per_channel:.0f}",
    ]


def link_note(site: Site, found: dict[str, list[float]]) -> str:
    """Percentiles in a line."""
    parts = [
        f"{name} {', '.join(f'{value:.3g}' for value in values)}" for name, values in found.items()
    ]
    return f"{site.title}, percentiles {', '.join(map(str, PERCENTILES))}: {'; '.join(parts)}"


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

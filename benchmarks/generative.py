"""How good is a diffusion model's design? At every point of P1's Fig. 4, and at other antennas.

    python benchmarks/generative.py [--model FILE] [--num-channels 256] [--json FILE] [--card]

For each scenario the mean sum secrecy rate over that of the best known (a longer run of OPT in
float64, or any method here that is better on a channel), with the 95% confidence interval of the
ratio: RZF-NS, RZF-NS with aimed noise, the closed-form reference that the model's samples are
changes from, OPT, and the model with one sample, the best of eight, and OPT's iteration for two
steps after that.
Channels are drawn from a seed that nothing was trained or tuned on.
"""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import tyro
from points import named, scenario
from rich.console import Console
from rich.table import Table

import jaxsec
from jaxsec import cdm
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained
from jaxsec.channels import Channels
from jaxsec.precoding import gpip, reference
from jaxsec.precoding.closed_form import closed_form
from jaxsec.report import timing

FIGURE_4 = (
    *[(8, 2, 4, float(p), -100.0) for p in (0, 5, 10, 15, 20, 25, 30)],
    *[(8, 4, eves, 20.0, -100.0) for eves in (2, 3, 4, 5, 6, 7, 8)],
    *[(8, users, 2, 20.0, -100.0) for users in (2, 3, 5, 6)],
    *[(8, 4, 2, 20.0, float(noise)) for noise in (-110, -90, -80)],
)
OTHER_ANTENNAS = tuple((antennas, 2, 4, 20.0, -100.0) for antennas in (6, 16, 32))

BASELINES = ("rzf-ns", "rzf-ns-aimed", "closed form", "opt")


@dataclasses.dataclass(frozen=True)
class Arguments:
    model: Path | None = None
    """Weights to judge; the shipped ones by default."""
    num_channels: int = 256
    seed: int = 30260
    ddim_steps: int = cdm.DEFAULT_STEPS
    num_starts: int = 1
    """Starts of the reference."""
    num_steps: int = 60
    """Its steps."""
    only: tuple[int, int] | None = None
    """K and L, for a model of one size."""
    json: Path | None = None
    card: bool = False
    """Write what is measured into the model's card."""


def designs(model: cdm.Model, arguments: Arguments, channels: Channels):
    """Every contender's strategy, by its name."""
    key = jax.random.key(arguments.seed + 2)
    for name in BASELINES:
        if name == "closed form":
            yield name, closed_form(*channels, num_noise_beams=2)
        else:
            yield name, jaxsec.design(*channels, method=name)
    steps = arguments.ddim_steps
    yield "1 sample", cdm.design(key, model, *channels, num_steps=steps)
    best = cdm.design(key, model, *channels, num_samples=8, num_steps=steps)
    yield "best of 8", best
    yield "best of 8 + 2", gpip.refine(best, *channels, num_steps=2)


CONTENDERS = (*BASELINES, "1 sample", "best of 8", "best of 8 + 2")


def measure(model: cdm.Model, arguments: Arguments, scenario: jaxsec.Scenario) -> dict[str, float]:
    """Mean rates, ratios of means to best known, and their intervals."""
    key = jax.random.key(arguments.seed)
    channels = jaxsec.sample_channels(key, scenario, arguments.num_channels)
    rates = {
        name: np.asarray(jaxsec.sum_secrecy_rate(*strategy, *channels), np.float64)
        for name, strategy in designs(model, arguments, channels)
    }
    best = reference.best_known(
        jax.random.key(arguments.seed + 1),
        channels,
        num_starts=arguments.num_starts,
        num_steps=arguments.num_steps,
    )
    best = np.max([best, *rates.values()], axis=0)
    result = {"best known": float(best.mean())}
    for name, rate in rates.items():
        ratio = rate.mean() / best.mean()
        spread = (rate - ratio * best).std() / best.mean()  # of a ratio of means, to first order
        result[name] = float(ratio)
        result[f"{name} ci95"] = float(1.96 * spread / np.sqrt(rate.size))
        result[f"{name} worst"] = float((rate / best).min())
    return result


def main(arguments: Arguments) -> None:
    path = arguments.model or pretrained.FOLDER / "cdm-set.npz"
    model = cdm_file.load(path)
    console = Console(width=130)
    table = Table("M", "K", "L", "P dBm", "noise", "best known", *CONTENDERS)
    results = []
    for point in (*FIGURE_4, *OTHER_ANTENNAS):
        if arguments.only is not None and point[1:3] != arguments.only:
            continue
        if model.coordinates == "antenna" and point[0] not in {size[0] for size in model.sizes}:
            continue
        if results and point[:3] != tuple(results[-1][axis] for axis in "MKL"):
            jax.clear_caches()  # hundreds of compiled programs are more than a process can map
        result = named(point) | measure(model, arguments, scenario(point))
        results.append(result)
        cells = [f"{result[name]:.2%} ± {result[f'{name} ci95']:.2%}" for name in CONTENDERS]
        table.add_row(*[f"{x:g}" for x in point], f"{result['best known']:.2f}", *cells)
        console.print(f"{point}: {result['1 sample']:.2%}", style="dim")
    means = {name: float(np.mean([result[name] for result in results])) for name in CONTENDERS}
    table.add_row("mean", *[""] * 5, *[f"{means[name]:.2%}" for name in CONTENDERS])
    console.print(table)
    plain = {key: value for key, value in dataclasses.asdict(arguments).items() if value}
    plain = {key: str(value) if isinstance(value, Path) else value for key, value in plain.items()}
    report = {"arguments": plain, "hardware": timing.hardware(), "mean": means, "points": results}
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    if arguments.card:
        card = cdm_file.read_card(path)
        card["measured"] = {
            "command": "python benchmarks/generative.py",
            "num_channels": arguments.num_channels,
            "seed": arguments.seed,
            "ddim_steps": arguments.ddim_steps,
            "mean": {name: round(value, 5) for name, value in means.items()},
            "points": [
                {key: round(value, 5) for key, value in result.items()} for result in results
            ],
        }
        cdm_file.write_card(path, card)


if __name__ == "__main__":
    main(tyro.cli(Arguments))

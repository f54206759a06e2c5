"""Zero-shot: a fine-tuned model on channels unlike any it was trained on.

    python benchmarks/zero_shot.py [--model FILE] [--num-channels 256] [--json FILE]

Sizes (M, K, L), link budgets, geometries and fading that neither training nor fine-tuning has seen.
Printed as by `generative.py`: mean sum secrecy rate over that of the best known.
"""

import dataclasses
import json
from pathlib import Path

import generative
import jax
import tyro
from generative import CONTENDERS
from rich.console import Console
from rich.table import Table

from jaxsec import Scenario
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained
from jaxsec.report import timing

CASES = {
    "70 dB of link budget": Scenario(transmit_power_dbm=-30.0),
    "150 dB": Scenario(transmit_power_dbm=50.0),
    "Rician, factor 10": Scenario(rician_factor=10.0),
    "correlated antennas, 0.7": Scenario(antenna_correlation=0.7),
    "users at 10 to 300 m": Scenario(min_distance_m=10.0, max_distance_m=300.0),
    "eavesdroppers within 50 m": Scenario(eavesdropper_radius_m=50.0),
    "32 antennas": Scenario(num_antennas=32),
    "K = 3, L = 7": Scenario(num_users=3, num_eavesdroppers=7),
    "K = 7, L = 6": Scenario(num_users=7, num_eavesdroppers=6),
    "K = 6, L = 3, 7 antennas": Scenario(num_antennas=7, num_users=6, num_eavesdroppers=3),
}


@dataclasses.dataclass(frozen=True)
class Arguments:
    model: Path = pretrained.FOLDER / "cdm-f.npz"
    num_channels: int = 256
    seed: int = 50260
    json: Path | None = None


def main(arguments: Arguments) -> None:
    model = cdm_file.load(arguments.model)
    console = Console(width=150)
    plain = generative.Arguments(num_channels=arguments.num_channels, seed=arguments.seed)
    table = Table("P1's default but for", "best known", *CONTENDERS)
    results = {}
    for name, scenario in CASES.items():
        result = generative.measure(model, plain, scenario)
        results[name] = {"scenario": dataclasses.asdict(scenario), **result}
        cells = [f"{result[x]:.2%} ± {result[f'{x} ci95']:.2%}" for x in CONTENDERS]
        table.add_row(name, f"{result['best known']:.2f}", *cells)
        console.print(f"{name}: {result['1 sample']:.2%}", style="dim")
        if scenario.num_users > 2 or scenario.num_antennas > 8:
            jax.clear_caches()  # the others share what is compiled
    console.print(table)
    if arguments.json is not None:
        report = {
            "model": arguments.model.stem,
            "seed": arguments.seed,
            "num_channels": arguments.num_channels,
            "hardware": timing.hardware(),
            "cases": results,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Arguments))

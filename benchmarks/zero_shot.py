"""Zero-shot: a fine-tuned model on channels unlike any it was trained on.

    python -m benchmarks.zero_shot [--model FILE] [--num-channels 256] [--json FILE]

Sizes (M, K, L), link budgets, geometries and fading that neither training nor fine-tuning has seen.
Printed as by `generative`: mean sum secrecy rate over that of the best known.
"""

import dataclasses
import sys
from pathlib import Path

import jax
import tyro

from benchmarks import generative
from benchmarks.generative import contenders
from benchmarks.report import Report, table
from jaxsec import Scenario
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained

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
    model: Path = pretrained.FOLDER / "cdm-f-rayleigh.npz"
    num_channels: int = 256
    seed: int = 50260
    json: Path | None = None


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures, prints, writes."""
    report = Report("zero_shot", argv, arguments.seed, arguments.num_channels)
    model = cdm_file.load(arguments.model)
    plain = generative.Arguments(num_channels=arguments.num_channels, seed=arguments.seed)
    names = contenders(model)
    results = []
    for name, scenario in CASES.items():
        result = generative.measure(model, plain, scenario)
        results.append({"case": name, "scenario": dataclasses.asdict(scenario), **result})
        print(f"{name}: {result['1 sample']:.2%}", file=sys.stderr, flush=True)
        if scenario.num_users > 2 or scenario.num_antennas > 8:
            jax.clear_caches()  # the others share what is compiled
    cells = [
        [
            result["case"],
            f"{result['best known']:.2f}",
            *(f"{result[name]:.2%} ± {result[f'{name} ci95']:.2%}" for name in names),
        ]
        for result in results
    ]
    title = f"{arguments.model.stem}: of best known"
    return report.finish(
        results,
        table(title, ("P1's default but for",), ("best known", *names), cells),
        path=arguments.json,
        model=arguments.model.stem,
    )


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

"""A diffusion model at all sizes, on streets and Rayleigh channels: K, L ≤ 8, 4 to 64 antennas.

    python -m benchmarks.sizes [--model FILE] [--ddim-steps 1] [--num-channels 128] [--json FILE]

Streets are clustered multipath (`jaxsec sample --fading clustered`) with users at 10 to 300 m and
eavesdroppers within 10 m of one of them. Printed as by `generative`.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import jax
import tyro

from benchmarks import generative
from benchmarks.report import Report, table
from jaxsec import Scenario
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained
from jaxsec.strategy import Size

SIZES = tuple(
    Size(*size)
    for size in (
        (4, 1, 1), (8, 1, 8), (4, 2, 2), (8, 2, 4), (64, 2, 4), (8, 3, 5), (4, 4, 4), (16, 4, 8),
        (8, 6, 4), (8, 8, 8), (64, 8, 8),
    )
)  # fmt: skip
STREETS: dict[str, dict[str, Any]] = {
    "3 clusters, factor 1": {"num_clusters": 3, "rician_factor": 1.0},
    "line of sight, factor 30": {"num_clusters": 2, "rician_factor": 30.0},
}
WHERE: dict[str, Any] = {
    "fading": "clustered",
    "min_distance_m": 10.0,
    "max_distance_m": 300.0,
    "eavesdropper_radius_m": 10.0,
}


@dataclasses.dataclass(frozen=True)
class Arguments:
    model: Path = pretrained.FOLDER / "cdm-f.npz"
    ddim_steps: int = 1
    num_channels: int = 128
    """Channels a size and kind."""
    seed: int = 70260
    json: Path | None = None


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures, prints, writes."""
    report = Report("sizes", argv, arguments.seed, arguments.num_channels)
    model = cdm_file.load(arguments.model)
    plain = generative.Arguments(
        num_channels=arguments.num_channels,
        seed=arguments.seed,
        ddim_steps=arguments.ddim_steps,
    )
    names = generative.contenders(model)
    results: list[dict[str, Any]] = []
    for size in SIZES:
        kinds = {
            name: Scenario(**size._asdict(), **WHERE, **kind) for name, kind in STREETS.items()
        }
        for name, scenario in {"Rayleigh": Scenario(**size._asdict()), **kinds}.items():
            measured = generative.measure(model, plain, scenario)
            results.append({**size._asdict(), "kind": name, **measured})
        print(f"{tuple(size)}: {results[-1][names[-1]]:.2%}", file=sys.stderr, flush=True)
        jax.clear_caches()  # hundreds of compiled programs are more than a process can map
    cells = [
        [
            ", ".join(str(result[axis]) for axis in Size._fields),
            result["kind"],
            f"{result['best known']:.2f}",
            *(f"{result[name]:.2%} ± {result[f'{name} ci95']:.2%}" for name in names),
        ]
        for result in results
    ]
    return report.finish(
        results,
        table(
            f"{arguments.model.stem}: of best known",
            ("M, K, L", "channels"),
            ("best known", *names),
            cells,
        ),
        path=arguments.json,
        model=arguments.model.stem,
    )


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

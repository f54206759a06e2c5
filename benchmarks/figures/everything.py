"""All figures, from the shipped weights: `make figures`, `make figures-quick`.

    python -m benchmarks.figures.everything [--quick] [--seed 40260] [--out out/figures]

Points that figures share are measured once. Exit code 1 if a loss curve of Fig. 3 is missing.
"""

import sys

import jax
import tyro

from benchmarks.figures import (
    curves,
    figure_3a,
    figure_3b,
    figure_4a,
    figure_4b,
    figure_4c,
    figure_4d,
    gap,
    latency,
    sweep,
)
from benchmarks.figures.measure import measure_all
from benchmarks.figures.study import Arguments, Study
from jaxsec import checks

CURVES = (figure_3a.KIND, figure_3b.KIND)
SWEEPS = (figure_4a.SWEEP, figure_4b.SWEEP, figure_4c.SWEEP, figure_4d.SWEEP)


def main(arguments: Arguments, argv: list[str]) -> int:
    """Measures and draws; 1 if a figure could not be drawn."""
    study = Study("figures.everything", argv, arguments)
    missing = 0
    for kind in CURVES:
        try:
            curves.make(kind, curves.Arguments(out=arguments.out), study.report.command)
        except checks.InputError as error:
            print(f"{kind.name}: {error}", file=sys.stderr)
            missing = 1
    latency.make(study)
    jax.clear_caches()
    points = [p for one in SWEEPS for p in sweep.points(study, one).values()]
    measured = measure_all(study, [gap.POINT, *points])
    gap.make(study, measured)
    for one in SWEEPS:
        sweep.make(study, one, measured)
    return missing


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

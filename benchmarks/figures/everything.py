"""All figures, from the shipped weights: `make figures`, `make figures-quick`.

    python benchmarks/figures/everything.py [--quick] [--seed 40260] [--out out/figures]

Points that figures share are measured once. Exit code 1 if a loss curve of Fig. 3 is missing.
"""

import sys

import csi_error
import curves
import figure_3a
import figure_3b
import figure_4a
import figure_4b
import figure_4c
import figure_4d
import gap
import jax
import latency
import sweep
import tyro
from measure import measure_all
from study import Arguments, Study, command

from jaxsec import checks

CURVES = (figure_3a.KIND, figure_3b.KIND)
SWEEPS = (figure_4a.SWEEP, figure_4b.SWEEP, figure_4c.SWEEP, figure_4d.SWEEP)


def main(arguments: Arguments) -> int:
    """Measures and draws; 1 if a figure could not be drawn."""
    study = Study(command("everything.py"), arguments)
    missing = 0
    for kind in CURVES:
        try:
            curves.make(kind, curves.Arguments(out=arguments.out), study.command)
        except checks.InputError as error:
            print(f"{kind.name}: {error}", file=sys.stderr)
            missing = 1
    latency.make(study)
    csi_error.make(study)
    jax.clear_caches()
    points = [s for one in SWEEPS for s in sweep.scenarios(study, one).values()]
    measured = measure_all(study, [gap.SCENARIO, *points])
    gap.make(study, measured)
    for one in SWEEPS:
        sweep.make(study, one, measured)
    return missing


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments)))

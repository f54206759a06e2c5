"""P1's Fig. 4(d): secrecy over noise power.

P1 trains at one noise power, and so calls this zero-shot. The shipped models were trained over link
budgets P/σ0² of 85 to 135 dB, in which all of these points lie (90 to 130 dB).

    python -m benchmarks.figures.figure_4d [--quick] [--seed 40260] [--out out/figures]
"""

from benchmarks.figures.sweep import Sweep, main
from benchmarks.points import FIGURE_4D

SWEEP = Sweep(
    "figure-4d",
    "4 users, 2 eavesdroppers, 20 dBm",
    "noise power (dBm)",
    FIGURE_4D,
    quick=(-110, -90, -70),
    note="The models were trained over link budgets that include all of these.",
)

if __name__ == "__main__":
    main(SWEEP)

"""P1's Fig. 4(b): secrecy over the number of eavesdroppers.

python -m benchmarks.figures.figure_4b [--quick] [--seed 40260] [--out out/figures]
"""

from benchmarks.figures.sweep import Sweep, main
from benchmarks.points import FIGURE_4B

SWEEP = Sweep(
    "figure-4b",
    "4 users, 20 dBm",
    "eavesdroppers",
    FIGURE_4B,
    quick=(2, 8),
)

if __name__ == "__main__":
    main(SWEEP)

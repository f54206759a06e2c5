"""P1's Fig. 4(a): secrecy over transmit power.

python -m benchmarks.figures.figure_4a [--quick] [--seed 40260] [--out out/figures]
"""

from benchmarks.figures.sweep import Sweep, main
from benchmarks.points import FIGURE_4A

SWEEP = Sweep(
    "figure-4a",
    "2 users, 4 eavesdroppers",
    "transmit power (dBm)",
    FIGURE_4A,
    quick=(0, 15, 30),
)

if __name__ == "__main__":
    main(SWEEP)

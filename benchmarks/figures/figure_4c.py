"""P1's Fig. 4(c): secrecy over the number of users.

python -m benchmarks.figures.figure_4c [--quick] [--seed 40260] [--out out/figures]
"""

from benchmarks.figures.sweep import Sweep, main
from benchmarks.points import FIGURE_4C

SWEEP = Sweep(
    "figure-4c",
    "2 eavesdroppers, 20 dBm",
    "users",
    FIGURE_4C,
    quick=(2, 4),
)

if __name__ == "__main__":
    main(SWEEP)

"""P1's Fig. 4(b): secrecy over the number of eavesdroppers.

python benchmarks/figures/figure_4b.py [--quick] [--seed 40260] [--out out/figures]
"""

from sweep import Sweep, main

from jaxsec import Scenario

SWEEP = Sweep(
    "figure-4b",
    "4 users, 20 dBm",
    "eavesdroppers",
    {eves: Scenario(num_users=4, num_eavesdroppers=eves) for eves in range(2, 9)},
    quick=(2, 8),
)

if __name__ == "__main__":
    main(SWEEP)

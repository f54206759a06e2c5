"""P1's Fig. 4(a): secrecy over transmit power.

python benchmarks/figures/figure_4a.py [--quick] [--seed 40260] [--out out/figures]
"""

from sweep import Sweep, main

from jaxsec import Scenario

SWEEP = Sweep(
    "figure-4a",
    "2 users, 4 eavesdroppers",
    "transmit power (dBm)",
    {p: Scenario(transmit_power_dbm=float(p)) for p in range(0, 31, 5)},
    quick=(0, 15, 30),
)

if __name__ == "__main__":
    main(SWEEP)

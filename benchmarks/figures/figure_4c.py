"""P1's Fig. 4(c): secrecy over the number of users.

python benchmarks/figures/figure_4c.py [--quick] [--seed 40260] [--out out/figures]
"""

from sweep import Sweep, main

from jaxsec import Scenario

SWEEP = Sweep(
    "figure-4c",
    "2 eavesdroppers, 20 dBm",
    "users",
    {users: Scenario(num_users=users, num_eavesdroppers=2) for users in range(2, 7)},
    quick=(2, 4),
)

if __name__ == "__main__":
    main(SWEEP)

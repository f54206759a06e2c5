"""P1's Fig. 4(d): secrecy over noise power.

P1 trains at one noise power, and so calls this zero-shot. The shipped models were trained over link
budgets P/σ0² of 85 to 135 dB, in which all of these points lie (90 to 130 dB).

    python benchmarks/figures/figure_4d.py [--quick] [--seed 40260] [--out out/figures]
"""

from sweep import Sweep, main

from jaxsec import Scenario

SWEEP = Sweep(
    "figure-4d",
    "4 users, 2 eavesdroppers, 20 dBm",
    "noise power (dBm)",
    {
        noise: Scenario(num_users=4, num_eavesdroppers=2, noise_power_dbm=float(noise))
        for noise in range(-110, -69, 10)
    },
    quick=(-110, -90, -70),
    note="The models were trained over link budgets that include all of these.",
)

if __name__ == "__main__":
    main(SWEEP)

"""P1's Fig. 3(a): the training loss (18) over the steps.

    python benchmarks/figures/figure_3a.py [RUN ...] [--out out/figures]

Of the shipped model, or of folders that `jaxsec train` has written. A batch holds tables of one
bucket of sizes only, and buckets differ in how hard they are: thin lines are the means of 50 steps
as they were written, thick lines their running means over ten times as many.
"""

from curves import Kind, main

KIND = Kind(
    "figure-3a",
    "Training loss (18)",
    "mean squared error of a coordinate",
    log=True,
    shipped="cdm-set",
    made_by="jaxsec train",
)

if __name__ == "__main__":
    main(KIND, "figure_3a.py")

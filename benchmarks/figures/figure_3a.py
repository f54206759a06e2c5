"""P1's Fig. 3(a): the training loss (18) over the steps.

    python -m benchmarks.figures.figure_3a [RUN ...] [--out out/figures]

Of folders that `jaxsec train` has written; by default of a short run at K = 2, L = 4, P1's case:

    jaxsec dataset --out data --sizes figure-4a --num-channels 60000 --seed 2
    jaxsec train data --out run --num-steps 1500

Thin lines are means of 50 steps as they were written, thick lines their running means over three
times as many.
"""

from benchmarks.figures.curves import Kind, main

KIND = Kind(
    "figure-3a",
    "Training loss (18)",
    "mean squared error of a coordinate",
    log=True,
    shipped=("set-denoiser",),
    made_by="jaxsec train",
)

if __name__ == "__main__":
    main(KIND, "figures.figure_3a")

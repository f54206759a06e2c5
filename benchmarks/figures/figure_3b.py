"""P1's Fig. 3(b): the fine-tuning loss (19) over the steps.

    python benchmarks/figures/figure_3b.py [RUN ...] [--out out/figures]

Of the shipped model, or of folders that `jaxsec finetune` has written. A batch holds one size of
channels only, and sizes differ in how far the closed form can be beaten, so the thin line is not
noise: it is which sizes were drawn.
"""

from curves import Kind, main

KIND = Kind(
    "figure-3b",
    "Fine-tuning loss (19)",
    "minus sum secrecy rate, over that of the closed form",
    log=False,
    shipped="cdm-f",
    made_by="jaxsec finetune",
)

if __name__ == "__main__":
    main(KIND, "figure_3b.py")

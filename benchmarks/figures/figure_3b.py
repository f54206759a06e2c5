"""P1's Fig. 3(b): the fine-tuning loss (19) over the steps.

    python benchmarks/figures/figure_3b.py [RUN ...] [--out out/figures]

Of the shipped model, or of folders that `jaxsec finetune` has written.
"""

from curves import Kind, main

KIND = Kind(
    "figure-3b",
    "Fine-tuning loss (19)",
    "minus sum secrecy rate (bit/s/Hz), and penalty",
    log=False,
    shipped="cdm-f",
    made_by="jaxsec finetune",
)

if __name__ == "__main__":
    main(KIND, "figure_3b.py")

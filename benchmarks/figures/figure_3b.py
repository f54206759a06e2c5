"""P1's Fig. 3(b): the fine-tuning loss (19) over the steps.

    python -m benchmarks.figures.figure_3b [RUN ...] [--out out/figures]

Of folders that `jaxsec finetune` has written; by default of two runs at K = 2, L = 4, P1's case:
from the ablation's network, which imitates badly, and from the set denoiser, which imitates well:

    jaxsec finetune --model cdm-mlp --size 8 2 4 --ddim-steps 2 --num-steps 800 \\
        --learning-rate 3e-4 --clustered 0 --coordinates received --out mlp

and the same with `--model cdm-set`. Both see the same channels, so what moves both curves alike is
which channels were drawn.
"""

from benchmarks.figures.curves import Kind, main

KIND = Kind(
    "figure-3b",
    "Fine-tuning loss (19)",
    "−rate, over that of the closed form",
    log=False,
    shipped=("from cdm-mlp", "from cdm-set"),
    made_by="jaxsec finetune",
)

if __name__ == "__main__":
    main(KIND, "figures.figure_3b")

"""What do the network and the coordinates bring? The same training for all, and short.

    python -m benchmarks.ablation [--num-samples 40000] [--data FOLDER] [--json FILE]

Set denoiser, U-Net (small) and MLP, of equal parameter counts, in received-gain and in antenna
coordinates, each trained on as many samples of the same channels with the same optimiser: at K = 2,
L = 4 only, and on all K and L of P1's figures. Printed: mean sum secrecy rate of one sample over
that of OPT, on channels that none was trained on, with the 95% confidence interval; and that of the
closed form, which the received-gain models' samples are changes from.
"""

import dataclasses
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

import jaxsec
from benchmarks.report import Report, table
from jaxsec import cdm, keys
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.training import batches, dataset, pretrain
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.precoding.closed_form import closed_form
from jaxsec.report import statistics
from jaxsec.strategy import Size

NETWORKS = ("set", "unet", "mlp")
SETS = {
    "K=2 L=4": (Size(8, 2, 4),),
    "all K, L": tuple(Size(8, *pair) for pair in dataset.FIGURES),
}
JUDGED = {
    "K=2 L=4": (Size(8, 2, 4),),
    "all K, L": (Size(8, 2, 4), Size(8, 4, 8), Size(8, 6, 2)),
}


@dataclasses.dataclass(frozen=True)
class Arguments:
    num_samples: int = 40_000
    """Samples that each model sees."""
    num_shards: int = 27
    """Shards of 2048 channels of each set."""
    num_judged: int = 512
    """Held-out channels of each size."""
    seed: int = 7
    data: Path | None = None
    """Folder for the expert data; a temporary one by default."""
    json: Path | None = None


def train(arguments: Arguments, folder: Path, name: str, which: str) -> tuple[cdm.Model, int]:
    """A model and its number of parameters."""
    manifest = dataset.read_manifest(folder)
    data, standardiser = batches.load(
        folder,
        coordinates.get(which),
        entries=pretrain.Config.batch_entries,
        multiple=1,
        seed=arguments.seed,
        advance=lambda done: None,
    )
    share = np.array([bucket.z.shape[0] for bucket in data.buckets], float)
    mean = float(np.sum(share / share.sum() * np.array(data.sizes)))
    config = pretrain.Config(
        denoiser=name,
        coordinates=which,
        num_steps=max(1, round(arguments.num_samples / mean)),
        seed=arguments.seed,
    )
    network = denoisers.for_tables(name, *batches.largest(data))
    state = pretrain.initial_state(config, network, data.buckets[0])
    step = pretrain.make_train_step(config, network)
    for i in range(config.num_steps):
        state, _ = step(state, data.sample(i))
    model = pretrain.to_model(config, network, state, standardiser, manifest)
    return model, sum(x.size for x in jax.tree.leaves(state.params))


def judge(
    arguments: Arguments, model: cdm.Model | None, sizes: tuple[Size, ...]
) -> statistics.Mean:
    """Mean over all sizes of the ratio of means to OPT; without a model, of the closed form."""
    ratios = []
    for size in sizes:
        scenario = jaxsec.Scenario(**size._asdict())
        key = keys.stream(keys.stream(arguments.seed, "ablation/judged"), str(tuple(size)))
        channels = jaxsec.sample_channels(key, scenario, arguments.num_judged)
        if model is None:
            strategy = closed_form(*channels, num_noise_beams=2)
        else:
            samples = keys.stream(arguments.seed, "ablation/samples")
            strategy = cdm.design(samples, model, *channels)
        ours, opt = (
            np.asarray(jaxsec.sum_secrecy_rate(*s, *channels), np.float64)
            for s in (strategy, jaxsec.design(*channels))
        )
        ratios.append(statistics.ratio_of_means(ours, opt))
    return statistics.mean_of_independent(ratios)


def main(arguments: Arguments, argv: list[str]) -> int:
    """Trains, judges, prints, writes."""
    report = Report("ablation", argv, arguments.seed, arguments.num_judged)
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(arguments, arguments.data or Path(scratch))
    return report.finish(
        rows,
        table(
            f"{arguments.num_samples} samples a model",
            ("trained on", "network", "coordinates"),
            ("parameters", "seconds", "of OPT"),
            [cells(row) for row in rows],
        ),
        path=arguments.json,
        num_training_samples=arguments.num_samples,
        num_shards=arguments.num_shards,
    )


def measure(arguments: Arguments, folder: Path) -> list[dict[str, Any]]:
    """A row a model, and one for the closed form, on each set."""
    rows: list[dict[str, Any]] = []
    for kind, sizes in SETS.items():
        path = folder / ("one" if len(sizes) == 1 else "all")
        recipe = dataset.Recipe(sizes=sizes, num_shards=arguments.num_shards, seed=arguments.seed)
        dataset.generate(path, recipe, lambda done: None)
        rows.append(
            {
                "set": kind,
                "network": "closed form",
                **_ratio(judge(arguments, None, JUDGED[kind])),
            }
        )
        for which in ("received", "antenna"):
            for name in NETWORKS:
                began = time.perf_counter()
                model, count = train(arguments, path, name, which)
                rows.append(
                    {
                        "set": kind,
                        "network": name,
                        "coordinates": which,
                        "num_parameters": count,
                        "seconds": time.perf_counter() - began,
                        **_ratio(judge(arguments, model, JUDGED[kind])),
                    }
                )
                print(rows[-1], file=sys.stderr, flush=True)
    return rows


def _ratio(mean: statistics.Mean) -> dict[str, float | None]:
    return {"of_opt": mean.value, "of_opt_ci95": mean.ci95}


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [
        row["set"],
        row["network"],
        row.get("coordinates", ""),
        str(row.get("num_parameters", "")),
        f"{row['seconds']:.0f}" if "seconds" in row else "",
        f"{row['of_opt']:.2%} ± {row['of_opt_ci95'] or 0.0:.2%}",
    ]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments), sys.argv[1:]))

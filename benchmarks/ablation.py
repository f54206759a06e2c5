"""What do the network and the coordinates bring? The same training for all, and short.

    python benchmarks/ablation.py [--num-samples 40000] [--data FOLDER] [--json FILE]

Set denoiser, U-Net (small) and MLP, of equal parameter counts, in received-gain and in antenna
coordinates, each trained on as many samples of the same channels with the same optimiser: at K = 2,
L = 4 only, and on all K and L of P1's figures. Printed: mean sum secrecy rate of one sample over
that of OPT, on channels that none was trained on, with the 95% confidence interval; and that of the
closed form, which the received-gain models' samples are changes from.
"""

import dataclasses
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

import jaxsec
from jaxsec import cdm
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.training import batches, dataset, pretrain
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.precoding.closed_form import closed_form
from jaxsec.report import timing
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
        state, _ = step(state, data.draw(i))
    model = pretrain.to_model(config, network, state, standardiser, manifest)
    return model, sum(x.size for x in jax.tree.leaves(state.params))


def judge(arguments: Arguments, model: cdm.Model | None, sizes: tuple[Size, ...]) -> list[float]:
    """Ratio of means to OPT, and its interval, over all sizes; without a model, the closed form."""
    ratios, squares = [], 0.0
    for size in sizes:
        scenario = jaxsec.Scenario(**size._asdict())
        key = jax.random.key(arguments.seed + 1000)
        channels = jaxsec.sample_channels(key, scenario, arguments.num_judged)
        if model is None:
            strategy = closed_form(*channels, num_noise_beams=2)
        else:
            strategy = cdm.design(jax.random.key(0), model, *channels)
        ours, opt = (
            np.asarray(jaxsec.sum_secrecy_rate(*s, *channels), np.float64)
            for s in (strategy, jaxsec.design(*channels))
        )
        ratio = ours.mean() / opt.mean()
        ratios.append(ratio)
        squares += float(np.var(ours - ratio * opt)) / ours.size / opt.mean() ** 2
    return [float(np.mean(ratios)), 1.96 * float(np.sqrt(squares)) / len(sizes)]


def main(arguments: Arguments) -> None:
    console = Console(width=100)
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(arguments, arguments.data or Path(scratch), console)
    show(rows, console)
    if arguments.json is not None:
        plain = {key: str(value) for key, value in dataclasses.asdict(arguments).items()}
        report = {"arguments": plain, "hardware": timing.hardware(), "rows": rows}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def measure(arguments: Arguments, folder: Path, console: Console) -> list[dict[str, Any]]:
    """A row a model, and one for the closed form, on each set."""
    rows: list[dict[str, Any]] = []
    for kind, sizes in SETS.items():
        path = folder / ("one" if len(sizes) == 1 else "all")
        recipe = dataset.Recipe(sizes=sizes, num_shards=arguments.num_shards, seed=arguments.seed)
        dataset.generate(path, recipe, lambda done: None)
        rows.append(
            {"set": kind, "network": "closed form", "ratio": judge(arguments, None, JUDGED[kind])}
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
                        "ratio": judge(arguments, model, JUDGED[kind]),
                    }
                )
                console.print(rows[-1], style="dim")
    return rows


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """Prints the table."""
    table = Table("trained on", "network", "coordinates", "parameters", "seconds", "of OPT")
    for row in rows:
        table.add_row(
            row["set"],
            row["network"],
            row.get("coordinates", ""),
            str(row.get("num_parameters", "")),
            f"{row['seconds']:.0f}" if "seconds" in row else "",
            f"{row['ratio'][0]:.2%} ± {row['ratio'][1]:.2%}",
        )
    console.print(table)


if __name__ == "__main__":
    main(tyro.cli(Arguments))

"""`jaxsec dataset`: expert data for training, in a folder of shards."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxsec import checks
from jaxsec.cdm.training import dataset
from jaxsec.report import console


@dataclasses.dataclass(frozen=True)
class Command:
    """Make expert data: random channels and OPT's strategies for them.

    Can be stopped and started again: finished shards are kept. The same options make the same
    bytes on the same machine.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for the shards and dataset.json."""
    num_channels: int = 400_000
    """Channels in all, rounded up to whole shards of 2048."""
    sizes: Literal["mixed", "figure-4a"] = "mixed"
    """Numbers of users, eavesdroppers and antennas: all of P1's figures and more, or K=2 L=4."""
    seed: int = 0
    """Seed of everything."""


def run(command: Command, argv: list[str]) -> None:
    """Makes what is missing, and prints where it is."""
    del argv
    checks.check_at_least("--num-channels", command.num_channels, 1)
    sizes = dataset.mixed_sizes() if command.sizes == "mixed" else (dataset.Size(8, 2, 4),)
    recipe = dataset.Recipe(
        sizes=sizes,
        num_shards=-(-command.num_channels // dataset.Recipe.shard_channels),
        seed=command.seed,
    )
    with console.progress("making expert data, shards", recipe.num_shards) as advance:
        manifest = dataset.generate(command.out, recipe, advance)
    channels = recipe.num_shards * recipe.shard_channels
    print(f"{channels} channels in {recipe.num_shards} shards: {command.out}")
    print(f"content hash {dataset.content_hash(manifest)}")

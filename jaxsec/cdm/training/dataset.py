"""Expert data: random channels and OPT's strategies for them, in shards that can be made again.

A dataset is a folder of `shard-00000.npz` … and `dataset.json`. A shard holds channels of one size
(M, K, L), each with its own link budget P/σ0²:

| array | shape | |
|---|---|---|
| `h_user`, `h_eve` | (n, K, M), (n, L, M) complex64 | |
| `noise_power` | (n,) float32 | σ0²/P |
| `w`, `v` | (n, M, K), (n, M, J) complex64 | OPT's strategy |
| `rate` | (n,) float32 | its sum secrecy rate, bit/s/Hz |
| `recipe` | () text | JSON of all that the shard was made from |

A shard depends on the recipe and its number alone, so a killed run goes on where it stopped, and
the same recipe makes the same bytes on the same machine. `dataset.json` comes last: it has the
recipe and the SHA-256 of every shard.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxsec import checks, keys
from jaxsec.channels import Channels, Scenario, sample_channels
from jaxsec.files.archive import atomic_write, naming, write_arrays
from jaxsec.files.reading import read_arrays
from jaxsec.precoding import gpip
from jaxsec.strategy import Size, Strategy

SCHEMA = 2
"""1 drew other channels from a seed, and held the same arrays."""
READABLE = (1, SCHEMA)
ARRAYS = ("h_user", "h_eve", "noise_power", "w", "v", "rate", "recipe")

FIGURES = ((2, 4), (4, 2), (4, 4), (4, 6), (4, 8), (2, 2), (3, 2), (5, 2), (6, 2))
"""(K, L) of P1's figures."""
OTHERS = ((1, 1), (1, 4), (2, 0), (2, 8), (3, 5), (5, 6), (6, 4), (7, 3), (8, 0), (8, 8))
"""(K, L) that fill the rest of the range up to (8, 8)."""
ANTENNAS = (12, 5, 24)
"""Numbers of antennas that P1's sizes are also drawn with; 8 is P1's."""


def mixed_sizes() -> tuple[Size, ...]:
    """The cycle of sizes of the mixed set: K, L of P1's figures most of the time, with 8 antennas.

    Every other size is compiled once and drawn once a cycle.
    """
    figures = [Size(8, *pair) for pair in FIGURES]
    wide = [Size(ANTENNAS[i % len(ANTENNAS)], *pair) for i, pair in enumerate(FIGURES)]
    others = [Size(8, *pair) for pair in OTHERS]
    return (*figures, *wide, *figures, *others, *figures)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that a dataset is made from.

    Raises:
      InputError: a number is out of its range.
    """

    sizes: tuple[Size, ...]
    """Sizes of the shards, in a cycle."""
    num_shards: int
    shard_channels: int = 2048
    seed: int = 0
    min_link_db: float = 85.0
    """Least transmit power over noise power; P1's figures span 100 to 130 dB, and 90 in 4(d)."""
    max_link_db: float = 135.0
    num_noise_beams: int = 2
    num_steps: int = 48
    """Annealing steps of OPT."""
    last_smoothing: float = 0.02
    """The smoothing it ends with, bit/s/Hz."""

    def __post_init__(self) -> None:
        checks.require(len(self.sizes) > 0, "`sizes` must hold at least one size")
        checks.check_at_least("num_shards", self.num_shards, 1)
        checks.check_at_least("shard_channels", self.shard_channels, 1)
        checks.check_at_least("num_steps", self.num_steps, 1)
        checks.check_at_least("num_noise_beams", self.num_noise_beams, 0)
        checks.require(0 <= self.seed < 2**32, f"`seed` must lie in [0, 2**32), but is {self.seed}")
        checks.require(
            self.min_link_db <= self.max_link_db,
            f"`max_link_db` must be at least `min_link_db` = {self.min_link_db}, "
            f"but is {self.max_link_db}",
        )

    def text(self) -> str:
        """As JSON."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, sort_keys=True)

    def shard_text(self, index: int) -> str:
        """What shard `index` is made from, as JSON: not how many others there are."""
        fields = dataclasses.asdict(self)
        del fields["num_shards"]
        return json.dumps({"schema": SCHEMA, "shard": index, **fields}, sort_keys=True)


class Shard(NamedTuple):
    """Expert data of one size, as NumPy arrays."""

    channels: Channels
    strategy: Strategy
    rate: np.ndarray  # [n], bit/s/Hz


def generate(
    folder: str | os.PathLike[str], recipe: Recipe, advance: Callable[[int], object]
) -> dict[str, Any]:
    """Makes a dataset, or what is missing of it.

    Args:
      folder: made if it does not exist; may hold shards of the same recipe.
      recipe: what to make.
      advance: told after every shard how many are new.

    Returns:
      The contents of `dataset.json`.

    Raises:
      InputError: the folder cannot be written, or holds shards of another recipe.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise checks.InputError(f"{folder}: cannot be made: {error.strerror}") from None
    shards = []
    for index in range(recipe.num_shards):
        path = folder / shard_name(index)
        if path.exists():
            _check_shard(path, recipe, index)
        else:
            shard = make_shard(recipe, index)
            write_arrays(
                path,
                {
                    **{name: np.asarray(x) for name, x in shard.channels._asdict().items()},
                    **{name: np.asarray(x) for name, x in shard.strategy._asdict().items()},
                    "rate": shard.rate,
                    "recipe": np.array(recipe.shard_text(index)),
                },
            )
        size = recipe.sizes[index % len(recipe.sizes)]
        shards.append({"file": path.name, "sha256": sha256(path), **size._asdict()})
        advance(1)
    manifest = {"schema": SCHEMA, "recipe": json.loads(recipe.text()), "shards": shards}
    with atomic_write(folder / "dataset.json") as file:
        file.write((json.dumps(manifest, indent=1) + "\n").encode())
    return manifest


def make_shard(recipe: Recipe, index: int) -> Shard:
    """Channels and expert strategies of one shard."""
    size = recipe.sizes[index % len(recipe.sizes)]
    key = keys.step(keys.stream(recipe.seed, "dataset/shards"), index)
    key_channels, key_link = jax.random.split(key)
    scenario = Scenario(**size._asdict())
    h_user, h_eve, _ = sample_channels(key_channels, scenario, recipe.shard_channels)
    link_db = jax.random.uniform(
        key_link, (recipe.shard_channels,), minval=recipe.min_link_db, maxval=recipe.max_link_db
    )
    channels = Channels(h_user, h_eve, 10.0 ** (-link_db / 10.0))
    result = gpip.opt(
        *channels,
        num_noise_beams=recipe.num_noise_beams,
        smoothing=gpip.annealing(recipe.num_steps, last=recipe.last_smoothing),
    )
    channels, strategy = jax.tree.map(np.asarray, (channels, result.strategy))
    return Shard(channels, strategy, np.asarray(result.info.rate))


def load(folder: str | os.PathLike[str]) -> Iterator[Shard]:
    """The shards of a finished dataset, each checked against its hash.

    Raises:
      InputError: there is no dataset, or a file of it is missing, damaged or changed.
    """
    folder = Path(folder)
    for entry in read_manifest(folder)["shards"]:
        path = folder / entry["file"]
        with naming(path):
            checks.require(path.is_file(), "a shard named in dataset.json is missing")
            checks.require(
                sha256(path) == entry["sha256"], "is not the file that dataset.json names"
            )
        arrays = read_arrays(path, ARRAYS)
        yield Shard(
            Channels(arrays["h_user"], arrays["h_eve"], arrays["noise_power"]),
            Strategy(arrays["w"], arrays["v"]),  # pyright: ignore[reportArgumentType]
            arrays["rate"],
        )


def read_manifest(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The contents of `dataset.json`.

    Raises:
      InputError: it is missing, which means the dataset is not finished, or not of this schema.
    """
    path = Path(folder) / "dataset.json"
    with naming(path):
        checks.require(path.is_file(), "there is no finished dataset here: run `jaxsec dataset`")
        try:
            manifest = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise checks.InputError(f"cannot be read ({error})") from None
        checks.require(
            isinstance(manifest, dict) and manifest.get("schema") in READABLE,
            f"is not a dataset of schema {' or '.join(map(str, READABLE))}",
        )
    return manifest


def content_hash(manifest: dict[str, Any]) -> str:
    """One hash of all shards."""
    text = "".join(entry["sha256"] for entry in manifest["shards"])
    return hashlib.sha256(text.encode()).hexdigest()


def shard_name(index: int) -> str:
    return f"shard-{index:05d}.npz"


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_shard(path: Path, recipe: Recipe, index: int) -> None:
    made_from = str(read_arrays(path, ["recipe"])["recipe"])
    with naming(path):
        checks.require(
            made_from == recipe.shard_text(index),
            "was made from another recipe: choose another folder, or delete it",
        )

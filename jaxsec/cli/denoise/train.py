"""`jaxsec denoise train`: links or digits in, a denoiser out."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from jaxsec import checks
from jaxsec.channel_denoising.pilots import run as channels_run
from jaxsec.channel_denoising.pilots import train as channels_train
from jaxsec.channel_denoising.symbols import run as symbols_run
from jaxsec.channel_denoising.symbols import train as symbols_train
from jaxsec.channel_denoising.symbols.channel import Fading
from jaxsec.cli import options

CONFIGS: dict[str, Any] = {"channels": channels_train.Config, "symbols": symbols_train.Config}
RUNS: dict[str, Any] = {"channels": channels_run.run, "symbols": symbols_run.run}


@dataclasses.dataclass(frozen=True)
class Command:
    """Train a diffusion model that denoises what a channel has left, and its one-shot control.

    Of estimates of channels from pilots; or of the symbols of a source-channel coder of digits,
    which is trained first, as are decoders afterwards. Can be killed and started again with the
    same options: it goes on from its last checkpoint and ends with the same parameters, bit by bit.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for checkpoints, metrics.jsonl, and the model: model.npz and model.json."""
    what: Literal["channels", "symbols"] = "channels"
    """To be denoised."""
    num_antennas: int | None = None
    """Channels: M, of a linear array (16)."""
    num_clusters: int | None = None
    """Channels: clusters of scatterers around a user (4)."""
    angular_spread_deg: float | None = None
    """Channels: standard deviation of the azimuths within a cluster (5)."""
    num_links: int | None = None
    """Channels: links to train on, drawn before the first step (32768)."""
    channels: tuple[Fading, ...] | None = None
    """Symbols: what they go through (both)."""
    snrs_db: tuple[float, ...] | None = None
    """Symbols: signal-to-noise ratios, a coder each (5 10 20)."""
    num_symbols: int | None = None
    """Symbols: k, complex symbols an image (48)."""
    replicas: int | None = None
    """Symbols: trainings of each coder (1)."""
    width: int | None = None
    """Of the layers (channels 128, symbols 64: of coder and decoder)."""
    num_steps: int | None = None
    """Training steps (channels 8000, symbols 7500 in each of three stages)."""
    batch_size: int | None = None
    """Links or images a step (channels 256, symbols 64)."""
    save_every: int = 1000
    """Steps between checkpoints."""
    seed: int = 0
    """Seed of all that is drawn."""


def run(command: Command, argv: list[str]) -> None:
    """Trains, or goes on training, and writes the model."""
    checks.check_at_least("--save-every", command.save_every, 1)
    options.check_seed(command.seed)
    config, line = configure(command), shlex.join(["jaxsec", *argv])
    path = RUNS[command.what](command.out, config, save_every=command.save_every, command=line)
    print(f"written to {path} and {path.with_suffix('.json')}")


def configure(command: Command) -> Any:
    """The configuration of what is to be denoised; options of the other kind are refused."""
    kind = CONFIGS[command.what]
    fields = {field.name for field in dataclasses.fields(kind)}
    given = {
        field.name: getattr(command, field.name)
        for field in dataclasses.fields(command)
        if field.name not in ("out", "what", "save_every")
        and getattr(command, field.name) is not None
    }
    for name in given:
        checks.require(
            name in fields,
            f"`--{name.replace('_', '-')}` must be left out where `--what` is {command.what}",
        )
    return kind(**given)

"""`jaxsec train`: expert data in, a diffusion model out."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxsec import checks
from jaxsec.cdm.training import pretrain
from jaxsec.cdm.training import run as training
from jaxsec.cli import options
from jaxsec.cli.launch import LaunchOptions
from jaxsec.diffusion.process import Prediction


@dataclasses.dataclass(frozen=True)
class Command:
    """Train a diffusion model on expert data made by `jaxsec dataset`.

    Can be killed and started again with the same options: it goes on from its last checkpoint and
    ends with the same parameters, bit by bit. Uses all devices that JAX sees, and those of several
    machines if it is started on each.
    """

    data: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")]
    """Folder made by `jaxsec dataset`."""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for checkpoints, metrics.jsonl, and the model: model.npz and model.json."""
    denoiser: Literal["set", "unet", "unet-paper", "mlp", "mlp-paper"] = "set"
    """The network."""
    coordinates: Literal["received", "antenna"] = "received"
    """How strategies are written: received gains, or the paper's antenna coordinates."""
    prediction: Prediction = "start"
    """What the network puts out: noise, as in the paper, or start, or velocity."""
    num_steps: int = pretrain.Config.num_steps
    """Training steps."""
    batch_entries: int = pretrain.Config.batch_entries
    """Table entries (a receiver and a beam) a batch, over all its channels."""
    learning_rate: float = pretrain.Config.learning_rate
    """The largest, after the warm-up."""
    save_every: int = 500
    """Steps between checkpoints."""
    seed: int = 0
    """Seed of parameters, batches and noise."""
    half: bool = False
    """Write the weights in half precision, half as large a file."""
    launch: tyro.conf.OmitArgPrefixes[LaunchOptions] = dataclasses.field(
        default_factory=LaunchOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Trains, or goes on training, and writes the model."""
    checks.check_at_least("--save-every", command.save_every, 1)
    options.check_seed(command.seed)
    command.launch.join()
    config = options.configure(
        pretrain.Config, command, "data", "out", "save_every", "half", "launch"
    )
    path = training.train(
        command.data,
        command.out,
        config,
        save_every=command.save_every,
        command=shlex.join(["jaxsec", *argv]),
        half=command.half,
    )
    if path is not None:
        print(f"written to {path} and {path.with_suffix('.json')}")

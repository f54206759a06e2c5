"""`jaxsec finetune`: a diffusion model in, one that designs better out."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

import tyro

from jaxsec import checks
from jaxsec.cdm.training import finetune
from jaxsec.cdm.training import run as training
from jaxsec.cdm.training.finetune import Coordinates, Objective, Power
from jaxsec.cli import options
from jaxsec.cli.launch import LaunchOptions
from jaxsec.strategy import Size


@dataclasses.dataclass(frozen=True)
class Command:
    """Fine-tune a diffusion model on the sum secrecy rate of what it generates.

    Needs no data: channels are drawn anew for every step. Can be killed and started again with the
    same options: it goes on from its last checkpoint and ends with the same parameters, bit by bit.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for checkpoints, metrics.jsonl, and the model: model.npz and model.json."""
    model: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "cdm-set"
    """The model to start from: a shipped one by its name, or a .npz file; or `set` or `set-small`:
    a network of random weights that is given no noise and called once, without diffusion."""
    num_steps: int = finetune.Config.num_steps
    """Training steps."""
    batch_entries: int = finetune.Config.batch_entries
    """Table entries (a receiver and a beam) a batch, over all its channels."""
    ddim_steps: tuple[int, ...] = finetune.Config.ddim_steps
    """Sampling steps to fine-tune for: one of these is drawn for every training step."""
    num_candidates: int = finetune.Config.num_candidates
    """Candidates a channel, of which the (softly) best counts."""
    refine: int = finetune.Config.refine
    """Steps of opt's iteration that will follow, and are differentiated through."""
    power: Power = finetune.Config.power
    """How the power budget is kept: exactly, or by the paper's penalty."""
    penalty: float = finetune.Config.penalty
    """Weight of that penalty."""
    relative: bool = finetune.Config.relative
    """Count rates in those of the closed form, so that all powers and sizes weigh alike."""
    first_smoothing: float = finetune.Config.first_smoothing
    """Smoothing of the maximum over eavesdroppers at the first step, bit/s/Hz."""
    last_smoothing: float = finetune.Config.last_smoothing
    """The same at the last step."""
    clustered: float = finetune.Config.clustered
    """Share of clustered channels, 0 to 1; the others are Rayleigh channels."""
    coordinates: Coordinates | None = finetune.Config.coordinates
    """In which the model goes on; by default its own, but resolved ones, for channels that are
    alike, where it is a set denoiser of received gains; known ones are for channels with errors."""
    csi_error_users: float | None = finetune.Config.csi_error_users
    """CSI error of users in known coordinates, 0 to 1; by default of all kinds."""
    csi_error_eavesdroppers: float | None = finetune.Config.csi_error_eavesdroppers
    """The same of eavesdroppers."""
    objective: Objective = finetune.Config.objective
    """In known coordinates: the mean over what channels may be, the rate that is kept in 95% of
    them, or half of the channels for each."""
    num_draws: int = finetune.Config.num_draws
    """Draws of what channels may be, in known coordinates."""
    learning_rate: float = finetune.Config.learning_rate
    """The largest, after the warm-up."""
    size: Annotated[tuple[int, int, int] | None, tyro.conf.arg(metavar="M K L")] = None
    """Fine-tune for this size only; by default for a mixture."""
    save_every: int = 250
    """Steps between checkpoints."""
    seed: int = 0
    """Seed of channels and noise."""
    half: bool = False
    """Write the weights in half precision, half as large a file."""
    launch: tyro.conf.OmitArgPrefixes[LaunchOptions] = dataclasses.field(
        default_factory=LaunchOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Fine-tunes, or goes on, and writes the model."""
    checks.check_at_least("--save-every", command.save_every, 1)
    options.check_seed(command.seed)
    config = options.configure(
        finetune.Config, command, "out", "model", "size", "save_every", "half", "launch"
    )
    command.launch.join()
    path = training.fine_tune(
        command.model,
        command.out,
        config,
        only=None if command.size is None else Size(*command.size),
        save_every=command.save_every,
        command=shlex.join(["jaxsec", *argv]),
        half=command.half,
    )
    if path is not None:
        print(f"written to {path} and {path.with_suffix('.json')}")

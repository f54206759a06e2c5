"""`jaxsec finetune`: a diffusion model in, one that designs better out."""

import dataclasses
import hashlib
import shlex
from pathlib import Path
from typing import Annotated

import jax
import tyro

from jaxsec import cdm, checks
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.training import finetune, problems
from jaxsec.cdm.training.finetune import Power
from jaxsec.cli import options
from jaxsec.cli.launch import LaunchOptions
from jaxsec.learning import loop, parallel
from jaxsec.learning import state as states
from jaxsec.learning.checkpoint import Checkpoints
from jaxsec.report import console, timing
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
    """The model to start from: a shipped one by its name, or a .npz file."""
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
    max_error: float = finetune.Config.max_error
    """Largest CSI error variance to be robust against; 0 for channels that are known."""
    num_draws: int = finetune.Config.num_draws
    """Draws of the channels' posterior for each estimate, where there is a CSI error."""
    learning_rate: float = finetune.Config.learning_rate
    """The largest, after the warm-up."""
    size: Annotated[tuple[int, int, int] | None, tyro.conf.arg(metavar="M K L")] = None
    """Fine-tune for this size only; by default for a mixture."""
    save_every: int = 250
    """Steps between checkpoints."""
    seed: int = 0
    """Seed of channels and noise."""
    launch: tyro.conf.OmitArgPrefixes[LaunchOptions] = dataclasses.field(
        default_factory=LaunchOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Fine-tunes, or goes on, and writes the model."""
    checks.check_at_least("--save-every", command.save_every, 1)
    options.check_seed(command.seed)
    names = [field.name for field in dataclasses.fields(finetune.Config)]
    config = finetune.Config(**{n: getattr(command, n) for n in names if hasattr(command, n)})
    command.launch.join()
    with parallel.together():
        path = _path(command.model)
        model = cdm_file.load(path)
    if config.max_error > 0.0:
        model = finetune.told_error(model)
    only = None if command.size is None else Size(*command.size)
    if only is not None:
        cdm.check_size(model, *only)
    start = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    if path.is_relative_to(pretrained.FOLDER):
        start["name"] = path.stem
    checkpoints = Checkpoints(
        command.out, {"config": dataclasses.asdict(config), "model": start, "size": command.size}
    )
    mesh = parallel.devices()
    source = problems.Source(
        coordinates=coordinates.get(model.coordinates),
        standardiser=model.standardiser,
        num_noise_beams=model.num_noise_beams,
        batch_entries=config.batch_entries,
        max_error=config.max_error,
        multiple=mesh.size,
        seed=config.seed,
        only=only,
    )
    state = states.initial(model.params, finetune.optimiser(config))
    step = finetune.make_step(config, cdm.sampler_of(model), mesh)
    with console.progress("fine-tuning, steps", config.num_steps) as advance:
        seen = 0

        def report(done: int, line: dict[str, float]) -> None:
            nonlocal seen
            rate = f"loss {line['loss']:.4f}, {line['samples_per_s']:.0f} channels/s"
            advance(done - seen, rate)
            seen = done

        state = loop.run(
            command.out,
            checkpoints,
            parallel.replicate(mesh, state),
            lambda state, batch: step(state, *batch),
            lambda i: (parallel.share(mesh, source.draw(i)), finetune.plan_of(config, i)),
            num_steps=config.num_steps,
            save_every=command.save_every,
            report=report,
        )
    if not parallel.is_first():
        return
    card = {
        "command": shlex.join(["jaxsec", *argv]),
        "start": start,
        "fine_tuning": dataclasses.asdict(config),
        "num_parameters": sum(x.size for x in jax.tree.leaves(state.params)),
        "hardware": timing.hardware(),
        "seconds": loop.seconds(command.out),
    }
    path = command.out / "model.npz"
    cdm_file.save(path, finetune.to_model(model, state), card)
    print(f"written to {path} and {path.with_suffix('.json')}")


def _path(model: str) -> Path:
    """Where the weights are."""
    if model in pretrained.names():
        return pretrained.FOLDER / f"{model}.npz"
    path = Path(model)
    checks.require(
        path.suffix == ".npz",
        f"`--model` must be one of {', '.join(pretrained.names())}, or a .npz file, but is "
        f"{model!r}",
    )
    return path

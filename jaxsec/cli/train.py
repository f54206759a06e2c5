"""`jaxsec train`: expert data in, a diffusion model out."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Literal

import jax
import tyro

from jaxsec import checks
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.training import batches, dataset, pretrain
from jaxsec.cli import options
from jaxsec.cli.launch import LaunchOptions
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.diffusion.process import Prediction
from jaxsec.learning import loop, parallel
from jaxsec.learning.checkpoint import Checkpoints
from jaxsec.report import console, timing


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
    denoiser: Literal["set", "unet", "unet-paper", "mlp"] = "set"
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
    launch: tyro.conf.OmitArgPrefixes[LaunchOptions] = dataclasses.field(
        default_factory=LaunchOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Trains, or goes on training, and writes the model."""
    checks.check_at_least("--save-every", command.save_every, 1)
    options.check_seed(command.seed)
    command.launch.join()
    names = [field.name for field in dataclasses.fields(pretrain.Config)]
    config = pretrain.Config(**{n: getattr(command, n) for n in names if hasattr(command, n)})
    with parallel.together():
        manifest = dataset.read_manifest(command.data)
    content = dataset.content_hash(manifest)
    made_from = {"config": dataclasses.asdict(config), "data": content}
    checkpoints = Checkpoints(command.out, made_from)
    mesh = parallel.devices()
    with console.progress("reading expert data, shards", len(manifest["shards"])) as advance:
        data, standardiser = batches.load(
            command.data,
            coordinates.get(config.coordinates),
            entries=config.batch_entries,
            multiple=mesh.size,
            seed=config.seed,
            advance=advance,
        )
    network = denoisers.for_tables(config.denoiser, *batches.largest(data))
    state = parallel.replicate(mesh, pretrain.initial_state(config, network, data.buckets[0]))
    with console.progress("training, steps", config.num_steps) as advance:
        seen = 0

        def report(done: int, line: dict[str, float]) -> None:
            nonlocal seen
            rate = f"loss {line['loss']:.4f}, {line['samples_per_s']:.0f} samples/s"
            advance(done - seen, rate)
            seen = done

        state = loop.run(
            command.out,
            checkpoints,
            state,
            pretrain.make_train_step(config, network, mesh),
            lambda step: parallel.share(mesh, data.draw(step)),
            num_steps=config.num_steps,
            save_every=command.save_every,
            report=report,
        )
    if not parallel.is_first():
        return
    model = pretrain.to_model(config, network, state, standardiser, manifest)
    card = {
        "command": shlex.join(["jaxsec", *argv]),
        "data": {"content": content, "recipe": manifest["recipe"]},
        "training": dataclasses.asdict(config),
        "num_parameters": sum(x.size for x in jax.tree.leaves(state.params)),
        "hardware": timing.hardware(),
        "seconds": loop.seconds(command.out),
    }
    path = command.out / "model.npz"
    cdm_file.save(path, model, card)
    print(f"written to {path} and {path.with_suffix('.json')}")
